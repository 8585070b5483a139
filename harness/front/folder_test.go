package front

import "testing"

func TestSeenFrom(t *testing.T) {
	for _, row := range []struct{ name, user, here, path, want string }{
		{"the same folder: as it was given", "/home/u", "/home/u", "kept", "kept"},
		{"a test binary runs elsewhere", "/home/u", "/home/u/kit/specs", "kept", "/home/u/kept"},
		{"upwards", "/home/u/kit", "/home/u/kit/specs", "../kept", "/home/u/kept"},
		{"an absolute path needs no folder", "/home/u", "/tmp", "/kept", "/kept"},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := seenFrom(row.user, row.here, row.path); got != row.want {
				t.Errorf("%q, want %q", got, row.want)
			}
		})
	}
}
