package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/sys/unix"

	"ipckit/harness/judge"
	"ipckit/harness/report"
)

// quick chooses claims whose scenarios take less than a second.
const quick = "socket.connect.failure-reasons"

func TestRunOfTheReference(t *testing.T) {
	t.Parallel()
	target := filepath.Join(t.TempDir(), "result.json")
	code, stdout, stderr := call(t, "run", "--claims", quick, "--report", "json="+target)
	if code != 0 || stderr != "" || !strings.Contains(stdout, "1 passed, 0 failed") {
		t.Errorf("code %d, standard error %q, standard output\n%s", code, stderr, stdout)
	}
	if strings.Contains(stdout, "\x1b") {
		t.Errorf("escapes where there is no terminal: %q", stdout)
	}
	text, err := os.ReadFile(target)
	if err != nil {
		t.Fatal(err)
	}
	valid(t, text)
}

// TestJSONOnStandardOutput: it is alone there.
func TestJSONOnStandardOutput(t *testing.T) {
	t.Parallel()
	cmd, stdout, stderr := process(t, "run", "--claims", quick, "--report", "json=-")
	if err := cmd.Run(); err != nil || stderr.Len() > 0 {
		t.Errorf("%v, standard error %q", err, stderr)
	}
	valid(t, stdout.Bytes())
}

// valid demands one JSON value that the schema describes.
func valid(t *testing.T, text []byte) {
	t.Helper()
	schema, err := jsonschema.UnmarshalJSON(bytes.NewReader(report.ResultSchema))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("result.schema.json", schema); err != nil {
		t.Fatal(err)
	}
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	if err := compiler.MustCompile("result.schema.json").Validate(value); err != nil {
		t.Error(err)
	}
}

// TestFailingProgram: a client that answers nothing and ends with status 0.
func TestFailingProgram(t *testing.T) {
	t.Parallel()
	program := file(t, "client", "#!/bin/sh\n(sleep 0.1)\nexit 0\n", 0o755)
	code, stdout, stderr := call(t, "run", "--client", program, "--claims", quick)
	if code != 1 || stderr != "" {
		t.Errorf("code %d, standard error %q", code, stderr)
	}
	for _, part := range []string{"✗ MUST", quick, "again     ipckit run --client"} {
		if !strings.Contains(stdout, part) {
			t.Errorf("no %q in\n%s", part, stdout)
		}
	}
}

func TestQuietIsOneLineForEachClaim(t *testing.T) {
	t.Parallel()
	program := file(t, "client", "#!/bin/sh\n(sleep 0.1)\nexit 0\n", 0o755)
	code, stdout, stderr := call(t, "run", "--quiet", "--client", program, "--claims", quick)
	if code != 1 || stderr != "" || strings.Contains(stdout, "usually") || !strings.Contains(stdout, quick) {
		t.Errorf("code %d, standard error %q, standard output\n%s", code, stderr, stdout)
	}
}

func TestProgramThatDiesAtOnce(t *testing.T) {
	for name, test := range map[string]struct{ script, part string }{
		"silent":          {"exit 3", "exited with status 3"},
		"missing library": {"echo 'error while loading shared libraries: libx.so.1' >&2\nexit 127", "libx.so.1"},
		"hostile words":   {`printf '\033[2Jgone\n' >&2; exit 1`, `\x1b[2Jgone`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			program := file(t, "server", "#!/bin/sh\n"+test.script+"\n", 0o755)
			began := time.Now()
			code, stdout, stderr := call(t, "run", "--server", program)
			if code != 2 || stdout != "" {
				t.Errorf("code %d, standard output %q", code, stdout)
			}
			oneLine(t, stderr, "ended at once")
			oneLine(t, stderr, test.part)
			if took := time.Since(began); took > 8*time.Second {
				t.Errorf("found after %v", took)
			}
		})
	}
}

// TestResultThatDoesNotArrive: nobody reads it, or there is no room.
func TestResultThatDoesNotArrive(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer full.Close()
	for name, test := range map[string]struct {
		stdout *os.File
		args   []string
		part   string
	}{
		"closed":      {closedPipe(t), []string{"run", "--claims", quick}, "write standard output: broken pipe"},
		"full":        {full, []string{"run", "--claims", quick}, "write standard output: no space left on device"},
		"full report": {nil, []string{"run", "--claims", quick, "--report", "json=/dev/full"}, "write report /dev/full: no space left on device"},
		"closed JSON": {closedPipe(t), []string{"run", "--claims", quick, "--report", "json=-"}, "broken pipe"},
		"full list":   {full, []string{"claims"}, "no space left on device"},
	} {
		t.Run(name, func(t *testing.T) {
			cmd, _, stderr := process(t, test.args...)
			if test.stdout != nil {
				cmd.Stdout = test.stdout
			}
			cmd.Run()
			if code := cmd.ProcessState.ExitCode(); code != 3 {
				t.Errorf("code %d", code)
			}
			oneLine(t, stderr.String(), test.part)
		})
	}
}

// TestListThatIsLeft: who reads no more of a list has seen what he wants.
func TestListThatIsLeft(t *testing.T) {
	t.Parallel()
	cmd, _, stderr := process(t, "claims")
	cmd.Stdout = closedPipe(t)
	if err := cmd.Run(); err != nil || stderr.Len() > 0 {
		t.Errorf("%v, standard error %q", err, stderr)
	}
}

// closedPipe returns the end of a pipe that nobody reads.
func closedPipe(t *testing.T) *os.File {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	t.Cleanup(func() { w.Close() })
	return w
}

// TestInterrupt: the shutdown program takes six seconds; Ctrl+C comes when it
// runs.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	for _, s := range []unix.Signal{unix.SIGINT, unix.SIGTERM} {
		t.Run(unix.SignalName(s), func(t *testing.T) {
			t.Parallel()
			signal.Notify(make(chan os.Signal, 1), unix.SIGINT, unix.SIGTERM) // or a child could be born with them ignored
			folder := t.TempDir()
			cmd, stdout, stderr := process(t, "run", "--claims", "wait.zombie-prevention", "--report", "json="+folder+"/result.json")
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			inside := awaitProgram(t, cmd.Process.Pid)
			cmd.Process.Signal(s)
			cmd.Wait()
			if code := cmd.ProcessState.ExitCode(); code != 130 || stdout.Len() > 0 {
				t.Errorf("code %d, standard output %q", code, stdout)
			}
			oneLine(t, stderr.String(), "interrupted")
			for _, p := range inside {
				if there(p) {
					t.Errorf("still there: %v", p)
				}
			}
			if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
}

// proc is a process of a tree.
type proc struct {
	pid, parent int
	started     string
	name        string // argv[0]
}

// awaitProgram waits until the kit runs the shutdown program, and returns all
// processes below the kit.
func awaitProgram(t *testing.T, kit int) []proc {
	t.Helper()
	const limit = 10 * time.Second
	for began := time.Now(); time.Since(began) < limit; time.Sleep(5 * time.Millisecond) {
		inside := below(t, kit)
		if slices.ContainsFunc(inside, func(p proc) bool { return p.name == "kit-ref-shutdown" }) {
			return inside
		}
	}
	t.Fatalf("the program does not run after %v", limit)
	return nil
}

// below returns the descendants of a process.
func below(t *testing.T, root int) []proc {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	var all, found []proc
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil {
			if p, err := look(pid); err == nil {
				all = append(all, p)
			}
		}
	}
	roots := []int{root}
	for len(roots) > 0 {
		var next []int
		for _, p := range all {
			if slices.Contains(roots, p.parent) {
				found, next = append(found, p), append(next, p.pid)
			}
		}
		roots = next
	}
	return found
}

// look reads a process's parent and start (proc_pid_stat(5), fields 4 and 22).
func look(pid int) (proc, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return proc{}, err
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	parent, err := strconv.Atoi(fields[1])
	if err != nil {
		return proc{}, err
	}
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	name, _, _ := strings.Cut(string(line), "\x00")
	return proc{pid: pid, parent: parent, started: fields[19], name: name}, err
}

func there(p proc) bool {
	now, err := look(p.pid)
	return err == nil && now.started == p.started
}

// TestProgressLine: it is seen on a terminal while the run goes on, and gone
// after it.
func TestProgressLine(t *testing.T) {
	t.Parallel()
	seen := terminalOutput(t, "run", "--claims", quick)
	if !strings.Contains(seen, "of 1 scenarios recorded") && !strings.Contains(seen, "starting") {
		t.Errorf("no progress: %q", seen)
	}
	if !strings.HasSuffix(seen, "\r\x1b[K") {
		t.Errorf("the line is not erased: %q", seen)
	}
	for _, flag := range []string{"--no-progress", "--quiet"} {
		if seen := terminalOutput(t, "run", flag, "--claims", quick); seen != "" {
			t.Errorf("%s: %q", flag, seen)
		}
	}
}

// terminalOutput returns what the command line writes to a terminal as standard
// error.
func terminalOutput(t *testing.T, args ...string) string {
	t.Helper()
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	cmd, _, _ := process(t, args...)
	cmd.Stderr, cmd.Env = slave, append(os.Environ(), "TERM=xterm")
	err = cmd.Start()
	slave.Close()
	if err != nil {
		t.Fatal(err)
	}
	seen, err := io.ReadAll(master)
	var path *fs.PathError
	if err != nil && !(errors.As(err, &path) && path.Err == unix.EIO) { // EIO: nobody has it open any more
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v: %v", args, err)
	}
	return string(seen)
}

func TestProgressLineFits(t *testing.T) {
	began := time.Now()
	p := judge.Progress{Total: 9, Done: 2, Running: 3, Longest: "graceful-shutdown", Since: began}
	const want = "2 of 9 scenarios recorded, 3 running, 4 waiting; graceful-shutdown 1.5 s"
	if got := progressLine(p, began.Add(1500*time.Millisecond), 0); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := progressLine(p, began, 40); len(got) != 39 {
		t.Errorf("%d columns of 40: %q", len(got), got)
	}
}

// TestColor: on a terminal, unless one of three says no.
func TestColor(t *testing.T) {
	_, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		term, noColor string
		never, want   bool
	}{
		{"xterm", "", false, true}, {"xterm", "", true, false}, {"xterm", "1", false, false}, {"dumb", "", false, false}, {"", "", false, false},
	} {
		t.Setenv("TERM", test.term)
		t.Setenv("NO_COLOR", test.noColor)
		a := &app{stdout: slave}
		if got := a.color(test.never); got != test.want {
			t.Errorf("TERM=%q NO_COLOR=%q --no-color=%v: %v", test.term, test.noColor, test.never, got)
		}
	}
}

func TestRecord(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "new", "folder")
	code, stdout, stderr := call(t, "record", "--claims", quick, "-o", folder)
	if code != 0 || stderr != "" {
		t.Fatalf("code %d, standard error %q", code, stderr)
	}
	want := filepath.Join(folder, "no-server.jsonl")
	if stdout != want+"\n" {
		t.Errorf("standard output %q, want %q", stdout, want)
	}
	if info, err := os.Stat(want); err != nil || info.Size() == 0 {
		t.Errorf("%v, %v", info, err)
	}
}
