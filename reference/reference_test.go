package reference_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"ipckit/reference"
	"ipckit/reference/sock"

	"golang.org/x/sys/unix"
)

const (
	// self is this test binary. It holds the programs, as the kit's binary does:
	// started under the name of one, it is that program.
	self = "/proc/self/exe"
	// nested marks the second life of the test binary, in a network of its own.
	nested = "REFERENCE_TEST_NESTED"
	// patience is for things that happen at once unless they never happen.
	patience = time.Minute
)

// noNetwork says why there is no network of our own, if there is none.
var noNetwork string

func TestMain(m *testing.M) {
	if program, held := reference.Programs[filepath.Base(os.Args[0])]; held {
		os.Exit(program(os.Args[1:]))
	}
	if os.Getenv(nested) == "" {
		status, err := runNested()
		if err == nil {
			os.Exit(status)
		}
		noNetwork = err.Error()
	} else if err := raiseLoopback(); err != nil {
		noNetwork = err.Error()
	}
	os.Exit(m.Run())
}

// runNested runs all tests in a new network namespace, where port 9876 is free
// whatever else goes on on this machine.
func runNested() (int, error) {
	runtime.LockOSThread() // PR_SET_PDEATHSIG belongs to the thread, see prctl(2)
	defer runtime.UnlockOSThread()
	cmd := exec.Command(self)
	cmd.Args = os.Args
	cmd.Env = append(os.Environ(), nested+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  unix.CLONE_NEWUSER | unix.CLONE_NEWNET,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
		Pdeathsig:   unix.SIGKILL,
	}
	if err := cmd.Start(); err != nil {
		return 0, fmt.Errorf("start in a user and network namespace: %w", err)
	}
	err := cmd.Wait()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		return 0, err
	}
	if code := cmd.ProcessState.ExitCode(); code >= 0 {
		return code, nil
	}
	fmt.Fprintf(os.Stderr, "tests in their namespace: %v\n", cmd.ProcessState)
	return 1, nil
}

// raiseLoopback brings up lo, which is down in a new network namespace.
func raiseLoopback() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("socket: %w", err)
	}
	defer unix.Close(fd)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	lo.SetUint16(unix.IFF_UP)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo); err != nil {
		return fmt.Errorf("bring up lo: %w", err)
	}
	return nil
}

func needNetwork(t *testing.T) {
	t.Helper()
	if noNetwork != "" {
		t.Skip("no network of our own:", noNetwork)
	}
}

// process is a program under test. Its output arrives line by line; a channel is
// closed when nobody can write to that stream any more.
type process struct {
	cmd            *exec.Cmd
	stdout, stderr <-chan string
}

// start starts a program with lo and port 9876 as the tests see them.
func start(t *testing.T, name string, args ...string) *process {
	t.Helper()
	return startIn(t, nil, name, args...)
}

// startIn starts a program in other circumstances.
func startIn(t *testing.T, attr *syscall.SysProcAttr, name string, args ...string) *process {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Args = append([]string{name}, args...)
	cmd.SysProcAttr = attr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	return &process{cmd: cmd, stdout: lines(stdout), stderr: lines(stderr)}
}

func lines(stream io.Reader) <-chan string {
	found := make(chan string, 100_000) // more than any test makes: nobody blocks
	go func() {
		defer close(found)
		for scanner := bufio.NewScanner(stream); scanner.Scan(); {
			found <- scanner.Text()
		}
	}()
	return found
}

// next returns the next line of a stream.
func next(t *testing.T, stream <-chan string) string {
	t.Helper()
	select {
	case line, open := <-stream:
		if !open {
			t.Fatal("the stream ended where a line was expected")
		}
		return line
	case <-time.After(patience):
		t.Fatalf("no line within %v", patience)
	}
	return ""
}

// rest returns what is left of a stream once nobody can write to it any more.
func rest(t *testing.T, stream <-chan string) []string {
	t.Helper()
	var all []string
	for deadline := time.After(patience); ; {
		select {
		case line, open := <-stream:
			if !open {
				return all
			}
			all = append(all, line)
		case <-deadline:
			t.Fatalf("the stream is still open after %v; so far: %q", patience, all)
		}
	}
}

// end waits for the program and returns its exit status, stdout and stderr.
func (p *process) end(t *testing.T) (status int, stdout, stderr []string) {
	t.Helper()
	stdout, stderr = rest(t, p.stdout), rest(t, p.stderr)
	p.cmd.Wait()
	return p.cmd.ProcessState.ExitCode(), stdout, stderr
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// startServer starts the server and returns when clients can connect.
func startServer(t *testing.T) *process {
	t.Helper()
	needNetwork(t)
	server := start(t, "server")
	if got, want := next(t, server.stderr), "Listening on port 9876 for clients..."; got != want {
		t.Fatalf("the server says %q, want %q", got, want)
	}
	return server
}

// dial connects with package net, which shares no code with the programs.
func dial(t *testing.T) *net.TCPConn {
	t.Helper()
	conn, err := net.DialTimeout("tcp", sock.Address(sock.Loopback()), patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(patience))
	return conn.(*net.TCPConn)
}

func TestHelp(t *testing.T) {
	for name := range reference.Programs {
		for _, option := range []string{"-h", "--help"} {
			t.Run(name+" "+option, func(t *testing.T) {
				status, stdout, stderr := start(t, name, option).end(t)
				if status != 0 || len(stderr) != 0 {
					t.Errorf("status %d, stderr %q", status, stderr)
				}
				text := strings.Join(stdout, "\n")
				if !strings.HasPrefix(text, "usage: "+name+"\n") || !strings.Contains(text, "It teaches:") {
					t.Errorf("help is %q", text)
				}
			})
		}
	}
}

func TestUsageErrors(t *testing.T) {
	for name := range reference.Programs {
		for why, args := range map[string][]string{
			"option":            {"--port"},
			"word":              {"now"},
			"empty word":        {""},
			"help and a word":   {"-h", "now"},
			"child and a word":  {"child", "now"},
			"control character": {"\x1b[2J"},
		} {
			t.Run(name+" "+why, func(t *testing.T) {
				status, stdout, stderr := start(t, name, args...).end(t)
				if status != 2 || len(stdout) != 0 {
					t.Errorf("status %d, stdout %q", status, stdout)
				}
				want := fmt.Sprintf("%s: unknown argument %q: it takes none (--help says more)", name, args[0])
				if len(stderr) != 1 || stderr[0] != want {
					t.Errorf("stderr %q, want %q", stderr, want)
				}
			})
		}
	}
}
