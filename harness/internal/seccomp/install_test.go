package seccomp_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"ipckit/harness/internal/seccomp"
)

const childMode = "IPCKIT_SECCOMP_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childMode) != "" {
		if err := filtered(); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// filtered runs in the child: it installs a filter and looks what it does.
func filtered() error {
	runtime.LockOSThread()
	filter, err := seccomp.Policy{Deny: map[string]unix.Errno{"getppid": unix.EXDEV, "fork": unix.EPERM}}.Assemble()
	if err != nil {
		return err
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return os.NewSyscallError("prctl(PR_SET_NO_NEW_PRIVS)", err)
	}
	if _, _, errno := unix.RawSyscall(unix.SYS_GETPPID, 0, 0, 0); errno != 0 {
		return fmt.Errorf("getppid before the filter: %w", errno)
	}
	ask := make(chan struct{})
	other := bystander(ask)
	if err := seccomp.Install(filter); err != nil {
		return err
	}
	if _, _, errno := unix.RawSyscall(unix.SYS_GETPPID, 0, 0, 0); errno != unix.EXDEV {
		return fmt.Errorf("getppid under the filter: %v; want EXDEV", errno)
	}
	if pid, _, errno := unix.RawSyscall(unix.SYS_GETPID, 0, 0, 0); errno != 0 || int(pid) != os.Getpid() {
		return fmt.Errorf("getpid under the filter: %d, %v; want %d", pid, errno, os.Getpid())
	}
	close(ask)
	if errno := <-other; errno != 0 {
		return fmt.Errorf("getppid on a thread without the filter: %w", errno)
	}
	return nil
}

// bystander makes a denied call, on a thread that exists before the filter
// does, once ask is closed.
func bystander(ask <-chan struct{}) <-chan unix.Errno {
	ready, result := make(chan struct{}), make(chan unix.Errno, 1)
	go func() {
		runtime.LockOSThread()
		close(ready)
		<-ask
		_, _, errno := unix.RawSyscall(unix.SYS_GETPPID, 0, 0, 0)
		result <- errno
	}()
	<-ready
	return result
}

func TestInstalledFilterHoldsInAChild(t *testing.T) {
	child := exec.Command("/proc/self/exe")
	child.Env = append(os.Environ(), childMode+"=1")
	if out, err := child.CombinedOutput(); err != nil {
		t.Fatalf("child: %v\n%s", err, out)
	}
}

func TestInstallRefusesAnEmptyFilter(t *testing.T) {
	if err := seccomp.Install(nil); !errors.Is(err, unix.EINVAL) {
		t.Errorf("Install(nil) = %v; want EINVAL", err)
	}
}
