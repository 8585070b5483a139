package procfs_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ipckit/harness/internal/procfs"
)

// child starts a cat that waits for its input to end.
func child(t *testing.T) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("cat")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Skipf("no cat here: %v", err)
	}
	t.Cleanup(func() { _, _ = in.Close(), cmd.Wait() })
	return cmd
}

// state waits for pid to be in one of the states.
func state(t *testing.T, pid int, want string) procfs.Stat {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		stat, err := procfs.ReadStat(pid)
		if err != nil {
			t.Fatal(err)
		}
		if strings.IndexByte(want, stat.State) >= 0 {
			return stat
		}
		if time.Now().After(deadline) {
			t.Fatalf("state is %c; want one of %s", stat.State, want)
		}
	}
}

func TestStatOfAChild(t *testing.T) {
	cmd := child(t)
	pid := cmd.Process.Pid
	stat := state(t, pid, "S")
	if stat.PID != pid || stat.PPID != os.Getpid() || stat.Threads != 1 || stat.StartTime == 0 || stat.PGRP != unix.Getpgrp() {
		t.Errorf("stat is %+v; want a single-threaded child of %d", stat, os.Getpid())
	}
	if err := cmd.Process.Signal(unix.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	state(t, pid, "T")
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	state(t, pid, "Z")
	if status, err := procfs.ReadStatus(pid); err != nil || status.VmRSS != 0 || status.Tgid != pid {
		t.Errorf("status of the zombie is %+v, %v", status, err)
	}
}

func TestStatOfAnUglyName(t *testing.T) {
	runtime.LockOSThread() // and not unlocked: the thread keeps the name, so it ends with the test
	const name = "a) Z (\nb"
	if err := os.WriteFile(fmt.Sprintf("/proc/self/task/%d/comm", unix.Gettid()), []byte(name), 0); err != nil {
		t.Skip(err)
	}
	stat, err := procfs.ReadStat(unix.Gettid())
	if err != nil || stat.Comm != name || stat.State != 'R' {
		t.Errorf("stat is %+v, %v; want the name %q and state R", stat, err, name)
	}
	if status, err := procfs.ReadStatus(unix.Gettid()); err != nil || status.Tgid != os.Getpid() {
		t.Errorf("status is %+v, %v; want thread group %d", status, err, os.Getpid())
	}
}

func TestStatusOfThisProcess(t *testing.T) {
	status, err := procfs.ReadStatus(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if status.Tgid != os.Getpid() || status.RealUID != os.Getuid() || status.EffectiveUID != os.Geteuid() ||
		status.Threads < 1 || status.VmRSS == 0 || status.SigQueueMax == 0 {
		t.Errorf("status is %+v", status)
	}
	if !procfs.HasSignal(status.SigCgt, int(unix.SIGSEGV)) {
		t.Errorf("the Go runtime does not catch SIGSEGV: %#x", status.SigCgt)
	}
}

func TestTasksOfThisProcess(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	tasks, err := procfs.Tasks(os.Getpid())
	if err != nil || !slices.Contains(tasks, unix.Gettid()) || !slices.Contains(tasks, os.Getpid()) || !slices.IsSorted(tasks) {
		t.Errorf("tasks are %v, %v; want %d and %d in them", tasks, err, os.Getpid(), unix.Gettid())
	}
}

func TestDescriptors(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	open, err := procfs.FDs(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	end := open[int(r.Fd())]
	if !strings.HasPrefix(end, "pipe:[") || open[int(w.Fd())] != end {
		t.Errorf("descriptors are %v; want a pipe at %d and %d", open, r.Fd(), w.Fd())
	}
	if target, err := procfs.FD(os.Getpid(), int(r.Fd())); target != end || err != nil {
		t.Errorf("descriptor %d is %q, %v; want %q", r.Fd(), target, err, end)
	}
	if target, err := procfs.FD(os.Getpid(), 1<<20); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a descriptor that is not open is %q, %v; want ErrNotExist", target, err)
	}
}

func TestChildren(t *testing.T) {
	pid := child(t).Process.Pid
	children, err := procfs.Children(os.Getpid())
	if err != nil || !slices.Contains(children, pid) {
		t.Errorf("children are %v, %v; want %d among them", children, err, pid)
	}
	if children, err := procfs.Children(pid); err != nil || len(children) != 0 {
		t.Errorf("cat has children %v, %v", children, err)
	}
}

func TestNobodyIsAnError(t *testing.T) {
	const nobody = 1 << 30 // above the largest pid, proc(5)
	_, stat := procfs.ReadStat(nobody)
	_, status := procfs.ReadStatus(nobody)
	_, tasks := procfs.Tasks(nobody)
	_, fds := procfs.FDs(nobody)
	_, children := procfs.Children(nobody)
	_, _, _, delay := procfs.SchedDelay(nobody)
	for name, err := range map[string]error{
		"stat": stat, "status": status, "tasks": tasks, "fds": fds, "children": children, "schedstat": delay,
	} {
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s of no process: %v; want ErrNotExist", name, err)
		}
	}
}

func TestSchedDelayGrows(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before, _, slices, err := procfs.SchedDelay(unix.Gettid())
	if err != nil {
		t.Skip(err)
	}
	if slices == 0 {
		t.Skip("this kernel does not count run time")
	}
	for begin := time.Now(); time.Since(begin) < 20*time.Millisecond; {
	}
	after, _, _, err := procfs.SchedDelay(unix.Gettid())
	if err != nil || after <= before {
		t.Errorf("run time went from %v to %v, %v", before, after, err)
	}
}

func TestCPUPressure(t *testing.T) {
	p, err := procfs.CPUPressure()
	if errors.Is(err, procfs.ErrNoPressure) {
		t.Skip(err)
	}
	if err != nil || p.Avg10 < 0 || p.Avg10 > 100 || p.Total < 0 {
		t.Errorf("pressure is %+v, %v", p, err)
	}
}
