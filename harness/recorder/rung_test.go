package recorder_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"ipckit/harness/internal/seccomp"
	"ipckit/harness/recorder"
)

// kitVariable makes the test binary a kit on a machine that refuses namespaces.
const kitVariable = "RECORDER_TEST_KIT"

var kits = map[string]func() error{
	// Docker's default profile: clone with new namespaces fails, clone3 seems
	// not to be there, as a filter cannot see its arguments.
	"container": func() error { return underFilter(containerProfile(unix.EPERM)) },
	"limit":     func() error { return underFilter(containerProfile(unix.ENOSPC)) },
	"busy":      func() error { return underFilter(containerProfile(unix.EAGAIN)) },
	// The namespaces are made, but a step of the furnishing is refused.
	"mount": func() error {
		return underFilter(denyCall(unix.SYS_MOUNT, unix.EPERM))
	},
	"old kernel": func() error {
		return underFilter(denyCall(unix.SYS_MOUNT_SETATTR, unix.ENOSYS))
	},
	"choose": choose,
}

// question is what a kit is asked, answer what it answers.
type question struct {
	Want    string
	Trusted bool
}

type answer struct {
	Rung, Why string
	Error     string
	Refused   bool // a *recorder.IsolationError
}

func choose() error {
	var q question
	if err := json.NewDecoder(os.Stdin).Decode(&q); err != nil {
		return err
	}
	rung, why, err := recorder.Choose(context.Background(), q.Want, q.Trusted)
	a := answer{Rung: string(rung), Why: why}
	if err != nil {
		a.Error = err.Error()
		_, a.Refused = errors.AsType[*recorder.IsolationError](err)
	}
	return json.NewEncoder(os.Stdout).Encode(a)
}

// underFilter becomes the kit that chooses, under a seccomp filter.
func underFilter(program []bpf.Instruction) error {
	runtime.LockOSThread()
	raw, err := bpf.Assemble(program)
	if err != nil {
		return err
	}
	filter := make([]unix.SockFilter, len(raw))
	for i, in := range raw {
		filter[i] = unix.SockFilter{Code: in.Op, Jt: in.Jt, Jf: in.Jf, K: in.K}
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	if err := seccomp.Install(filter); err != nil {
		return err
	}
	return unix.Exec("/proc/self/exe", os.Args, []string{kitVariable + "=choose", "PATH=" + os.Getenv("PATH")})
}

// Offsets in struct seccomp_data (seccomp(2)): the number, and the low half of
// the first argument on a little-endian machine.
const (
	offsetNr   = 0
	offsetArg0 = 16
)

func fails(errno unix.Errno) bpf.Instruction {
	return bpf.RetConstant{Val: unix.SECCOMP_RET_ERRNO | uint32(errno)}
}

// containerProfile refuses clone with CLONE_NEWUSER, and clone3 altogether.
func containerProfile(errno unix.Errno) []bpf.Instruction {
	return []bpf.Instruction{
		bpf.LoadAbsolute{Off: offsetNr, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.SYS_CLONE3, SkipFalse: 1},
		fails(unix.ENOSYS),
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.SYS_CLONE, SkipFalse: 3},
		bpf.LoadAbsolute{Off: offsetArg0, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpBitsSet, Val: unix.CLONE_NEWUSER, SkipFalse: 1},
		fails(errno),
		bpf.RetConstant{Val: unix.SECCOMP_RET_ALLOW},
	}
}

func denyCall(nr uint32, errno unix.Errno) []bpf.Instruction {
	return []bpf.Instruction{
		bpf.LoadAbsolute{Off: offsetNr, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: nr, SkipFalse: 1},
		fails(errno),
		bpf.RetConstant{Val: unix.SECCOMP_RET_ALLOW},
	}
}

// ask asks a kit on such a machine.
func ask(t *testing.T, kit string, uid int, q question) answer {
	t.Helper()
	if uid != os.Getuid() && os.Getuid() != 0 {
		t.Skip("only root can be another user")
	}
	text, err := json.Marshal(q)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe")
	cmd.Args = []string{"recorder.test"}
	cmd.Env = []string{kitVariable + "=" + kit, "PATH=" + os.Getenv("PATH")}
	cmd.Dir = "/"
	cmd.Stdin = bytes.NewReader(text)
	cmd.Stderr = os.Stderr
	if uid != os.Getuid() {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}}
	}
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("kit: %v", err)
	}
	var a answer
	if err := json.Unmarshal(out, &a); err != nil {
		t.Fatalf("kit said %q: %v", out, err)
	}
	return a
}

const nobody = 65534

const (
	cloneCall = "clone(CLONE_NEWUSER|NEWPID|NEWNET|NEWNS|NEWIPC|NEWUTS): "
	advice    = "add --isolation none if you trust this program"
)

func TestChooseWhereNamespacesAreRefused(t *testing.T) {
	for _, machine := range []struct{ kit, call, why string }{
		{"container", cloneCall + "operation not permitted", "--security-opt seccomp=unconfined"},
		{"limit", cloneCall + "no space left on device", "the limit on namespaces is reached"},
		{"mount", "mount / private: operation not permitted", "AppArmor"},
		{"old kernel", "mount_setattr / read-only: function not implemented", "older than 5.12"},
	} {
		for _, row := range []struct {
			who     string
			uid     int
			want    string
			trusted bool
			rung    string // "": an error
			advice  bool
		}{
			{"an ordinary user", nobody, "auto", false, "", true},
			{"an ordinary user", nobody, "auto", true, "none", false},
			{"an ordinary user", nobody, "namespaces", true, "", false},
			{"an ordinary user", nobody, "none", false, "none", false},
			{"root", 0, "auto", false, "none", false},
			{"root", 0, "namespaces", false, "", false},
		} {
			t.Run(fmt.Sprintf("%s/%s/%s/trusted=%v", machine.kit, row.who, row.want, row.trusted), func(t *testing.T) {
				a := ask(t, machine.kit, row.uid, question{row.want, row.trusted})
				if a.Rung != row.rung || a.Refused != (row.rung == "") || strings.Contains(a.Error, advice) != row.advice {
					t.Errorf("answer %+v; want rung %q, advice: %v", a, row.rung, row.advice)
				}
				said := a.Why + a.Error
				if row.want != "none" && (!strings.Contains(said, machine.call) || !strings.Contains(said, machine.why)) {
					t.Errorf("the reason %q names not both %q and %q", said, machine.call, machine.why)
				}
			})
		}
	}
}

// What is short for a moment is no property of the machine: nothing may fall
// back for it.
func TestChooseWhereThereAreTooManyProcesses(t *testing.T) {
	a := ask(t, "busy", os.Getuid(), question{"auto", true})
	if a.Rung != "" || a.Refused || !strings.Contains(a.Error, "resource temporarily unavailable") {
		t.Errorf("answer %+v; want the error alone", a)
	}
}

func TestChooseUnknownIsolation(t *testing.T) {
	if _, _, err := recorder.Choose(t.Context(), "nmaespaces", true); err == nil || !strings.Contains(err.Error(), "use auto, namespaces or none") {
		t.Errorf("Choose: %v", err)
	}
}
