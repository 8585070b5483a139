// Package client is the article's client: it connects to the server, sends three
// titles one after the other, and prints what comes back.
//
// A client needs two steps where a server needs four: socket and connect. It
// binds nothing; the kernel picks a free port for its side.
package client

import (
	"fmt"

	"ipckit/reference/sock"

	"golang.org/x/sys/unix"
)

const help = `usage: client

Connects to port 9876 of localhost, sends three titles one after the other,
prints what comes back, and ends. It needs the server to run.

It teaches: socket and connect; why connect fails; that an echo may come back
in pieces, and that the end of the stream is not an answer.
`

// Main is the program; it returns the exit status.
func Main(args []string) int {
	return sock.Main("client", help, args, run)
}

func run() error {
	fd, err := connect(sock.Loopback())
	if err != nil {
		return err
	}
	defer unix.Close(fd)

	if _, err := fmt.Println("Connected; each title now travels to the server and back."); err != nil {
		return err
	}
	for _, title := range sock.Titles {
		answer, err := exchange(fd, title)
		if err != nil {
			return fmt.Errorf("send %q: %w", title, err)
		}
		if _, err := fmt.Println(sock.Printable(answer)); err != nil {
			return err
		}
	}
	_, err = fmt.Println("Conversation over; closing the connection.")
	return err
}

// exchange sends one title and returns as many bytes of the answer: the server's
// bytes, not ours, so that what is printed shows what came back.
func exchange(fd int, title string) ([]byte, error) {
	if err := sock.WriteAll(fd, []byte(title)); err != nil {
		return nil, fmt.Errorf("write: %w", err)
	}
	answer, err := sock.ReadText(fd, len(title))
	if err != nil {
		return nil, fmt.Errorf("read answer: %d of %d bytes came: %w", len(answer), len(title), err)
	}
	return answer, nil
}
