// Package server is the article's iterative echo server.
//
// It goes the four steps socket, bind, listen, accept, and from then on works
// with two kinds of descriptors: the listening one, which only ever hands out
// new clients, and one more for each client, which carries the bytes. It serves
// one client until that client is done, then the next. A silent client therefore
// holds up all others: they are connected (the kernel does that, up to the
// backlog) and wait.
//
// All calls block. A process that waits in accept(2) or read(2) uses no CPU.
package server

import (
	"fmt"
	"os"
	"time"

	"ipckit/reference/sock"

	"golang.org/x/sys/unix"
)

const help = `usage: server

Listens on port 9876 of localhost and sends each client back what it sends,
printing it too. Serves one client after the other. Ctrl+C ends it.

It teaches: socket, bind, listen, accept; the listening descriptor and the one
per client; a stream of bytes without message boundaries; staying alive when a
client leaves early or descriptors run out.
`

// Main is the program; it returns the exit status.
func Main(args []string) int {
	return sock.Main("server", help, args, run)
}

func run() error {
	// Not the kernel's surprise but the Go runtime's: it opens an epoll
	// descriptor for its first timer, be it ours or the garbage collector's, and
	// the program dies if none is left then. This timer makes it do so now.
	time.Sleep(time.Nanosecond)

	listener, err := listen()
	if err != nil {
		return err
	}
	defer unix.Close(listener)
	fmt.Fprintf(os.Stderr, "Listening on port %d for clients...\n", sock.Port)
	return serve(listener)
}

// listen goes the first three steps and returns the listening descriptor.
func listen() (int, error) {
	address := sock.Loopback()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("socket: %w", err)
	}
	// Connections that this server closed first stay in TIME_WAIT for a minute
	// and hold the port. Linux lets a new server have it all the same, if the old
	// and the new one have both set this before bind (socket(7)).
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("setsockopt SO_REUSEADDR: %w", err)
	}
	if err := unix.Bind(fd, address); err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("bind %s: %w", sock.Address(address), err)
	}
	if err := unix.Listen(fd, sock.Backlog); err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("listen %s: %w", sock.Address(address), err)
	}
	return fd, nil
}

// serve takes client after client. What goes wrong with one client is told and
// is no reason to stop.
func serve(listener int) error {
	for {
		client, address, err := accept(listener)
		if err != nil {
			return fmt.Errorf("accept: %w", err)
		}
		if err := echo(client); err != nil {
			fmt.Fprintf(os.Stderr, "server: client %s: %v\n", address, err)
		}
		unix.Close(client)
	}
}

// echo sends back what the client sends, as much as each read brings, until the
// client is done: read(2) returns 0 when it has closed its side.
func echo(client int) error {
	buffer := make([]byte, sock.BufferSize)
	for {
		n, err := sock.Read(client, buffer)
		if err != nil {
			return fmt.Errorf("read: %w", err)
		}
		if n == 0 {
			return nil
		}
		fmt.Println(sock.Printable(buffer[:n]))
		// A write to a client that has left raises SIGPIPE, whose default is death
		// (signal(7)). The Go runtime catches it: on descriptors 1 and 2 the program
		// still dies, on all others the write only fails with EPIPE.
		if err := sock.WriteAll(client, buffer[:n]); err != nil {
			return fmt.Errorf("write: %w", err)
		}
	}
}
