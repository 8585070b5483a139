// Package ptrace wraps the ptrace(2) requests of a tracer that attaches with
// PTRACE_SEIZE: one kernel request per function, nothing remembered between
// them.
//
// ptrace belongs to threads. Every request about a tracee must come from the
// operating system thread that seized it, so the caller locks its goroutine
// with runtime.LockOSThread. A tracee must be stopped for every request but
// Seize, Interrupt and those of memory; one that is not, or that is gone, gives
// ESRCH, and a tracee can be killed at any time.
//
// Errors are *os.SyscallError that name the request. The functions used at
// each stop do not allocate unless they fail.
package ptrace

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// request makes one ptrace call. It is a raw one: the requests used here do
// not block, and the scheduler need not hear of them.
func request(name string, req, tid int, addr, data uintptr) error {
	_, _, errno := unix.RawSyscall6(unix.SYS_PTRACE, uintptr(req), uintptr(tid), addr, data, 0, 0)
	return failure(name, errno)
}

// requestInto is request with data pointing to memory of this process.
func requestInto(name string, req, tid int, addr uintptr, data unsafe.Pointer) error {
	_, _, errno := unix.RawSyscall6(unix.SYS_PTRACE, uintptr(req), uintptr(tid), addr, uintptr(data), 0, 0)
	return failure(name, errno)
}

func failure(name string, errno unix.Errno) error {
	if errno == 0 {
		return nil
	}
	return os.NewSyscallError("ptrace("+name+")", errno)
}

// Seize attaches to thread tid, without stopping it, and sets the
// PTRACE_O_* options in the same request.
func Seize(tid, options int) error {
	return request("PTRACE_SEIZE", unix.PTRACE_SEIZE, tid, 0, uintptr(options))
}

// Cont resumes tid. A sig other than 0 is delivered to it, which has an effect
// after a signal-delivery-stop only.
func Cont(tid int, sig unix.Signal) error {
	return request("PTRACE_CONT", unix.PTRACE_CONT, tid, 0, uintptr(sig))
}

// Syscall resumes tid as Cont does, up to its next system call entry or exit.
func Syscall(tid int, sig unix.Signal) error {
	return request("PTRACE_SYSCALL", unix.PTRACE_SYSCALL, tid, 0, uintptr(sig))
}

// Listen leaves tid in the group-stop it has reported, so that it behaves like
// any stopped process: it runs on at SIGCONT, not at a request of ours.
func Listen(tid int) error {
	return request("PTRACE_LISTEN", unix.PTRACE_LISTEN, tid, 0, 0)
}

// Interrupt stops tid, which is running or listening. The stop is reported to
// Wait as PTRACE_EVENT_STOP; a blocking call of tid ends at it.
func Interrupt(tid int) error {
	return request("PTRACE_INTERRUPT", unix.PTRACE_INTERRUPT, tid, 0, 0)
}

// Detach lets go of tid and resumes it, delivering sig unless that is 0.
func Detach(tid int, sig unix.Signal) error {
	return request("PTRACE_DETACH", unix.PTRACE_DETACH, tid, 0, uintptr(sig))
}

// EventMsg returns the message of the current PTRACE_EVENT stop: the new
// thread's id at a fork, vfork or clone, the former thread id at an exec, the
// filter's SECCOMP_RET_DATA at a seccomp stop.
func EventMsg(tid int) (uint64, error) {
	var msg uint64 // an unsigned long of the kernel
	err := requestInto("PTRACE_GETEVENTMSG", unix.PTRACE_GETEVENTMSG, tid, 0, unsafe.Pointer(&msg))
	return msg, err
}
