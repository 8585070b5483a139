package sock

import (
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

// ReadFull fills p. A stream has no messages: one write of the sender may arrive
// in several reads, and several writes in one (tcp(7)). It returns how many bytes
// came and, when that is not all of p, why.
func ReadFull(fd int, p []byte) (int, error) {
	done := 0
	for done < len(p) {
		n, err := Read(fd, p[done:])
		if err != nil {
			return done, err
		}
		if n == 0 {
			return done, io.ErrUnexpectedEOF
		}
		done += n
	}
	return done, nil
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
