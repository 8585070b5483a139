package recording_test

import (
	"strings"
	"testing"

	"ipckit/harness/recording"
)

func TestWaitStatus(t *testing.T) {
	const no = -1
	for _, c := range []struct {
		status                  recording.WaitStatus
		exited, killed, stopped int
		continued               bool
		says                    string
	}{
		{0x0000, 0, no, no, false, "exited with status 0"},
		{0x0100, 1, no, no, false, "exited with status 1"},
		{0x8f00, 143, no, no, false, "exited with status 143"},
		{0xff00, 255, no, no, false, "exited with status 255"},
		{0x7f00, 127, no, no, false, "exited with status 127"},
		{0x000f, no, 15, no, false, "killed by signal 15 (SIGTERM)"},
		{0x000d, no, 13, no, false, "killed by signal 13 (SIGPIPE)"},
		{0x008b, no, 11, no, false, "killed by signal 11 (SIGSEGV)"}, // with a core dump
		{0x0023, no, 35, no, false, "killed by signal 35 (real-time signal 35)"},
		{0x137f, no, no, 19, false, "stopped by signal 19 (SIGSTOP)"},
		{0x147f, no, no, 20, false, "stopped by signal 20 (SIGTSTP)"},
		{0xffff, no, no, no, true, "continued"},
	} {
		check := func(what string, got int, ok bool, want int) {
			if ok != (want != no) || ok && got != want {
				t.Errorf("%#x: %s: %d, %v; want %d", int(c.status), what, got, ok, want)
			}
		}
		status, ok := c.status.Exited()
		check("exited", status, ok, c.exited)
		s, ok := c.status.Killed()
		check("killed", int(s), ok, c.killed)
		s, ok = c.status.Stopped()
		check("stopped", int(s), ok, c.stopped)
		if c.status.Continued() != c.continued || c.status.String() != c.says {
			t.Errorf("%#x: %v, %v", int(c.status), c.status.Continued(), c.status)
		}
	}
}

func TestSignalSet(t *testing.T) {
	for _, c := range []struct {
		name string
		set  recording.SignalSet
		has  []recording.Signal
		not  []recording.Signal
		says string
	}{
		{"empty", 0, nil, []recording.Signal{0, 1, 64, -1, 65}, "{}"},
		{"two", 1<<1 | 1<<14, []recording.Signal{2, 15}, []recording.Signal{1, 3, 14, 16}, "{SIGINT SIGTERM}"},
		{"first and last", 1 | 1<<63, []recording.Signal{1, 64}, []recording.Signal{0, 65, 63}, "{SIGHUP real-time signal 64}"},
		{"all but two", ^recording.SignalSet(1<<8 | 1<<18), []recording.Signal{1, 64}, []recording.Signal{9, 19, 0, 65}, "all but {SIGKILL SIGSTOP}"},
		{"all", ^recording.SignalSet(0), []recording.Signal{9, 32}, []recording.Signal{0, 65}, "all but {}"},
	} {
		for _, s := range c.has {
			if !c.set.Has(s) {
				t.Errorf("%s: %d is missing", c.name, s)
			}
		}
		for _, s := range c.not {
			if c.set.Has(s) {
				t.Errorf("%s: %d is in it", c.name, s)
			}
		}
		if c.set.String() != c.says {
			t.Errorf("%s: %s", c.name, c.set)
		}
	}
}

func TestSignal(t *testing.T) {
	for s, want := range map[recording.Signal]string{
		recording.SIGHUP: "SIGHUP", recording.SIGINT: "SIGINT", recording.SIGQUIT: "SIGQUIT", recording.SIGKILL: "SIGKILL",
		recording.SIGUSR1: "SIGUSR1", recording.SIGUSR2: "SIGUSR2", recording.SIGPIPE: "SIGPIPE", recording.SIGTERM: "SIGTERM",
		recording.SIGCHLD: "SIGCHLD", recording.SIGCONT: "SIGCONT", recording.SIGSTOP: "SIGSTOP", recording.SIGTSTP: "SIGTSTP",
		0: "signal 0", 31: "SIGSYS", 32: "real-time signal 32", 64: "real-time signal 64", 65: "signal 65", -1: "signal -1",
	} {
		if got := s.String(); got != want {
			t.Errorf("%d: %s, want %s", int(s), got, want)
		}
	}
}

func TestErrno(t *testing.T) {
	for e, want := range map[recording.Errno]struct{ name, says string }{
		0:    {"errno 0", "success"},
		4:    {"EINTR", "EINTR (interrupted system call)"},
		11:   {"EAGAIN", "EAGAIN (resource temporarily unavailable)"},
		35:   {"EDEADLK", "EDEADLK (resource deadlock avoided)"},
		95:   {"EOPNOTSUPP", "EOPNOTSUPP (operation not supported)"},
		98:   {"EADDRINUSE", "EADDRINUSE (address already in use)"},
		111:  {"ECONNREFUSED", "ECONNREFUSED (connection refused)"},
		117:  {"EUCLEAN", "EUCLEAN (structure needs cleaning)"},
		4095: {"errno 4095", "errno 4095 (errno 4095)"},
		-5:   {"errno -5", "errno -5 (errno -5)"},
	} {
		if e.Name() != want.name || e.String() != want.says {
			t.Errorf("%d: %s, %s", int(e), e.Name(), e)
		}
	}
}

func TestEscape(t *testing.T) {
	for in, want := range map[string]string{
		"":                        "",
		"War and Peace":           "War and Peace",
		"a\n\r\tb":                `a\n\r\tb`,
		`say "x" \n`:              `say \"x\" \\n`,
		"\x00\x1b[31m\x7f":        `\x00\x1b[31m\x7f`,
		"é\xff":                   `\xc3\xa9\xff`,
		"\u202e":                  `\xe2\x80\xae`,
		strings.Repeat("\x00", 3): `\x00\x00\x00`,
	} {
		if got := recording.Escape([]byte(in)); got != want {
			t.Errorf("Escape(%q) = %s, want %s", in, got, want)
		}
	}
}

func TestData(t *testing.T) {
	for _, c := range []struct {
		data recording.Data
		cut  int
		says string
	}{
		{recording.Data{}, 0, `""`},
		{recording.Data{Bytes: []byte("a\x00"), Len: 2}, 0, `"a\x00"`},
		{recording.Data{Bytes: []byte("ab"), Len: 257}, 255, `"ab" (2 of 257 bytes kept)`},
	} {
		if c.data.Cut() != c.cut || c.data.String() != c.says {
			t.Errorf("%d, %s", c.data.Cut(), c.data)
		}
	}
}

func TestAddr(t *testing.T) {
	for _, c := range []struct {
		addr recording.Addr
		want string
	}{
		{recording.Addr{Family: "AF_INET", IP: "127.0.0.1", Port: 9876}, "127.0.0.1:9876"},
		{recording.Addr{Family: "AF_INET6", IP: "::1", Port: 9876}, "[::1]:9876"},
		{recording.Addr{Family: "AF_INET6", IP: "::ffff:127.0.0.1"}, "[::ffff:127.0.0.1]:0"},
		{recording.Addr{Family: "AF_UNIX", Path: "/run/s"}, "unix:/run/s"},
		{recording.Addr{Family: "AF_UNIX", Path: "@na\x00me"}, `unix:@na\x00me`},
		{recording.Addr{Family: "AF_UNIX"}, "unix:(unnamed)"},
		{recording.Addr{Family: "AF_UNSPEC", Raw: []byte{0, 0xff}}, "AF_UNSPEC:00ff"},
	} {
		if got := c.addr.String(); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
}
