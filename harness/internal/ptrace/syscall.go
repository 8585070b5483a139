package ptrace

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// An Op says what kind of stop a Call describes.
type Op uint8

// The kinds of stop that PTRACE_GET_SYSCALL_INFO tells apart.
const (
	None    Op = unix.PTRACE_SYSCALL_INFO_NONE    // not at a system call
	Entry   Op = unix.PTRACE_SYSCALL_INFO_ENTRY   // syscall-enter-stop
	Exit    Op = unix.PTRACE_SYSCALL_INFO_EXIT    // syscall-exit-stop
	Seccomp Op = unix.PTRACE_SYSCALL_INFO_SECCOMP // PTRACE_EVENT_SECCOMP stop
)

// A Call is what the kernel says about the system call a tracee is stopped at.
type Call struct {
	Op   Op
	Arch uint32 // AUDIT_ARCH_*: whose numbers and arguments these are
	IP   uint64 // instruction pointer
	SP   uint64 // stack pointer

	Nr   int64     // at Entry and Seccomp
	Args [6]uint64 // at Entry and Seccomp

	// Ret is the raw result, at Exit: -errno when IsError. Besides the errors
	// of errno(3) it can be one the program never sees, -512..-516 (ERESTART*):
	// the call is restarted or becomes EINTR, by what signal handling decides.
	Ret     int64
	IsError bool

	RetData uint32 // the filter's SECCOMP_RET_DATA, at Seccomp
}

// rawCall is struct ptrace_syscall_info of linux/ptrace.h.
type rawCall struct {
	op    uint8
	_     [3]uint8
	arch  uint32
	ip    uint64
	sp    uint64
	words [8]uint64 // entry: nr, args; exit: value, is_error; seccomp: nr, args, ret_data
}

// SyscallInfo fills in *call about the stop that tid is in. It needs Linux 5.3.
func SyscallInfo(tid int, call *Call) error {
	var raw rawCall
	err := requestInto("PTRACE_GET_SYSCALL_INFO", unix.PTRACE_GET_SYSCALL_INFO, tid, unsafe.Sizeof(raw), unsafe.Pointer(&raw))
	if err != nil {
		return err
	}
	*call = Call{Op: Op(raw.op), Arch: raw.arch, IP: raw.ip, SP: raw.sp}
	switch call.Op {
	case Exit:
		call.Ret = int64(raw.words[0])
		call.IsError = *(*uint8)(unsafe.Pointer(&raw.words[1])) != 0
	case Seccomp:
		call.RetData = *(*uint32)(unsafe.Pointer(&raw.words[7]))
		fallthrough
	case Entry:
		call.Nr = int64(raw.words[0])
		copy(call.Args[:], raw.words[1:])
	}
	return nil
}

// SkipSyscall makes the call at whose entry or seccomp stop tid is not happen:
// tid sees it fail with errno, or return 0 if errno is 0.
func SkipSyscall(tid int, errno unix.Errno) error {
	return skip(tid, -int64(errno))
}
