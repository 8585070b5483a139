package client

import (
	"fmt"

	"ipckit/reference/sock"

	"golang.org/x/sys/unix"
)

// connect returns a descriptor that is connected to the server.
func connect(server *unix.SockaddrInet4) (int, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("socket: %w", err)
	}
	err = unix.Connect(fd, server)
	if err == unix.EINTR {
		err = finish(fd)
	}
	if err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("connect %s: %w", sock.Address(server), err)
	}
	return fd, nil
}

// finish waits for a connect(2) that goes on in the background. A signal ends the
// call and not the attempt; to call again would give EALREADY. The descriptor
// becomes writable when the attempt has an outcome, which SO_ERROR then tells.
func finish(fd int) error {
	for {
		_, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}, -1)
		if err == nil {
			break
		}
		if err != unix.EINTR {
			return fmt.Errorf("poll: %w", err)
		}
	}
	outcome, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err != nil {
		return fmt.Errorf("getsockopt SO_ERROR: %w", err)
	}
	if outcome != 0 {
		return unix.Errno(outcome)
	}
	return nil
}
