package client

import (
	"net"
	"testing"

	"golang.org/x/sys/unix"
)

// begin starts a connect that goes on in the background, as an interrupted one
// does. Here it is O_NONBLOCK that sends it there.
func begin(t *testing.T, port int) int {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	err = unix.Connect(fd, &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}})
	if err != unix.EINPROGRESS {
		t.Skipf("connect did not go to the background: %v", err)
	}
	return fd
}

func TestFinish(t *testing.T) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Skip("no loopback network: ", err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	if err := finish(begin(t, port)); err != nil {
		t.Errorf("with a listener: %v", err)
	}
	listener.Close()
	if err := finish(begin(t, port)); err != unix.ECONNREFUSED {
		t.Errorf("without one: %v", err)
	}
}
