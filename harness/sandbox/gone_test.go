package sandbox_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"ipckit/harness/internal/procfs"
	"ipckit/harness/sandbox"
)

// daemon is a program that does all it can to stay: it forks twice, each time
// into a session of its own, ignores what can be ignored, and never ends. Its
// argument is a marker by which its processes are found.
func daemon(args []string) int {
	const last = "3"
	marker, generation := args[0], args[1]
	if generation == last {
		if err := ignoreAndBlock(); err != nil {
			fmt.Println(err)
			return 1
		}
		os.Mkdir("shut", 0o700)
		os.WriteFile("shut/file", nil, 0)
		os.Chmod("shut", 0)
		fmt.Println(readyWord)
		for {
			unix.Pause()
		}
	}
	n, _ := strconv.Atoi(generation)
	_, err := os.StartProcess("/proc/self/exe", []string{"kit-ref-daemon", marker, strconv.Itoa(n + 1)}, &os.ProcAttr{
		Files: []*os.File{os.Stdin, os.Stdout, os.Stderr}, Sys: &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	if generation == "0" {
		select {} // the program itself stays too
	}
	return 0
}

// running lists the processes of the machine that hold the marker among their
// arguments, or live in the pid namespace.
func running(marker, namespace string) (pids []int) {
	entries, _ := os.ReadDir("/proc")
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		arguments, _ := os.ReadFile(filepath.Join("/proc", entry.Name(), "cmdline"))
		link, _ := os.Readlink(filepath.Join("/proc", entry.Name(), "ns/pid"))
		stat, err := procfs.ReadStat(pid)
		if err == nil && stat.State != 'Z' && (bytes.Contains(arguments, []byte(marker)) || namespace != "" && link == namespace) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// ends are the ways in which a cage can end.
var ends = []struct {
	name   string
	word   string // said to the kit
	signal unix.Signal
}{
	{"Close", "close", 0},
	{"its context ends", "cancel", 0},
	{"the kit is killed", "", unix.SIGKILL},
	{"the kit is terminated", "", unix.SIGTERM},
	{"the kit's terminal hangs up", "", unix.SIGHUP},
}

func TestNothingIsLeftWhen(t *testing.T) {
	for _, p := range persons(t) {
		if p.kit == "dirty" {
			continue
		}
		for _, isolation := range []sandbox.Isolation{sandbox.Namespaces, sandbox.None} {
			for _, end := range ends {
				t.Run(fmt.Sprintf("%s/%s/%s", end.name, isolation, p.name), func(t *testing.T) {
					nothingLeft(t, p, isolation, end.word, end.signal)
				})
			}
		}
	}
}

func nothingLeft(t *testing.T, p person, isolation sandbox.Isolation, word string, signal unix.Signal) {
	marker := fmt.Sprintf("marker-%d-%s", os.Getpid(), filepath.Base(folder(t)))
	tmp := folder(t)
	if err := os.Chmod(tmp, 0o777); err != nil {
		t.Fatal(err)
	}
	mounts := mountTable(t)
	o := order{Isolation: isolation, Builtin: "daemon", Argv: []string{"kit-ref-daemon", marker, "0"}, Hold: true}
	kit := hold(t, p, o, tmp)
	namespace := ""
	if isolation == sandbox.Namespaces {
		namespace = kit.namespace(t)
	}
	if found := running(marker, namespace); len(found) < 2 {
		t.Fatalf("processes %v; want the program and its daemon", found)
	}
	gone := func() bool { return len(running(marker, namespace)) == 0 }
	if signal != 0 {
		kit.cmd.Process.Signal(signal)
		kit.cmd.Wait()
		eventually(t, "all processes of the cage are gone", gone)
		eventually(t, "its folder is gone", func() bool { return empty(tmp) })
	} else {
		kit.say(t, word)
		kit.expect(t, "closed")
		if !gone() {
			t.Errorf("left: processes %v", running(marker, namespace))
		}
		if !empty(tmp) {
			t.Error("left: a folder for temporary files")
		}
		kit.say(t, "end")
		if err := kit.cmd.Wait(); err != nil {
			t.Errorf("kit: %v", err)
		}
	}
	if after := mountTable(t); after != mounts {
		t.Errorf("mounts:\n%s\nbefore:\n%s", after, mounts)
	}
}

func mountTable(t *testing.T) string {
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func empty(dir string) bool {
	entries, err := os.ReadDir(dir)
	return err == nil && len(entries) == 0
}

// held is a kit that holds a cage open.
type held struct {
	cmd *exec.Cmd
	in  io.Writer
	out *bufio.Reader
}

// hold starts a kit that opens a cage, and waits until its program is ready.
func hold(t *testing.T, p person, o order, tmp string) *held {
	t.Helper()
	cmd := kitCommand(t, "hold", p.uid)
	cmd.Env = append(cmd.Env, "TMPDIR="+tmp)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			cmd.Process.Kill()
			cmd.Wait()
		}
	})
	h := &held{cmd: cmd, in: in, out: bufio.NewReader(out)}
	h.say(t, string(bytes.TrimSpace(o.json(t))))
	h.expect(t, readyWord)
	return h
}

func (h *held) say(t *testing.T, word string) {
	t.Helper()
	if _, err := io.WriteString(h.in, word+"\n"); err != nil {
		t.Fatal(err)
	}
}

func (h *held) expect(t *testing.T, word string) {
	t.Helper()
	if line, err := h.out.ReadString('\n'); line != word+"\n" {
		t.Fatalf("kit said %q, %v; want %q", line, err, word)
	}
}

// namespace returns the link of the pid namespace that the kit's child lives in.
func (h *held) namespace(t *testing.T) string {
	t.Helper()
	children, err := procfs.Children(h.cmd.Process.Pid)
	if err != nil || len(children) != 1 {
		t.Fatalf("children of the kit: %v, %v; want PID 1 alone", children, err)
	}
	link, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/pid", children[0]))
	if err != nil {
		t.Fatal(err)
	}
	if own, err := os.Readlink("/proc/self/ns/pid"); err != nil || own == link {
		t.Fatalf("pid namespace of the cage: %s, %v; ours is %s", link, err, own)
	}
	return link
}

func TestPanicOfTheWorkLeavesNothing(t *testing.T) {
	for _, isolation := range []sandbox.Isolation{sandbox.Namespaces, sandbox.None} {
		quiet(t)
		parcel := pack(t, script(t, "sleep 1000"))
		tmp := folder(t)
		t.Setenv("TMPDIR", tmp)
		cage, err := sandbox.Open(t.Context(), sandbox.Config{Isolation: isolation, Work: "test-panic", Parcels: []*sandbox.Parcel{parcel}, CPU: -1, Scale: 1})
		if err != nil {
			t.Fatal(err)
		}
		if said, err := io.ReadAll(cage.Out); err != nil || len(said) > 0 {
			t.Errorf("%s: the work said %q, %v", isolation, said, err)
		}
		cage.Close()
		if !empty(tmp) {
			t.Errorf("%s: left: a folder for temporary files", isolation)
		}
	}
}

func TestEndOfContextIsTheReason(t *testing.T) {
	why := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	for _, isolation := range []sandbox.Isolation{sandbox.Namespaces, sandbox.None} {
		_, err := sandbox.Open(ctx, sandbox.Config{Isolation: isolation, Work: "test-nothing", CPU: -1, Scale: 1})
		if !errors.Is(err, why) {
			t.Errorf("%s: Open under an ended context: %v; want %v", isolation, err, why)
		}
	}
}

func (o order) json(t *testing.T) []byte {
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	return append(text, '\n')
}
