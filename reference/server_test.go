package reference_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// talk sends pieces, one write each, and returns all that came back.
func talk(t *testing.T, pieces ...string) string {
	t.Helper()
	conn := dial(t)
	defer conn.Close()
	go func() {
		for _, piece := range pieces {
			io.WriteString(conn, piece)
		}
		conn.CloseWrite()
	}()
	echo, err := io.ReadAll(conn)
	if err != nil {
		t.Fatalf("read echo: %v", err)
	}
	return string(echo)
}

func checkServes(t *testing.T) {
	t.Helper()
	if got := talk(t, "still there?"); got != "still there?" {
		t.Errorf("the echo is %q", got)
	}
}

func TestServerEchoesExactly(t *testing.T) {
	startServer(t)
	random := make([]byte, 1<<20)
	rand.NewChaCha8([32]byte{}).Read(random)
	for why, pieces := range map[string][]string{
		"nothing":            {},
		"one title":          {"War and Peace"},
		"byte by byte":       strings.Split("Pride and Prejudice", ""),
		"several in one":     {"War and PeacePride and Prejudice", "The Sound and the Fury"},
		"one read exactly":   {strings.Repeat("x", 256)},
		"one byte too many":  {strings.Repeat("x", 257)},
		"NUL inside and out": {"\x00a\x00", "\x00\x00"},
		"a megabyte, binary": {string(random)},
	} {
		t.Run(why, func(t *testing.T) {
			if got, want := talk(t, pieces...), strings.Join(pieces, ""); got != want {
				t.Errorf("%d bytes came back for %d, or others", len(got), len(want))
			}
		})
	}
}

func TestServerPrintsTitlesAsLines(t *testing.T) {
	server := startServer(t)
	conn := dial(t)
	for _, c := range []struct{ title, line string }{
		{"War and Peace", "War and Peace"},
		{"Krieg und Frieden für alle", "Krieg und Frieden für alle"},
		{"\x1b[2Jgone\x00", `\x1b[2Jgone\x00`},
	} {
		io.WriteString(conn, c.title)
		echo := make([]byte, len(c.title))
		if _, err := io.ReadFull(conn, echo); err != nil {
			t.Fatal(err)
		}
		if got := next(t, server.stdout); got != c.line {
			t.Errorf("for %q the server prints %q, want %q", c.title, got, c.line)
		}
	}
}

func TestServerServesOneAfterTheOther(t *testing.T) {
	startServer(t)
	first, second := dial(t), dial(t)
	io.WriteString(second, "second")
	second.CloseWrite()
	for range 3 {
		io.WriteString(first, "first")
		echo := make([]byte, len("first"))
		if _, err := io.ReadFull(first, echo); err != nil || string(echo) != "first" {
			t.Fatalf("first client: %q, %v", echo, err)
		}
	}
	first.Close()
	if echo, err := io.ReadAll(second); err != nil || string(echo) != "second" {
		t.Fatalf("second client: %q, %v", echo, err)
	}
}

func TestServerSurvivesEarlyLeavers(t *testing.T) {
	server := startServer(t)

	// A reset instead of an end: the server's read fails.
	reset := dial(t)
	io.WriteString(reset, "x")
	if _, err := io.ReadFull(reset, make([]byte, 1)); err != nil { // so it is in read now
		t.Fatal(err)
	}
	reset.SetLinger(0)
	reset.Close()
	line := next(t, server.stderr)
	if !strings.HasPrefix(line, "server: client 127.0.0.1:") || !strings.HasSuffix(line, ": read: connection reset by peer") {
		t.Errorf("stderr is %q", line)
	}
	checkServes(t)

	// A reset while it waits in the queue of the kernel.
	holder, waiting := dial(t), dial(t)
	waiting.SetLinger(0)
	waiting.Close()
	holder.Close()
	checkServes(t)

	// Echoes that nobody reads: the server's writes meet the reset sooner or later.
	for range 20 {
		conn := dial(t)
		conn.Write(bytes.Repeat([]byte("unread "), 1000))
		conn.Close()
	}
	checkServes(t)

	// A client whose echo fills all buffers blocks the server in write, then leaves.
	stuffed := dial(t)
	stuffed.SetWriteDeadline(time.Now().Add(time.Second)) // only how long we stuff
	io.Copy(stuffed, endless{})
	stuffed.SetLinger(0)
	stuffed.Close()
	checkServes(t)
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestServerOutOfDescriptors(t *testing.T) {
	server := startServer(t)
	var before unix.Rlimit
	setLimit(t, server.pid(), nil, &before)
	setLimit(t, server.pid(), &unix.Rlimit{Cur: 3, Max: before.Max}, nil) // what is open stays
	// An accept that waits already has its descriptor, so this one may be served.
	dial(t).Close()
	if got, want := next(t, server.stderr), "server: accept: too many open files: clients wait until that is over"; got != want {
		t.Fatalf("stderr is %q, want %q", got, want)
	}

	queued := dial(t)
	io.WriteString(queued, "queued")
	busy := cpuTime(t, server.pid())
	time.Sleep(time.Second) // the span that is measured, not a wait for something
	if used := cpuTime(t, server.pid()) - busy; used > 500*time.Millisecond {
		t.Errorf("the server used %v of CPU in about a second of shortage", used)
	}

	setLimit(t, server.pid(), &before, nil)
	queued.CloseWrite()
	if echo, err := io.ReadAll(queued); err != nil || string(echo) != "queued" {
		t.Errorf("the client that waited got %q, %v", echo, err)
	}
	if len(server.stderr) != 0 {
		t.Errorf("more on stderr: %q", next(t, server.stderr))
	}
}

func setLimit(t *testing.T, pid int, limit, before *unix.Rlimit) {
	t.Helper()
	if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, limit, before); err != nil {
		t.Fatalf("prlimit: %v", err)
	}
}

// cpuTime is fields 14 and 15 of proc_pid_stat(5), in ticks of 10 ms. The second
// field may hold anything but ends with the last parenthesis.
func cpuTime(t *testing.T, pid int) time.Duration {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	var user, system int
	if _, err := fmt.Sscan(fields[11]+" "+fields[12], &user, &system); err != nil {
		t.Fatal(err)
	}
	return time.Duration(user+system) * 10 * time.Millisecond
}

func TestServerPortInUse(t *testing.T) {
	startServer(t)
	status, stdout, stderr := start(t, "server").end(t)
	want := "server: bind 127.0.0.1:9876: address already in use"
	if status != 1 || len(stdout) != 0 || len(stderr) != 1 || stderr[0] != want {
		t.Errorf("status %d, stdout %q, stderr %q, want 1 and %q", status, stdout, stderr, want)
	}
	checkServes(t)
}

func TestServerEndsByCtrlCAndStartsAgain(t *testing.T) {
	server := startServer(t)
	conn := dial(t) // open at the end: the server's side closes first
	io.WriteString(conn, "x")
	if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	server.cmd.Process.Signal(os.Interrupt)
	server.end(t)
	if status := server.cmd.ProcessState.Sys().(syscall.WaitStatus); status.Signal() != unix.SIGINT {
		t.Errorf("the server ended otherwise than by SIGINT: %v", server.cmd.ProcessState)
	}
	if _, err := io.ReadAll(conn); err != nil {
		t.Error(err)
	}
	conn.Close() // now the port is held by TIME_WAIT
	startServer(t)
	checkServes(t)
}
