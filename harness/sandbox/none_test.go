package sandbox_test

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"ipckit/harness/sandbox"
)

var rungs = []sandbox.Isolation{sandbox.Namespaces, sandbox.None}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can give a program another user's rights")
	}
}

func TestWithoutNamespacesTheStateIsCleanToo(t *testing.T) {
	for _, p := range persons(t) {
		t.Run(p.name, func(t *testing.T) {
			o := order{Isolation: sandbox.None, Path: "/usr/bin/cat", Argv: []string{"cat", "/proc/self/status"}}
			got := fields(p.output(t, o))
			const none = "0000000000000000"
			for name, want := range map[string]string{
				"SigPnd": none, "ShdPnd": none, "SigBlk": none, "SigIgn": none, "SigCgt": none,
				"CapInh": none, "CapPrm": none, "CapEff": none, "CapAmb": none, "NoNewPrivs": "1", "Umask": "0022",
			} {
				if got[name] != want {
					t.Errorf("%s is %q; want %q", name, got[name], want)
				}
			}
			uid, _, _ := strings.Cut(got["Uid"], "\t")
			if p.uid != 0 {
				if uid != strconv.Itoa(p.uid) {
					t.Errorf("user id %s; want the kit's own, %d", uid, p.uid)
				}
				return
			}
			passwd := content("/etc/passwd")
			if got["Groups"] != "" || strings.Contains(passwd, ":"+uid+":") || uid == "0" {
				t.Errorf("user id %s, groups %q; want an unused id without groups", uid, got["Groups"])
			}
		})
	}
}

func TestWithoutNamespacesItStandsAsAShellWouldStartIt(t *testing.T) {
	for _, p := range persons(t) {
		t.Run(p.name, func(t *testing.T) {
			var got standing
			o := order{Isolation: sandbox.None, Builtin: "facts", Argv: []string{"kit-ref-facts"}}
			if err := json.Unmarshal([]byte(p.output(t, o)), &got); err != nil {
				t.Fatal(err)
			}
			if got.Group != got.PID || got.Foreground != got.PID || got.Session != got.PPID || got.ParentsSession != got.PPID {
				t.Errorf("%+v; want its own foreground group, and its parent the session leader", got)
			}
			if got.Writable != "" {
				t.Errorf("the working folder: %s", got.Writable)
			}
		})
	}
}

func TestWithoutNamespacesTheProgramHasNoRights(t *testing.T) {
	needRoot(t)
	secret := filepath.Join(folder(t), "secret")
	writeFile(t, secret, "swordfish", 0o600)
	var text strings.Builder
	for _, attempt := range []string{
		"cat " + secret, `: >> "$0"`, `chmod u+w "$0"`, `mv "$0" "$0.old"`, ": > /cage-was-here", "kill -0 " + strconv.Itoa(os.Getpid()),
		"cat /proc/$PPID/environ", "kill -0 $PPID", "cat /proc/" + strconv.Itoa(os.Getpid()) + "/environ",
	} {
		text.WriteString("( " + attempt + " ) >/dev/null 2>&1 && cat <<'END'\nnot refused: " + attempt + "\nEND\n")
	}
	text.WriteString("exit 0\n")
	o := order{Isolation: sandbox.None, Path: script(t, text.String()), Argv: []string{"program"}}
	for _, p := range persons(t) {
		if p.uid == 0 {
			if got := p.output(t, o); got != "" {
				t.Errorf("%s: %s", p.name, got)
			}
		}
	}
}

func TestProgramBelowAClosedFolderRuns(t *testing.T) {
	dir := filepath.Join(folder(t), "closed")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "program")
	writeFile(t, path, "#!/bin/sh\ncat \"${0%/*}/beside\"\n", 0o700)
	writeFile(t, filepath.Join(dir, "beside"), "a neighbour", 0o600)
	for _, p := range persons(t) {
		if p.uid != os.Getuid() {
			continue
		}
		for _, rung := range rungs {
			if got := p.output(t, order{Isolation: rung, Path: path, Argv: []string{"program"}}); got != "a neighbour" {
				t.Errorf("%s, %s: the program said %q", p.name, rung, got)
			}
		}
	}
}

// A build under umask 077 gives a binary that nobody but root can execute, and
// the cage has no root.
func TestKitThatOthersCannotExecuteWorks(t *testing.T) {
	needRoot(t)
	binary := filepath.Join(folder(t), "kit")
	from, err := os.Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	to, err := os.OpenFile(binary, os.O_CREATE|os.O_WRONLY, 0o700)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(to, from); err != nil {
		t.Fatal(err)
	}
	if err := to.Close(); err != nil {
		t.Fatal(err)
	}
	p := person{name: "as root, for itself", kit: "run", binary: binary}
	for _, rung := range rungs {
		o := order{Isolation: rung, Builtin: "facts", Argv: []string{"kit-ref-facts"}}
		if got := p.output(t, o); !strings.Contains(got, `"PID"`) {
			t.Errorf("%s: the builtin program said %q", rung, got)
		}
	}
}

func TestFolderForTemporaryFilesIsFound(t *testing.T) {
	closed := filepath.Join(folder(t), "closed")
	if err := os.Mkdir(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	path := script(t, "pwd; : > file && echo written")
	for _, p := range persons(t) {
		if p.kit == "dirty" {
			continue
		}
		for _, tmp := range []string{"", "/nonexistent", closed, "/proc"} {
			for _, rung := range rungs {
				p.env = []string{"TMPDIR=" + tmp}
				if got := p.output(t, order{Isolation: rung, Path: path, Argv: []string{"program"}}); !strings.Contains(got, "written") {
					t.Errorf("%s, %s, TMPDIR=%s: %q", p.name, rung, tmp, got)
				}
			}
		}
	}
}
