package server

import (
	"testing"

	"golang.org/x/sys/unix"
)

// TestAcceptEndsOnItsOwnMistakes: to retry these would go on for ever.
func TestAcceptEndsOnItsOwnMistakes(t *testing.T) {
	deaf, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(deaf)
	for why, c := range map[string]struct {
		fd   int
		want error
	}{
		"not a descriptor": {-1, unix.EBADF},
		"not listening":    {deaf, unix.EINVAL},
	} {
		if _, _, err := accept(c.fd); err != c.want {
			t.Errorf("%s: %v, want %v", why, err, c.want)
		}
	}
}
