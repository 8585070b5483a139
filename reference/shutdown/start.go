package shutdown

import (
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// image names the running program even if its file has been moved or deleted.
const image = "/proc/self/exe"

// start starts this program again as the child. The caller must keep its
// goroutine on its thread (runtime.LockOSThread) until the child has ended.
//
// A SIGTERM that comes before the child catches it would kill the child. So it is
// blocked meanwhile: the mask is inherited and survives execve(2), a blocked signal
// stays pending, and signal.Notify unblocks what it catches (signal(7), and
// package os/signal). Masks belong to threads.
//
// The death of a parent does not end its children. PR_SET_PDEATHSIG asks for a
// signal instead; but it comes when the *thread* that started the child ends,
// which is why that thread must stay (prctl(2)).
func start() (int, error) {
	var term, before unix.Sigset_t
	term.Val[0] = 1 << (unix.SIGTERM - 1)
	if err := unix.PthreadSigmask(unix.SIG_BLOCK, &term, &before); err != nil {
		return 0, fmt.Errorf("block SIGTERM: %w", err)
	}
	defer unix.PthreadSigmask(unix.SIG_SETMASK, &before, nil)

	pid, err := syscall.ForkExec(image, []string{os.Args[0], asChild}, &syscall.ProcAttr{
		Env:   os.Environ(),
		Files: []uintptr{0, 1, 2},
		Sys:   &syscall.SysProcAttr{Pdeathsig: unix.SIGTERM},
	})
	if err != nil {
		return 0, fmt.Errorf("start child from %s: %w", image, err)
	}
	return pid, nil
}
