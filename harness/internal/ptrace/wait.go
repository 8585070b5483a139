package ptrace

import (
	"os"

	"golang.org/x/sys/unix"
)

// Wait waits for a change of state as wait4(2) does, with options such as
// unix.WALL and unix.WNOHANG. It returns tid 0 when WNOHANG finds nothing. It
// returns EINTR rather than start again, and ECHILD when nothing is left to
// wait for; test with errors.Is.
func Wait(pid, options int) (tid int, status unix.WaitStatus, err error) {
	tid, err = unix.Wait4(pid, &status, options, nil)
	if err != nil {
		return 0, 0, os.NewSyscallError("wait4", err)
	}
	return tid, status, nil
}

// StopEvent returns the PTRACE_EVENT_* of a stop, 0 if it is another kind of
// stop or none. unix.WaitStatus.TrapCause does not serve: it knows no event of
// a stop by another signal than SIGTRAP, and under PTRACE_SEIZE a group-stop
// is PTRACE_EVENT_STOP with the stopping signal.
func StopEvent(status unix.WaitStatus) int {
	if !status.Stopped() {
		return 0
	}
	return int(status>>16) & 0xff
}

// SyscallStop reports whether status is a syscall-enter-stop or
// syscall-exit-stop of a tracee with PTRACE_O_TRACESYSGOOD.
func SyscallStop(status unix.WaitStatus) bool {
	return status.Stopped() && status.StopSignal() == unix.SIGTRAP|0x80
}
