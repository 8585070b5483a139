package reference_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// startShutdown starts the program and returns its child's pid as well.
func startShutdown(t *testing.T) (parent *process, child int) {
	t.Helper()
	if testing.Short() {
		t.Skip("takes as long as the program: 5 s")
	}
	t.Parallel()
	parent = start(t, "shutdown")
	line := next(t, parent.stdout)
	if _, err := fmt.Sscanf(line, "Parent: child %d runs; it gets SIGTERM in 5s.", &child); err != nil {
		t.Fatalf("first line %q: %v", line, err)
	}
	return parent, child
}

func kill(t *testing.T, pid int, signal unix.Signal) {
	t.Helper()
	if err := unix.Kill(pid, signal); err != nil {
		t.Fatal(err)
	}
}

// last are the four lines with which a graceful run ends.
func last(child int) []string {
	return []string{
		"Child: got SIGTERM (signal 15).",
		"Child: ending by myself, with status 0.",
		fmt.Sprintf("Parent: child %d ended with status 0.", child),
		"Parent: nothing left to wait for; ending too.",
	}
}

func TestShutdown(t *testing.T) {
	parent, child := startShutdown(t)
	status, stdout, stderr := parent.end(t)
	if status != 0 || len(stderr) != 0 {
		t.Errorf("status %d, stderr %q", status, stderr)
	}
	// How many seconds the child sees in 5 s of its parent is up to the scheduler;
	// that each has its line, in order, and all before the end, is not.
	rounds := 0
	for ; rounds < len(stdout) && strings.Contains(stdout[rounds], "awake"); rounds++ {
		if want := fmt.Sprintf("Child: awake again, round %d.", rounds+1); stdout[rounds] != want {
			t.Errorf("line %q, want %q", stdout[rounds], want)
		}
	}
	if rounds == 0 {
		t.Error("the child printed nothing before the signal")
	}
	if diff := cmp.Diff(last(child), stdout[rounds:]); diff != "" {
		t.Error(diff)
	}
}

func TestShutdownSignalFromOutside(t *testing.T) {
	parent, child := startShutdown(t)
	next(t, parent.stdout) // the child's first line: from here on it catches SIGTERM
	kill(t, child, unix.SIGTERM)
	status, stdout, stderr := parent.end(t)
	if status != 0 || len(stderr) != 0 {
		t.Errorf("status %d, stderr %q", status, stderr)
	}
	if len(stdout) < 4 {
		t.Fatalf("stdout %q", stdout)
	}
	if diff := cmp.Diff(last(child), stdout[len(stdout)-4:]); diff != "" {
		t.Error(diff)
	}
}

func TestShutdownChildKilledFromOutside(t *testing.T) {
	parent, child := startShutdown(t)
	kill(t, child, unix.SIGKILL)
	status, _, stderr := parent.end(t)
	if status != 1 {
		t.Errorf("status %d, want 1", status)
	}
	want := fmt.Sprintf("shutdown: child %d: was killed by SIGKILL (signal 9)", child)
	if diff := cmp.Diff([]string{want}, stderr); diff != "" {
		t.Error(diff)
	}
}

// TestShutdownParentKilled: the stream ends, so the child has ended as well.
func TestShutdownParentKilled(t *testing.T) {
	parent, child := startShutdown(t)
	next(t, parent.stdout) // the child's first line
	kill(t, parent.pid(), unix.SIGKILL)
	_, stdout, _ := parent.end(t)
	if len(stdout) < 2 {
		t.Fatalf("stdout %q", stdout)
	}
	if diff := cmp.Diff(last(child)[:2], stdout[len(stdout)-2:]); diff != "" {
		t.Error(diff)
	}
}
