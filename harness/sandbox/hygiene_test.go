package sandbox_test

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"ipckit/harness/internal/procfs"
	"ipckit/harness/sandbox"
)

// ignoreAndBlock ignores and blocks signals, behind the Go runtime's back: the
// exec that follows passes both on (execve(2)).
func ignoreAndBlock() error {
	runtime.LockOSThread()
	const ignore, setSize = 1, 8
	action := [4]uint64{ignore}
	for _, s := range []unix.Signal{unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGPIPE, unix.SIGTERM, unix.SIGCHLD, unix.SIGUSR1, unix.SIGTSTP, unix.SIGTTOU} {
		if _, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(s), uintptr(unsafe.Pointer(&action)), 0, setSize, 0, 0); errno != 0 {
			return os.NewSyscallError("rt_sigaction", errno)
		}
	}
	all := ^uint64(0)
	if _, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(&all)), 0, setSize, 0, 0); errno != 0 {
		return os.NewSyscallError("rt_sigprocmask", errno)
	}
	return nil
}

// fields reads "Name: value" lines as in proc_pid_status(5).
func fields(text string) map[string]string {
	all := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(line, ":"); ok {
			all[name] = strings.TrimSpace(value)
		}
	}
	return all
}

func TestProgramStartsWithACleanState(t *testing.T) {
	for _, p := range persons(t) {
		t.Run(p.name, func(t *testing.T) {
			o := order{Isolation: sandbox.Namespaces, Path: "/usr/bin/cat", Argv: []string{"cat", "/proc/self/status"}}
			got := fields(p.output(t, o))
			const none = "0000000000000000"
			for name, want := range map[string]string{
				"SigPnd": none, "ShdPnd": none, "SigBlk": none, "SigIgn": none, "SigCgt": none,
				"CapInh": none, "CapPrm": none, "CapEff": none, "CapAmb": none, "NoNewPrivs": "1",
				"Uid": "1000\t1000\t1000\t1000", "Gid": "1000\t1000\t1000\t1000", "Umask": "0022",
			} {
				if got[name] != want {
					t.Errorf("%s is %q; want %q", name, got[name], want)
				}
			}
			if got["Pid"] == "1" {
				t.Error("the program is PID 1")
			}
		})
	}
}

func TestProgramHasOneTerminalAndNothingElse(t *testing.T) {
	for _, p := range persons(t) {
		t.Run(p.name, func(t *testing.T) {
			o := order{Isolation: sandbox.Namespaces, Path: "/usr/bin/ls", Argv: []string{"ls", "-l", "/proc/self/fd"}}
			open := map[string]string{}
			for line := range strings.Lines(p.output(t, o)) {
				name, target, ok := strings.Cut(strings.TrimSpace(line), " -> ")
				if ok && !strings.HasPrefix(target, "/proc/") { // that is the folder which ls itself reads
					open[name[strings.LastIndexByte(name, ' ')+1:]] = target
				}
			}
			if len(open) != 3 || !strings.HasPrefix(open["0"], "/dev/pts/") || open["1"] != open["0"] || open["2"] != open["0"] {
				t.Errorf("descriptors: %v; want 0, 1 and 2 on one terminal", open)
			}
		})
	}
}

func TestLimitsAreThoseOfALogin(t *testing.T) {
	for _, p := range persons(t) {
		t.Run(p.name, func(t *testing.T) {
			o := order{Isolation: sandbox.Namespaces, Path: script(t, "ulimit -Sn"), Argv: []string{"program"}}
			if got := strings.TrimSpace(p.output(t, o)); got != "1024" {
				t.Errorf("soft limit on open files: %s; want 1024", got)
			}
		})
	}
}

// standing is what the builtin program "facts" finds out about itself.
type standing struct {
	PID, PPID, Group, Foreground, Session, ParentsSession int
	Environment                                           []string
	Folder                                                string
	Hosts, Resolver                                       string
	Temporary                                             []string
	Loopback, Port, Writable                              string // "" or an error
	Interfaces                                            []string
	Argv0                                                 string
}

// facts is a program that prints its standing.
func facts([]string) int {
	s := standing{PID: os.Getpid(), PPID: os.Getppid(), Group: unix.Getpgrp(), Environment: os.Environ(), Argv0: os.Args[0]}
	s.Foreground, _ = unix.IoctlGetInt(0, unix.TIOCGPGRP)
	s.Session, _ = unix.Getsid(0)
	s.ParentsSession, _ = unix.Getsid(s.PPID)
	s.Folder, _ = os.Getwd()
	s.Hosts, s.Resolver = content("/etc/hosts"), content("/etc/resolv.conf")
	entries, _ := os.ReadDir("/tmp")
	for _, entry := range entries {
		s.Temporary = append(s.Temporary, entry.Name())
	}
	s.Port, s.Loopback = talkToItself()
	if err := os.WriteFile("written", nil, 0o600); err != nil {
		s.Writable = err.Error()
	}
	interfaces, _ := net.Interfaces()
	for _, i := range interfaces {
		s.Interfaces = append(s.Interfaces, i.Name)
	}
	json.NewEncoder(os.Stdout).Encode(s)
	return 0
}

func content(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// talkToItself listens on the port and dials it.
func talkToItself() (port, loopback string) {
	listener, err := net.Listen("tcp", "127.0.0.1:9876")
	if err != nil {
		return err.Error(), ""
	}
	defer listener.Close()
	conn, err := net.Dial("tcp", "127.0.0.1:9876")
	if err != nil {
		return "", err.Error()
	}
	conn.Close()
	return "", ""
}

func TestProgramStandsAsAShellWouldStartIt(t *testing.T) {
	for _, p := range persons(t) {
		t.Run(p.name, func(t *testing.T) {
			var got standing
			o := order{Isolation: sandbox.Namespaces, Builtin: "facts", Argv: []string{"kit-ref-facts"}}
			if err := json.Unmarshal([]byte(p.output(t, o)), &got); err != nil {
				t.Fatal(err)
			}
			for what, holds := range map[string]bool{
				"it is not PID 1":                        got.PID != 1,
				"it leads a process group of its own":    got.Group == got.PID,
				"its group is the terminal's foreground": got.Foreground == got.PID,
				"it does not lead its session":           got.Session != got.PID,
				"its parent leads its session":           got.Session == got.PPID && got.ParentsSession == got.PPID,
				"/etc/hosts has one line":                got.Hosts == "127.0.0.1 localhost\n",
				"there is no resolver":                   got.Resolver == "" || strings.Contains(got.Resolver, "no such file"),
				"/tmp holds the working folder alone":    slices.Equal(got.Temporary, []string{"work"}),
				"it is in its working folder":            got.Folder == "/tmp/work",
				"it can write there":                     got.Writable == "",
				"port 9876 is free":                      got.Port == "",
				"lo is up":                               got.Loopback == "",
				"lo is there":                            slices.Contains(got.Interfaces, "lo"),
				"no wire leads out":                      !slices.Contains(got.Interfaces, "eth0"),
			} {
				if !holds {
					t.Errorf("not true: %s: %+v", what, got)
				}
			}
			for _, entry := range got.Environment {
				if strings.Contains(entry, "swordfish") || strings.HasPrefix(entry, "GODEBUG=") || strings.HasPrefix(entry, kitVariable) {
					t.Errorf("the kit's environment reaches the program: %s", entry)
				}
			}
		})
	}
}

func TestSecondUserIsAnother(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can map a second user id")
	}
	for _, kit := range []string{"run", "dirty"} {
		p := person{name: "as root", kit: kit}
		o := order{
			Isolation: sandbox.Namespaces, UID: sandbox.SecondUID, Argv: []string{"program"},
			Path: script(t, "id -u; id -g; id -G; cat /etc/hosts; : > mine && echo written\nexec cat /proc/self/status"),
		}
		got := p.output(t, o)
		want := fmt.Sprintf("%d\n%d\n%d\n127.0.0.1 localhost\nwritten\n", sandbox.SecondUID, sandbox.SecondUID, sandbox.SecondUID)
		if !strings.HasPrefix(got, want) || fields(got)["CapEff"] != "0000000000000000" {
			t.Errorf("kit %s: the second user saw %q; want first %q, and no capability", kit, got, want)
		}
	}
}

func TestKitLeaksNoDescriptors(t *testing.T) {
	once := func() {
		cage, err := sandbox.Open(t.Context(), sandbox.Config{Isolation: sandbox.Namespaces, Work: "test-nothing", CPU: -1, Scale: 1})
		if err != nil {
			t.Fatal(err)
		}
		cage.Close()
	}
	once()
	before := descriptors(t)
	for range 50 {
		once()
	}
	if after := descriptors(t); after > before {
		t.Errorf("%d descriptors after 50 cages; there were %d", after, before)
	}
	if children, err := procfs.Children(os.Getpid()); err != nil || len(children) > 0 {
		t.Errorf("children left: %v, %v", children, err)
	}
}

func descriptors(t *testing.T) int {
	open, err := procfs.FDs(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	return len(open)
}
