package ptrace_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"ipckit/harness/internal/seccomp"
)

// targetMode makes the test binary a tracee instead. It announces itself with
// a line on stdout and goes on when it can read a byte from stdin.
const targetMode = "IPCKIT_PTRACE_TARGET"

var targets = map[string]func() error{"memory": memoryTarget, "filtered": filteredTarget, "reader": readerTarget}

// The main goroutine then stays on the main thread, whose id is the pid.
func init() {
	if os.Getenv(targetMode) != "" {
		runtime.LockOSThread()
	}
}

func TestMain(m *testing.M) {
	target, ok := targets[os.Getenv(targetMode)]
	if !ok {
		os.Exit(m.Run())
	}
	if err := target(); err != nil {
		fmt.Fprintln(os.Stderr, "target:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// announce and await are raw calls: around any other the runtime makes calls of
// its own on the thread.
func announce(line string) {
	text := []byte(line + "\n")
	_, _, _ = unix.RawSyscall(unix.SYS_WRITE, 1, uintptr(unsafe.Pointer(&text[0])), uintptr(len(text)))
}

func await() {
	var one [1]byte
	_, _, _ = unix.RawSyscall(unix.SYS_READ, 0, uintptr(unsafe.Pointer(&one)), 1)
}

const (
	greeting = "read me\x00and not me"
	tail     = "the end" // of the mapping, without a NUL
)

// memoryTarget announces the address of a page, with no page after it.
func memoryTarget() error {
	page := os.Getpagesize()
	area, err := unix.Mmap(-1, 0, 2*page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return err
	}
	copy(area, greeting)
	copy(area[page-len(tail):], tail)
	if err := unix.Mprotect(area[page:], unix.PROT_NONE); err != nil {
		return err
	}
	announce(fmt.Sprintf("%d %d", uintptr(unsafe.Pointer(&area[0])), page))
	await()
	return nil
}

// readerTarget reads for ever, until its stdin ends.
func readerTarget() error {
	announce("ready")
	var one [1]byte
	for {
		n, _, errno := unix.RawSyscall(unix.SYS_READ, 0, uintptr(unsafe.Pointer(&one)), 1)
		if errno == 0 && n == 0 {
			return nil
		}
	}
}

var tracedPolicy = seccomp.Policy{
	Trace:  []string{"getpgid"},
	Deny:   map[string]unix.Errno{"getppid": unix.EXDEV},
	Traced: true,
}

const x32 = 1 << 30 // __X32_SYSCALL_BIT

// filteredTarget makes one call of each sort under a traced filter.
func filteredTarget() error {
	filter, err := tracedPolicy.Assemble()
	if err != nil {
		return err
	}
	announce("ready")
	await()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	if err := seccomp.Install(filter); err != nil {
		return err
	}
	if err := wantErrno("getppid", unix.SYS_GETPPID, unix.EXDEV); err != nil {
		return err
	}
	if runtime.GOARCH == "amd64" {
		if err := wantErrno("x32 getpid", x32|unix.SYS_GETPID, unix.EL2NSYNC); err != nil {
			return err
		}
	}
	if pid, _, _ := unix.RawSyscall(unix.SYS_GETPGID, 0, 0, 0); int(pid) != os.Getpid() {
		return fmt.Errorf("getpgid, to be made a getpid, returned %d; want %d", pid, os.Getpid())
	}
	return nil
}

func wantErrno(name string, nr uintptr, want unix.Errno) error {
	if ret, _, errno := unix.RawSyscall(nr, 0, 0, 0); errno != want {
		return fmt.Errorf("%s returned %d, %v; want %v", name, ret, errno, want)
	}
	return nil
}

// A tracee is a running target. Its test holds the OS thread and reaps it.
type tracee struct {
	testing.TB
	pid  int
	line string // what it announced
	in   *os.File
}

// start runs the test binary as a target and waits for its announcement.
func start(t testing.TB, mode string) *tracee {
	t.Helper()
	p, out := launch(t, "/proc/self/exe", targetMode+"="+mode, "GODEBUG=asyncpreemptoff=1")
	var err error
	if p.line, err = bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatalf("target %s announced %q: %v", mode, p.line, err)
	}
	return p
}

// startCat runs a tracee of one thread only. A signal sent to a process of
// several can be taken by one that nobody traces.
func startCat(t testing.TB) *tracee {
	t.Helper()
	path, err := exec.LookPath("cat")
	if err != nil {
		t.Skip(err)
	}
	p, _ := launch(t, path)
	return p
}

// launch starts a program between two pipes. It is killed when the test ends
// and, so that no test hangs, after a while.
func launch(t testing.TB, path string, env ...string) (p *tracee, out *os.File) {
	t.Helper()
	runtime.LockOSThread()
	inRead, inWrite := pipe(t)
	outRead, outWrite := pipe(t)
	process, err := os.StartProcess(path, []string{"target"}, &os.ProcAttr{
		Env:   append(os.Environ(), env...),
		Files: []*os.File{inRead, outWrite, os.Stderr},
		Sys:   &syscall.SysProcAttr{Setpgid: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	watchdog := time.AfterFunc(20*time.Second, func() { _ = process.Kill() })
	t.Cleanup(func() {
		watchdog.Stop()
		_ = process.Kill()
		_, _ = unix.Wait4(process.Pid, nil, unix.WALL, nil)
		runtime.UnlockOSThread()
	})
	_, _ = inRead.Close(), outWrite.Close()
	return &tracee{TB: t, pid: process.Pid, in: inWrite}, outRead
}

func pipe(t testing.TB) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = r.Close(), w.Close() })
	return r, w
}
