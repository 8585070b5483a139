package sock

import (
	"io"
	"testing"

	"golang.org/x/sys/unix"
)

func TestPrintable(t *testing.T) {
	for why, c := range map[string]struct{ in, want string }{
		"nothing":             {"", ""},
		"a title":             {"War and Peace", "War and Peace"},
		"quotes, backslashes": {`a "b" \c`, `a "b" \c`},
		"umlauts":             {"Größe", "Größe"},
		"half an umlaut":      {"Gr\xc3", `Gr\xc3`},
		"replacement rune":    {"\uFFFD", "\uFFFD"},
		"NUL":                 {"a\x00", `a\x00`},
		"line ends":           {"a\r\n", `a\r\n`},
		"escape sequence":     {"\x1b[2J", `\x1b[2J`},
		"C1 control":          {"\u009b2J", `\u009b2J`},
		"right to left":       {"a\u202eb", `a\u202eb`},
	} {
		if got := Printable([]byte(c.in)); got != c.want {
			t.Errorf("%s: %q, want %q", why, got, c.want)
		}
	}
}

func TestAddress(t *testing.T) {
	if got := Address(Loopback()); got != "127.0.0.1:9876" {
		t.Errorf("Address(Loopback()) = %q", got)
	}
	if got := Address(nil); got != "address of type <nil>" {
		t.Errorf("Address(nil) = %q", got)
	}
}

func pair(t *testing.T) (int, int) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fds[0]); unix.Close(fds[1]) })
	return fds[0], fds[1]
}

func TestStream(t *testing.T) {
	ours, theirs := pair(t)
	sent := make([]byte, 1<<20) // more than the socket's buffers hold
	for i := range sent {
		sent[i] = byte(1 + i%255) // no NUL
	}
	written := make(chan error, 1)
	go func() {
		err := WriteAll(theirs, sent)
		unix.Shutdown(theirs, unix.SHUT_WR)
		written <- err
	}()
	got, err := ReadText(ours, len(sent))
	if len(got) != len(sent) || err != nil {
		t.Fatalf("ReadText: %d, %v", len(got), err)
	}
	if err := <-written; err != nil {
		t.Fatal(err)
	}
	if string(got) != string(sent) {
		t.Error("other bytes came than were sent")
	}
	if got, err := ReadText(ours, 1); len(got) != 0 || err != io.ErrUnexpectedEOF {
		t.Errorf("after the end: %d, %v", len(got), err)
	}
}

func TestReadTextPassesPaddingOver(t *testing.T) {
	ours, theirs := pair(t)
	if err := WriteAll(theirs, []byte("\x00War\x00\x00 and\x00 Peace\x00")); err != nil {
		t.Fatal(err)
	}
	if got, err := ReadText(ours, len("War and Peace")); string(got) != "War and Peace" || err != nil {
		t.Errorf("ReadText: %q, %v", got, err)
	}
}

func TestErrorsKeepTheirNumber(t *testing.T) {
	ours, theirs := pair(t)
	unix.Shutdown(theirs, unix.SHUT_RD)
	if err := WriteAll(ours, []byte("x")); err != unix.EPIPE {
		t.Errorf("WriteAll to a closed stream: %v", err)
	}
	if got, err := ReadText(-1, 1); len(got) != 0 || err != unix.EBADF {
		t.Errorf("ReadText from no descriptor: %d, %v", len(got), err)
	}
}
