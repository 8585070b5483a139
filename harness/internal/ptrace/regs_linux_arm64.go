package ptrace

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// SetSyscall makes tid, at the entry or seccomp stop of a call, make the call
// numbered nr instead, with the same arguments.
func SetSyscall(tid int, nr int64) error {
	number := int32(nr)
	return setRegset(tid, unix.NT_ARM_SYSTEM_CALL, unsafe.Pointer(&number), unsafe.Sizeof(number))
}

// skip sets no call at all, -1, and x0 to the result. The kernel's entry code
// (arch/arm64/kernel/syscall.c) leaves x0 alone then: it prepares ENOSYS for a
// program's own -1 before it asks the tracer.
func skip(tid int, ret int64) error {
	if err := SetSyscall(tid, -1); err != nil {
		return err
	}
	return setResult(tid, ret)
}

func setResult(tid int, ret int64) error {
	var regs unix.PtraceRegs
	length, err := getRegset(tid, unix.NT_PRSTATUS, unsafe.Pointer(&regs), unsafe.Sizeof(regs))
	if err != nil {
		return err
	}
	if length == unsafe.Sizeof(regs) {
		regs.Regs[0] = uint64(ret)
	} else { // a 32-bit program: its regset is of 32-bit registers, r0 first
		*(*uint32)(unsafe.Pointer(&regs)) = uint32(ret)
	}
	return setRegset(tid, unix.NT_PRSTATUS, unsafe.Pointer(&regs), length)
}

// getRegset returns how many bytes of the regset the kernel has written.
func getRegset(tid int, set uintptr, data unsafe.Pointer, size uintptr) (uintptr, error) {
	vec := unix.Iovec{Base: (*byte)(data), Len: uint64(size)}
	err := requestInto("PTRACE_GETREGSET", unix.PTRACE_GETREGSET, tid, set, unsafe.Pointer(&vec))
	return uintptr(vec.Len), err
}

func setRegset(tid int, set uintptr, data unsafe.Pointer, size uintptr) error {
	vec := unix.Iovec{Base: (*byte)(data), Len: uint64(size)}
	return requestInto("PTRACE_SETREGSET", unix.PTRACE_SETREGSET, tid, set, unsafe.Pointer(&vec))
}
