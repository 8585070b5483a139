package sandbox_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"ipckit/harness/sandbox"
)

// kitWeak is a kit run by a root that has no capability, as in a container that
// drops them all.
func kitWeak() error {
	runtime.LockOSThread()
	for number := uintptr(unix.CAP_LAST_CAP); ; number-- {
		if number == unix.CAP_SETPCAP {
			continue // the one that this takes goes last
		}
		if err := dropForGood(number); err != nil {
			return err
		}
		if number == 0 {
			break
		}
	}
	if err := dropForGood(unix.CAP_SETPCAP); err != nil {
		return err
	}
	return goOn("try")
}

func dropForGood(capability uintptr) error {
	return os.NewSyscallError("prctl(PR_CAPBSET_DROP)", unix.Prctl(unix.PR_CAPBSET_DROP, capability, 0, 0, 0))
}

// kitTry says why there can be no cage.
func kitTry() error {
	cage, err := sandbox.Open(context.Background(), sandbox.Config{Isolation: sandbox.Namespaces, Work: "test-nothing", CPU: -1, Scale: 1})
	if err != nil {
		fmt.Println(err)
		return nil
	}
	cage.Close()
	fmt.Println("no error")
	return nil
}

// nested is a program that is a kit itself.
func nested([]string) int {
	cmd := exec.Command("/proc/self/exe")
	cmd.Args = []string{"sandbox.test"}
	cmd.Env = []string{kitVariable + "=try"}
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

func TestCageInACageIsRefused(t *testing.T) {
	const want = "user namespaces are switched off; as root: sysctl user.max_user_namespaces"
	for _, p := range persons(t) {
		got := p.output(t, order{Isolation: sandbox.Namespaces, Builtin: "nested", Argv: []string{"kit-ref-nested"}})
		if !strings.Contains(got, want) || !strings.HasPrefix(got, "clone(CLONE_NEWUSER") {
			t.Errorf("%s: a kit inside a cage said %q; want the call and %q", p.name, got, want)
		}
	}
}

// A root that can give away no user id is an ordinary user.
func TestRootOfAUserNamespaceIsAnOrdinaryUser(t *testing.T) {
	needRoot(t)
	alone := []syscall.SysProcIDMap{{ContainerID: 0, HostID: nobody, Size: 1}}
	p := person{name: "as root of a user namespace", kit: "run", attributes: &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWUSER, UidMappings: alone, GidMappings: alone, Credential: &syscall.Credential{NoSetGroups: true},
	}}
	for rung, want := range map[sandbox.Isolation]string{sandbox.Namespaces: "1000\nwritten\n", sandbox.None: "0\nwritten\n"} {
		o := order{Isolation: rung, Path: script(t, "id -u; : > file && echo written\n"), Argv: []string{"program"}}
		if got := p.output(t, o); got != want {
			t.Errorf("%s: the program said %q; want %q", rung, got, want)
		}
	}
}

func TestRootWithoutCapabilitiesIsToldSo(t *testing.T) {
	needRoot(t)
	cmd := kitCommand(t, "weak", 0)
	said, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(said), "CAP_SETFCAP") {
		t.Errorf("the kit said %q, %v; want the capability that it lacks", said, err)
	}
}
