// Package shutdown is the article's graceful shutdown: a parent ends its child by
// SIGTERM, which the child catches to end by itself.
//
// The article forks. A Go program cannot: fork(2) copies only the calling thread,
// and the runtime needs its others. So the parent starts its own image again,
// under its own name, with one argument that makes it the child. What matters
// stays: two processes, a signal between them, and a parent that waits, so that
// the child does not remain as a zombie.
package shutdown

import (
	"fmt"
	"runtime"
	"time"

	"ipckit/reference/sock"

	"golang.org/x/sys/unix"
)

const help = `usage: shutdown

Starts a child that prints a line each second. After 5 seconds it sends the
child SIGTERM, waits for it, and ends. The child says which signal it got and
ends by itself, with status 0.

It teaches: catching a signal before it can come; sending one; the difference
between ending on a signal and being killed by it; waiting for a child.
`

const (
	patience = 5 * time.Second // of the parent, before it ends the child
	rest     = time.Second     // of the child, between two lines
)

// asChild is the argument with which the parent starts its image again.
const asChild = "child"

// Main is the program, in both of its roles; it returns the exit status.
func Main(args []string) int {
	if len(args) == 1 && args[0] == asChild {
		return child()
	}
	return sock.Main("shutdown", help, args, parent)
}

func parent() error {
	// The child is to end when this thread does, see start.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	pid, err := start()
	if err != nil {
		return err
	}
	fmt.Printf("Parent: child %d runs; it gets SIGTERM in %v.\n", pid, patience)
	time.Sleep(patience)
	if err := unix.Kill(pid, unix.SIGTERM); err != nil {
		return fmt.Errorf("kill child %d: %w", pid, err)
	}
	status, err := wait(pid)
	if err != nil {
		return fmt.Errorf("wait for child %d: %w", pid, err)
	}
	if !status.Exited() || status.ExitStatus() != 0 {
		return fmt.Errorf("child %d: %s", pid, ending(status))
	}
	fmt.Printf("Parent: child %d %s.\n", pid, ending(status))
	fmt.Println("Parent: nothing left to wait for; ending too.")
	return nil
}

// wait takes the child's status, and with it the zombie out of the process table.
func wait(pid int) (unix.WaitStatus, error) {
	for {
		var status unix.WaitStatus
		_, err := unix.Wait4(pid, &status, 0, nil)
		if err != unix.EINTR {
			return status, err
		}
	}
}

// ending says in words how a process ended.
func ending(status unix.WaitStatus) string {
	if status.Signaled() {
		return fmt.Sprintf("was killed by %s (signal %d)", unix.SignalName(status.Signal()), status.Signal())
	}
	return fmt.Sprintf("ended with status %d", status.ExitStatus())
}
