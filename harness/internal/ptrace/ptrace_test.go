package ptrace_test

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"ipckit/harness/internal/ptrace"
	"ipckit/harness/internal/seccomp"
	"ipckit/harness/internal/sysnum"
)

const options = unix.PTRACE_O_TRACESYSGOOD | unix.PTRACE_O_TRACESECCOMP | unix.PTRACE_O_EXITKILL

func (p *tracee) must(err error) {
	p.Helper()
	if err != nil {
		p.Fatal(err)
	}
}

// seize attaches and skips the test where the system forbids it.
func (p *tracee) seize() {
	p.Helper()
	err := ptrace.Seize(p.pid, options)
	if errors.Is(err, unix.EPERM) {
		p.Skipf("tracing is refused here: %v", err)
	}
	p.must(err)
}

func (p *tracee) wait() unix.WaitStatus {
	p.Helper()
	for {
		tid, status, err := ptrace.Wait(p.pid, unix.WALL)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		p.must(err)
		if tid != p.pid {
			p.Fatalf("waited for %d; got %d", p.pid, tid)
		}
		return status
	}
}

// expect waits for a stop by signal sig with the given event.
func (p *tracee) expect(sig unix.Signal, event int) {
	p.Helper()
	status := p.wait()
	if !status.Stopped() || status.StopSignal() != sig || ptrace.StopEvent(status) != event {
		p.Fatalf("wait status %#x; want a stop by %v with event %d", uint32(status), sig, event)
	}
}

func (p *tracee) expectSyscallStop(op ptrace.Op) ptrace.Call {
	p.Helper()
	if status := p.wait(); !ptrace.SyscallStop(status) || ptrace.StopEvent(status) != 0 {
		p.Fatalf("wait status %#x; want a system call stop", uint32(status))
	}
	var call ptrace.Call
	p.must(ptrace.SyscallInfo(p.pid, &call))
	if call.Op != op {
		p.Fatalf("stop of kind %d; want %d", call.Op, op)
	}
	return call
}

// interrupt stops a tracee that is blocked in read.
func (p *tracee) interrupt() {
	p.Helper()
	p.must(ptrace.Interrupt(p.pid))
	p.expect(unix.SIGTRAP, unix.PTRACE_EVENT_STOP)
}

// startMemory returns a stopped tracee and where its page begins and ends.
func startMemory(t *testing.T) (p *tracee, base, end uint64) {
	t.Helper()
	p = start(t, "memory")
	p.seize()
	p.interrupt()
	var page uint64
	if _, err := fmt.Sscan(p.line, &base, &page); err != nil {
		t.Fatal(err)
	}
	return p, base, base + page
}

func TestReadMemory(t *testing.T) {
	p, base, end := startMemory(t)
	for _, row := range []struct {
		reason string
		addr   uint64
		length int
		want   string
		errno  unix.Errno
	}{
		{"within a page", base, 7, "read me", 0},
		{"nothing asked", base, 0, "", 0},
		{"cut where the memory ends", end - uint64(len(tail)), 100, tail, 0},
		{"far past the end", end - uint64(len(tail)), 1 << 20, tail, 0},
		{"nothing there", end, 10, "", unix.EFAULT},
		{"the nil page", 0, 10, "", unix.EFAULT},
		{"beyond user space", 1 << 63, 10, "", unix.EFAULT},
		{"wrapping around", ^uint64(0) - 2, 10, "", unix.EFAULT},
	} {
		buf := make([]byte, row.length)
		n, err := ptrace.ReadMemory(p.pid, row.addr, buf)
		if string(buf[:n]) != row.want || !sameErrno(err, row.errno) {
			t.Errorf("%s: read %q, %v; want %q, errno %d", row.reason, buf[:n], err, row.want, row.errno)
		}
	}
}

func TestReadCString(t *testing.T) {
	p, base, end := startMemory(t)
	for _, row := range []struct {
		reason string
		addr   uint64
		max    int
		want   string
		whole  bool
		errno  unix.Errno
	}{
		{"up to its NUL", base, 100, "read me", true, 0},
		{"cut by max", base, 4, "read", false, 0},
		{"max leaves no room for the NUL", base, 7, "read me", false, 0},
		{"max just leaves it", base, 8, "read me", true, 0},
		{"cut by the end of memory", end - uint64(len(tail)), 100, tail, false, 0},
		{"empty", base + 100, 100, "", true, 0},
		{"longer than a chunk", end - 2000, 4096, "", true, 0},
		{"nothing there", end, 100, "", false, unix.EFAULT},
	} {
		s, whole, err := ptrace.ReadCString(p.pid, row.addr, row.max)
		if s != row.want || whole != row.whole || !sameErrno(err, row.errno) {
			t.Errorf("%s: string %q, %v, %v; want %q, %v, errno %d", row.reason, s, whole, err, row.want, row.whole, row.errno)
		}
	}
}

func TestWriteMemory(t *testing.T) {
	p, base, end := startMemory(t)
	long := strings.Repeat("x", 600)
	n, err := ptrace.WriteMemory(p.pid, base+1000, []byte(long+"\x00"))
	if err != nil || n != 601 {
		t.Fatalf("wrote %d, %v; want 601", n, err)
	}
	if s, whole, err := ptrace.ReadCString(p.pid, base+1000, 4096); s != long || !whole || err != nil {
		t.Errorf("read back %d bytes, %v, %v; want 600", len(s), whole, err)
	}
	if n, err := ptrace.WriteMemory(p.pid, end-3, []byte("12345")); n != 3 || err != nil {
		t.Errorf("wrote %d, %v across the end; want 3", n, err)
	}
}

func sameErrno(err error, want unix.Errno) bool {
	if want == 0 {
		return err == nil
	}
	return errors.Is(err, want)
}

func TestSyscallStops(t *testing.T) {
	p := start(t, "reader")
	p.seize()
	p.interrupt()
	p.must(ptrace.Syscall(p.pid, 0))
	entry := p.expectSyscallStop(ptrace.Entry) // the interrupted read starts again
	if name := sysnum.Name(entry.Nr); name != "read" || entry.Args[0] != 0 || entry.Args[2] != 1 {
		t.Fatalf("entry of %s%v; want read(0, ..., 1)", name, entry.Args)
	}
	if entry.IP == 0 || entry.SP == 0 || entry.Arch == 0 {
		t.Errorf("entry without registers: %+v", entry)
	}
	p.must(ptrace.Syscall(p.pid, 0))
	if _, err := p.in.Write([]byte{'x'}); err != nil {
		t.Fatal(err)
	}
	if exit := p.expectSyscallStop(ptrace.Exit); exit.Ret != 1 || exit.IsError {
		t.Errorf("exit with %d, error %v; want 1", exit.Ret, exit.IsError)
	}
	var got [1]byte
	if n, err := ptrace.ReadMemory(p.pid, entry.Args[1], got[:]); n != 1 || got[0] != 'x' {
		t.Errorf("the buffer of read holds %q, %v; want x", got[:n], err)
	}
	p.failRead()
	p.exits()
}

// failRead turns the next read into a call that does not exist.
func (p *tracee) failRead() {
	p.Helper()
	p.must(ptrace.Syscall(p.pid, 0))
	p.expectSyscallStop(ptrace.Entry)
	p.must(ptrace.SetSyscall(p.pid, 9999))
	p.must(ptrace.Syscall(p.pid, 0))
	if exit := p.expectSyscallStop(ptrace.Exit); exit.Ret != -int64(unix.ENOSYS) || !exit.IsError {
		p.Errorf("exit of call 9999 with %d, error %v; want ENOSYS", exit.Ret, exit.IsError)
	}
}

// exits ends the input of a tracee that is stopped and sees it leave.
func (p *tracee) exits() {
	p.Helper()
	p.must(p.in.Close())
	p.must(ptrace.Cont(p.pid, 0))
	if status := p.wait(); !status.Exited() || status.ExitStatus() != 0 {
		p.Errorf("wait status %#x; want exit 0", uint32(status))
	}
}

func TestSignalStops(t *testing.T) {
	p := startCat(t)
	p.seize()
	p.must(unix.Kill(p.pid, unix.SIGTERM))
	p.expect(unix.SIGTERM, 0)
	info := p.sigInfo()
	want := ptrace.Siginfo{Signo: unix.SIGTERM, Code: ptrace.SI_USER, HasPID: true, PID: os.Getpid(), UID: uint32(os.Getuid())}
	if info != want {
		t.Errorf("kill shows as %+v; want %+v", info, want)
	}
	p.must(ptrace.Cont(p.pid, 0)) // so SIGTERM is not delivered

	p.queue(unix.SIGUSR1, -42)
	p.expect(unix.SIGUSR1, 0)
	info = p.sigInfo()
	if info.Code != ptrace.SI_QUEUE || info.PID != os.Getpid() || int32(info.Value) != -42 {
		t.Errorf("sigqueue shows as %+v; want value -42 from %d", info, os.Getpid())
	}
	p.must(ptrace.Cont(p.pid, 0))

	p.must(unix.Tgkill(p.pid, p.pid, unix.SIGUSR2))
	p.expect(unix.SIGUSR2, 0)
	if info = p.sigInfo(); info.Code != ptrace.SI_TKILL || info.PID != os.Getpid() {
		t.Errorf("tgkill shows as %+v; want code %d from %d", info, ptrace.SI_TKILL, os.Getpid())
	}
	p.exits()
}

func (p *tracee) sigInfo() ptrace.Siginfo {
	p.Helper()
	info, err := ptrace.SigInfo(p.pid)
	p.must(err)
	return info
}

// queue does what sigqueue(3) does.
func (p *tracee) queue(sig unix.Signal, value int32) {
	p.Helper()
	info := struct {
		signo, errno, code, _ int32
		pid                   int32
		uid                   uint32
		value                 int64
		_                     [96]byte
	}{signo: int32(sig), code: ptrace.SI_QUEUE, pid: int32(os.Getpid()), uid: uint32(os.Getuid()), value: int64(value)}
	_, _, errno := unix.RawSyscall(unix.SYS_RT_SIGQUEUEINFO, uintptr(p.pid), uintptr(sig), uintptr(unsafe.Pointer(&info)))
	if errno != 0 {
		p.Fatal(errno)
	}
}

func TestGroupStopAndListen(t *testing.T) {
	p := startCat(t)
	p.seize()
	p.must(unix.Kill(p.pid, unix.SIGSTOP))
	p.expect(unix.SIGSTOP, 0)
	p.must(ptrace.Cont(p.pid, unix.SIGSTOP))
	p.expect(unix.SIGSTOP, unix.PTRACE_EVENT_STOP)
	if info := p.sigInfo(); info.HasPID || info.Code != unix.PTRACE_EVENT_STOP<<8|int32(unix.SIGSTOP) {
		t.Errorf("a group-stop shows as %+v; want its event in the code and no sender", info)
	}
	p.must(ptrace.Listen(p.pid))
	if tid, _, err := ptrace.Wait(p.pid, unix.WALL|unix.WNOHANG); tid != 0 || err != nil {
		t.Errorf("a listening tracee was reported: %d, %v", tid, err)
	}
	p.must(unix.Kill(p.pid, unix.SIGCONT))
	p.expect(unix.SIGTRAP, unix.PTRACE_EVENT_STOP)
	p.must(ptrace.Cont(p.pid, 0))
	p.expect(unix.SIGCONT, 0)
	p.exits()
}

func TestSeccompStopsAndSkippedCalls(t *testing.T) {
	p := start(t, "filtered")
	p.seize()
	p.must(p.in.Close())

	p.expectFiltered(seccomp.Deny, unix.SYS_GETPPID)
	p.must(ptrace.SkipSyscall(p.pid, unix.EXDEV))
	p.must(ptrace.Syscall(p.pid, 0))
	if exit := p.expectSyscallStop(ptrace.Exit); exit.Ret != -int64(unix.EXDEV) || !exit.IsError {
		t.Errorf("a skipped call exits with %d, error %v; want EXDEV", exit.Ret, exit.IsError)
	}
	p.must(ptrace.Cont(p.pid, 0))
	if runtime.GOARCH == "amd64" {
		p.expectFiltered(seccomp.Foreign, x32|unix.SYS_GETPID)
		p.must(ptrace.SkipSyscall(p.pid, unix.EL2NSYNC))
		p.must(ptrace.Cont(p.pid, 0))
	}
	p.expectFiltered(seccomp.Observe, unix.SYS_GETPGID)
	p.must(ptrace.SetSyscall(p.pid, unix.SYS_GETPID))
	p.must(ptrace.Cont(p.pid, 0))
	if status := p.wait(); !status.Exited() || status.ExitStatus() != 0 {
		t.Errorf("wait status %#x; want exit 0: the target says what is wrong", uint32(status))
	}
}

func (p *tracee) expectFiltered(data uint32, nr int64) {
	p.Helper()
	p.expect(unix.SIGTRAP, unix.PTRACE_EVENT_SECCOMP)
	var call ptrace.Call
	p.must(ptrace.SyscallInfo(p.pid, &call))
	if call.Op != ptrace.Seccomp || call.RetData != data || call.Nr != nr {
		p.Fatalf("stopped at %+v; want a seccomp stop of call %d with data %d", call, nr, data)
	}
	if msg, err := ptrace.EventMsg(p.pid); msg != uint64(data) || err != nil {
		p.Errorf("event message %d, %v; want %d", msg, err, data)
	}
}

func TestErrorsNameTheRequest(t *testing.T) {
	var call ptrace.Call
	_, eventMsg := ptrace.EventMsg(os.Getpid())
	_, sigInfo := ptrace.SigInfo(os.Getpid())
	for want, err := range map[string]error{
		"ptrace(PTRACE_CONT): no such process":             ptrace.Cont(os.Getpid(), 0),
		"ptrace(PTRACE_SYSCALL): no such process":          ptrace.Syscall(os.Getpid(), 0),
		"ptrace(PTRACE_LISTEN): no such process":           ptrace.Listen(os.Getpid()),
		"ptrace(PTRACE_INTERRUPT): no such process":        ptrace.Interrupt(os.Getpid()),
		"ptrace(PTRACE_DETACH): no such process":           ptrace.Detach(os.Getpid(), 0),
		"ptrace(PTRACE_GETEVENTMSG): no such process":      eventMsg,
		"ptrace(PTRACE_GETSIGINFO): no such process":       sigInfo,
		"ptrace(PTRACE_GET_SYSCALL_INFO): no such process": ptrace.SyscallInfo(os.Getpid(), &call),
		"ptrace(PTRACE_SEIZE): operation not permitted":    ptrace.Seize(os.Getpid(), 0),
	} {
		if err == nil || err.Error() != want {
			t.Errorf("got %v; want %s", err, want)
		}
	}
}

func TestHotPathDoesNotAllocate(t *testing.T) {
	p, base, _ := startMemory(t)
	var call ptrace.Call
	buf := make([]byte, 64)
	for name, step := range map[string]func(){
		"SyscallInfo": func() { p.must(ptrace.SyscallInfo(p.pid, &call)) },
		"ReadMemory":  func() { _, _ = ptrace.ReadMemory(p.pid, base, buf) },
		"SigInfo":     func() { _, _ = ptrace.SigInfo(p.pid) },
		"EventMsg":    func() { _, _ = ptrace.EventMsg(p.pid) },
		"Wait":        func() { _, _, _ = ptrace.Wait(p.pid, unix.WALL|unix.WNOHANG) },
	} {
		if got := testing.AllocsPerRun(100, step); got != 0 {
			t.Errorf("%s allocates %v times; want 0", name, got)
		}
	}
}
