package sandbox_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ipckit/harness/sandbox"
	"ipckit/harness/subject"
)

// The test binary is also a kit of its own, in a process that a test can start
// under another user, in another state, and kill.
const kitVariable = "SANDBOX_TEST_KIT"

var kits = map[string]func() error{"run": kitRun, "dirty": kitDirty, "hold": kitHold, "weak": kitWeak, "try": kitTry}

var builtins = map[string]func(args []string) int{"facts": facts, "daemon": daemon, "nested": nested}

func TestMain(m *testing.M) {
	maybeFaulty()
	sandbox.MaybeChild(builtins)
	if name := os.Getenv(kitVariable); name != "" {
		if err := kits[name](); err != nil {
			fmt.Fprintln(os.Stderr, err)
			syscall.Exit(1)
		}
		syscall.Exit(0)
	}
	os.Exit(m.Run())
}

// order says what to run in a cage.
type order struct {
	Isolation     sandbox.Isolation
	Path, Builtin string
	Argv, Env     []string
	UID           int
	Hold          bool // it is not expected to end: it is enough that it says "ready"
}

// result is what came of it.
type result struct {
	Output string // on the terminal
	Status int
	Error  string
}

const readyWord = "ready"

func init() {
	sandbox.Register("test-run", runWork)
	sandbox.Register("test-nothing", func(*sandbox.Inside) error { return nil })
	sandbox.Register("test-panic", func(in *sandbox.Inside) error {
		if _, err := in.Start(sandbox.Program{Argv: []string{"program"}, CPU: -1, UID: sandbox.InnerUID}); err != nil {
			return err
		}
		panic("on purpose")
	})
}

// runWork is PID 1's work: it runs the program to its end.
func runWork(in *sandbox.Inside) error {
	var o order
	if err := json.Unmarshal(in.Job, &o); err != nil {
		return err
	}
	s, err := in.Start(sandbox.Program{Argv: o.Argv, Env: o.Env, UID: o.UID, CPU: -1})
	if err != nil {
		return json.NewEncoder(in.Out).Encode(result{Error: err.Error()})
	}
	screen := newScreen(s.Terminal)
	if o.Hold {
		go func() {
			<-screen.ready
			json.NewEncoder(in.Out).Encode(result{Output: screen.text()})
		}()
	}
	end := make(chan result, 1)
	for {
		var status unix.WaitStatus
		pid, err := unix.Wait4(-1, &status, unix.WUNTRACED, nil)
		switch {
		case err == unix.EINTR:
		case err != nil:
			<-screen.done
			r := <-end
			r.Output = screen.text()
			return json.NewEncoder(in.Out).Encode(r)
		case status.Stopped():
			knocked(in, pid, end)
		}
	}
}

// knocked lets the program go and waits for its end.
func knocked(in *sandbox.Inside, pid int, end chan<- result) {
	s, err := in.Knocked(pid)
	if s == nil {
		return
	}
	if err == nil {
		err = s.Go()
	}
	go func() {
		defer in.Sweep()
		if err != nil {
			end <- result{Error: err.Error()}
			return
		}
		status, err := s.Await()
		if err != nil {
			end <- result{Error: err.Error()}
			return
		}
		end <- result{Status: status}
	}()
}

// screen collects what a terminal shows.
type screen struct {
	mu    sync.Mutex
	data  []byte
	ready chan struct{} // closed when it shows the ready word
	done  chan struct{} // closed when nobody has the terminal any more
}

func newScreen(terminal io.Reader) *screen {
	s := &screen{ready: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer close(s.done)
		tell := sync.OnceFunc(func() { close(s.ready) })
		buffer := make([]byte, 4096)
		for {
			n, err := terminal.Read(buffer)
			s.mu.Lock()
			s.data = append(s.data, buffer[:n]...)
			ready := bytes.Contains(s.data, []byte(readyWord))
			s.mu.Unlock()
			if ready {
				tell()
			}
			if err != nil {
				return
			}
		}
	}()
	return s
}

func (s *screen) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.ReplaceAll(string(s.data), "\r\n", "\n")
}

// open opens a cage for the order.
func (o order) open(ctx context.Context) (*sandbox.Cage, error) {
	parcel, err := sandbox.Pack(subject.Subject{Path: o.Path, Builtin: o.Builtin})
	if err != nil {
		return nil, err
	}
	defer parcel.Close()
	return o.openWith(ctx, parcel)
}

func (o order) openWith(ctx context.Context, parcel *sandbox.Parcel) (*sandbox.Cage, error) {
	if o.UID == 0 {
		o.UID = sandbox.InnerUID
	}
	return sandbox.Open(ctx, sandbox.Config{
		Isolation: o.Isolation, Work: "test-run", Job: o, Parcels: []*sandbox.Parcel{parcel}, CPU: -1, Scale: 1,
	})
}

// result reads what comes of the order, and closes the cage.
func (o order) result(cage *sandbox.Cage, err error) (r result, _ error) {
	if err != nil {
		return r, err
	}
	defer cage.Close()
	if err := json.NewDecoder(cage.Out).Decode(&r); err != nil {
		return r, fmt.Errorf("read result: %w", err)
	}
	return r, nil
}

// performWith carries the order out in this process.
func (o order) performWith(ctx context.Context, parcel *sandbox.Parcel) (result, error) {
	return o.result(o.openWith(ctx, parcel))
}

// kitRun carries out the order on stdin.
func kitRun() error {
	var o order
	if err := json.NewDecoder(os.Stdin).Decode(&o); err != nil {
		return err
	}
	r, err := o.result(o.open(context.Background()))
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(r)
}

// kitHold opens a cage, says so, and does with it what it is told on stdin.
func kitHold() error {
	in := bufio.NewReader(os.Stdin)
	line, err := in.ReadBytes('\n')
	if err != nil {
		return err
	}
	var o order
	if err := json.Unmarshal(line, &o); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	cage, err := o.open(ctx)
	if err != nil {
		return err
	}
	var r result
	if err := json.NewDecoder(cage.Out).Decode(&r); err != nil {
		return fmt.Errorf("read result: %w", err)
	}
	fmt.Println(readyWord)
	word, err := in.ReadString('\n')
	if err != nil {
		return err
	}
	if word == "cancel\n" {
		cancel()
		io.Copy(io.Discard, cage.Out)
	}
	cage.Close()
	fmt.Println("closed")
	_, err = in.ReadString('\n') // the tester has looked
	return err
}

// kitCommand prepares another process of the test binary, as a kit.
func kitCommand(t *testing.T, name string, uid int) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), generous)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, "/proc/self/exe")
	cmd.Args = []string{"sandbox.test"}
	cmd.Env = []string{kitVariable + "=" + name, "PATH=" + os.Getenv("PATH"), "IPCKIT_SECRET=swordfish", "TMPDIR=" + os.TempDir()}
	cmd.Dir = "/"
	if uid != os.Getuid() {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}}
	}
	return cmd
}

// generous is more than anything here takes, even on a busy machine.
const generous = 2 * time.Minute

// person is a way to be the kit.
type person struct {
	name string
	kit  string
	uid  int

	env    []string // added to the kit's
	binary string   // another one than this

	attributes *syscall.SysProcAttr // of the kit's start
}

const nobody = 65534

// persons returns who can be the kit here.
func persons(t *testing.T) []person {
	if os.Getuid() != 0 {
		t.Log("not run by root: the kit is tried under this user id alone")
		return []person{{name: "as this user", kit: "run", uid: os.Getuid()}, {name: "as this user from a dirty shell", kit: "dirty", uid: os.Getuid()}}
	}
	return []person{
		{name: "as root", kit: "run"}, {name: "as root from a dirty shell", kit: "dirty"},
		{name: "as an ordinary user", kit: "run", uid: nobody}, {name: "as an ordinary user from a dirty shell", kit: "dirty", uid: nobody},
	}
}

// run carries an order out as p.
func (p person) run(t *testing.T, o order) result {
	t.Helper()
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	cmd := kitCommand(t, p.kit, p.uid)
	cmd.Env = append(cmd.Env, p.env...)
	if p.attributes != nil {
		cmd.SysProcAttr = p.attributes
	}
	if p.binary != "" {
		cmd.Path = p.binary
	}
	cmd.Stdin = bytes.NewReader(text)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("kit %s: %v", p.name, err)
	}
	var r result
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatalf("kit %s answered %q: %v", p.name, out, err)
	}
	return r
}

// output is run for programs that must end well.
func (p person) output(t *testing.T, o order) string {
	t.Helper()
	r := p.run(t, o)
	if r.Error != "" || r.Status != 0 {
		t.Fatalf("program: status %#x, error %q, output:\n%s", r.Status, r.Error, r.Output)
	}
	return r.Output
}

// kitDirty is a kit started by something careless: signals ignored and blocked,
// descriptors open. It goes on as "run".
func kitDirty() error {
	for _, fd := range []int{10, 251} {
		if err := unix.Dup2(2, fd); err != nil {
			return err
		}
	}
	if err := ignoreAndBlock(); err != nil {
		return err
	}
	unix.Umask(0o077)
	return goOn("run")
}

// goOn makes this process another kit.
func goOn(kit string) error {
	env := []string{}
	for _, entry := range os.Environ() {
		if !strings.HasPrefix(entry, kitVariable+"=") {
			env = append(env, entry)
		}
	}
	// Not syscall.Exec: it would restore the limit on open files.
	return unix.Exec("/proc/self/exe", os.Args, append(env, kitVariable+"="+kit))
}

// folder makes a folder that other users can pass.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "sandbox-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// script writes a shell program.
func script(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(folder(t), "program")
	writeFile(t, path, "#!/bin/sh\n"+text, 0o755)
	return path
}

// pack makes a parcel of the program at path.
func pack(t *testing.T, path string) *sandbox.Parcel {
	t.Helper()
	parcel, err := sandbox.Pack(subject.Subject{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { parcel.Close() })
	return parcel
}

// quiet keeps what PID 1 says on standard error out of the test's output, and
// returns it.
func quiet(t *testing.T) func() string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "stderr")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	saved := os.Stderr
	os.Stderr = f
	t.Cleanup(func() { os.Stderr = saved; f.Close() })
	return func() string { text, _ := os.ReadFile(path); return string(text) }
}

func writeFile(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

// eventually looks until the condition holds.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for began := time.Now(); !condition(); time.Sleep(5 * time.Millisecond) {
		if time.Since(began) > generous/4 {
			t.Fatalf("not even after %v: %s", generous/4, what)
		}
	}
}
