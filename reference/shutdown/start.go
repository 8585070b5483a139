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
// The death of a parent does not end its children. PR_SET_PDEATHSIG asks for a
// signal instead; but it comes when the *thread* that started the child ends,
// which is why that thread must stay (prctl(2)).
//
// A SIGTERM that comes before the child catches it kills the child. In C, the
// parent would block it before fork(2) and the child unblock it when its handler
// stands. In Go that is no help: the runtime of the new image unblocks it first.
// A few milliseconds remain; the parent leaves the child seconds.
func start() (int, error) {
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
