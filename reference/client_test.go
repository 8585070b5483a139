package reference_test

import (
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"ipckit/reference/sock"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

const (
	hello   = "Connected; each title now travels to the server and back."
	goodbye = "Conversation over; closing the connection."
)

func TestClientWithServer(t *testing.T) {
	server := startServer(t)
	for range 2 {
		status, stdout, stderr := start(t, "client").end(t)
		if status != 0 || len(stderr) != 0 {
			t.Errorf("status %d, stderr %q", status, stderr)
		}
		want := append(append([]string{hello}, sock.Titles[:]...), goodbye)
		if diff := cmp.Diff(want, stdout); diff != "" {
			t.Error(diff)
		}
		for _, title := range sock.Titles {
			if got := next(t, server.stdout); got != title {
				t.Errorf("the server prints %q, want %q", got, title)
			}
		}
	}
}

func TestClientWithoutServer(t *testing.T) {
	needNetwork(t)
	status, stdout, stderr := start(t, "client").end(t)
	if status != 1 || len(stdout) != 0 {
		t.Errorf("status %d, stdout %q", status, stdout)
	}
	if diff := cmp.Diff([]string{"client: connect 127.0.0.1:9876: connection refused"}, stderr); diff != "" {
		t.Error(diff)
	}
}

func TestClientWithoutNetwork(t *testing.T) {
	needNetwork(t)
	down := &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET} // where lo is down
	status, stdout, stderr := startIn(t, down, "client").end(t)
	if status != 1 || len(stdout) != 0 {
		t.Errorf("status %d, stdout %q", status, stdout)
	}
	if diff := cmp.Diff([]string{"client: connect 127.0.0.1:9876: network is unreachable"}, stderr); diff != "" {
		t.Error(diff)
	}
}

// pretend is a server for one client; what it says is up to answer.
func pretend(t *testing.T, answer func(net.Conn)) {
	t.Helper()
	listener, err := net.Listen("tcp4", sock.Address(sock.Loopback()))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := listener.Accept()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(patience))
		answer(conn)
	}()
	t.Cleanup(func() { listener.Close(); <-done })
}

// expect reads a title; it fails the test when another one comes.
func expect(t *testing.T, conn net.Conn, title string) {
	got := make([]byte, len(title))
	if _, err := io.ReadFull(conn, got); err != nil || string(got) != title {
		t.Errorf("the client sends %q, %v, want %q", got, err, title)
	}
}

func TestClientPrintsWhatCameBack(t *testing.T) {
	needNetwork(t)
	for why, change := range map[string]func(string) string{
		"the same":           func(title string) string { return title },
		"something else":     strings.ToUpper,
		"control characters": func(title string) string { return "\x1b\x07" + title[2:] },
	} {
		t.Run(why, func(t *testing.T) {
			want := []string{hello}
			pretend(t, func(conn net.Conn) {
				for _, title := range sock.Titles {
					expect(t, conn, title)
					for _, piece := range []byte(change(title)) {
						conn.Write([]byte{piece})
					}
				}
				io.Copy(io.Discard, conn)
			})
			for _, title := range sock.Titles {
				want = append(want, sock.Printable([]byte(change(title))))
			}
			status, stdout, stderr := start(t, "client").end(t)
			if status != 0 || len(stderr) != 0 {
				t.Errorf("status %d, stderr %q", status, stderr)
			}
			if diff := cmp.Diff(append(want, goodbye), stdout); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestClientWhenTheServerFails(t *testing.T) {
	needNetwork(t)
	for why, c := range map[string]struct {
		answer func(*testing.T, net.Conn)
		stdout []string
		stderr string
	}{
		"closes in the middle": {
			answer: func(t *testing.T, conn net.Conn) {
				expect(t, conn, sock.Titles[0])
				io.WriteString(conn, sock.Titles[0])
				expect(t, conn, sock.Titles[1])
				io.WriteString(conn, "Pride")
			},
			stdout: []string{hello, sock.Titles[0]},
			stderr: `client: send "Pride and Prejudice": read answer: 5 of 19 bytes came: unexpected EOF`,
		},
		"closes without a word": {
			answer: func(t *testing.T, conn net.Conn) { expect(t, conn, sock.Titles[0]) },
			stdout: []string{hello},
			stderr: `client: send "War and Peace": read answer: 0 of 13 bytes came: unexpected EOF`,
		},
		"resets": {
			answer: func(t *testing.T, conn net.Conn) {
				expect(t, conn, sock.Titles[0])
				conn.(*net.TCPConn).SetLinger(0)
			},
			stdout: []string{hello},
			stderr: `client: send "War and Peace": read answer: 0 of 13 bytes came: connection reset by peer`,
		},
	} {
		t.Run(why, func(t *testing.T) {
			pretend(t, func(conn net.Conn) { c.answer(t, conn) })
			status, stdout, stderr := start(t, "client").end(t)
			if status != 1 {
				t.Errorf("status %d, want 1", status)
			}
			if diff := cmp.Diff(c.stdout, stdout); diff != "" {
				t.Error("stdout:", diff)
			}
			if diff := cmp.Diff([]string{c.stderr}, stderr); diff != "" {
				t.Error("stderr:", diff)
			}
		})
	}
}
