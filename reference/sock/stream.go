package sock

import (
	"bytes"
	"io"

	"golang.org/x/sys/unix"
)

// Read reads once, but not less than once: a signal that arrives before any data
// ends read(2) with EINTR, and nothing is lost by reading again (signal(7)).
func Read(fd int, p []byte) (int, error) {
	for {
		n, err := unix.Read(fd, p)
		if err != unix.EINTR {
			return max(n, 0), err
		}
	}
}

// ReadText reads until n bytes of text have come. A stream has no messages: one
// write of the sender may arrive in several reads, and several writes in one
// (tcp(7)). NUL bytes are no text and are passed over: a server that writes its
// whole buffer, as the article's does, pads what it sends with them. It returns
// what came and, when that is not all, why.
func ReadText(fd, n int) ([]byte, error) {
	text, buffer := make([]byte, 0, n), make([]byte, BufferSize)
	for len(text) < n {
		got, err := Read(fd, buffer[:min(len(buffer), n-len(text))])
		if err != nil {
			return text, err
		}
		if got == 0 {
			return text, io.ErrUnexpectedEOF
		}
		text = append(text, bytes.ReplaceAll(buffer[:got], []byte{0}, nil)...)
	}
	return text, nil
}

// WriteAll writes all of p. A blocking write(2) still takes less than it is given
// when a signal arrives half-way.
func WriteAll(fd int, p []byte) error {
	for len(p) > 0 {
		n, err := unix.Write(fd, p)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return err
		}
		p = p[n:]
	}
	return nil
}
