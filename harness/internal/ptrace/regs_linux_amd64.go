package ptrace

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// SetSyscall makes tid, at the entry or seccomp stop of a call, make the call
// numbered nr instead, with the same arguments.
func SetSyscall(tid int, nr int64) error {
	return alter(tid, func(regs *unix.PtraceRegs) { regs.Orig_rax = uint64(nr) })
}

// skip sets no call at all. The entry code leaves rax alone for number -1 when
// that comes from a tracer, so the result can be set at once.
func skip(tid int, ret int64) error {
	return alter(tid, func(regs *unix.PtraceRegs) {
		regs.Orig_rax = ^uint64(0)
		regs.Rax = uint64(ret)
	})
}

// alter uses PTRACE_GETREGS, not GETREGSET: the former has the layout of the
// tracer, the latter that of the tracee, which may be a 32-bit program.
func alter(tid int, change func(*unix.PtraceRegs)) error {
	var regs unix.PtraceRegs
	err := requestInto("PTRACE_GETREGS", unix.PTRACE_GETREGS, tid, 0, unsafe.Pointer(&regs))
	if err != nil {
		return err
	}
	change(&regs)
	return requestInto("PTRACE_SETREGS", unix.PTRACE_SETREGS, tid, 0, unsafe.Pointer(&regs))
}
