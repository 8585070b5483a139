package recording

import (
	"fmt"
	"strconv"
	"strings"
	"syscall"
)

// Errno is an error number of the kernel (errno(3)); 0 is success.
type Errno int

// Name returns the constant's name, such as "ECONNREFUSED".
func (e Errno) Name() string {
	if name, ok := errnoNames[e]; ok {
		return name
	}
	return "errno " + strconv.Itoa(int(e))
}

// String returns the name and what it means: "ECONNREFUSED (connection refused)".
func (e Errno) String() string {
	if e == 0 {
		return "success"
	}
	return fmt.Sprintf("%s (%s)", e.Name(), syscall.Errno(e).Error())
}

// Signal is a signal number (signal(7)).
type Signal int

// The signals that checks speak of; the numbers are those of amd64 and arm64.
const (
	SIGHUP  Signal = 1
	SIGINT  Signal = 2
	SIGQUIT Signal = 3
	SIGKILL Signal = 9
	SIGUSR1 Signal = 10
	SIGUSR2 Signal = 12
	SIGPIPE Signal = 13
	SIGTERM Signal = 15
	SIGCHLD Signal = 17
	SIGCONT Signal = 18
	SIGSTOP Signal = 19
	SIGTSTP Signal = 20
)

const firstRealTime, lastRealTime = 32, 64

// String returns the signal's name: "SIGTERM", or "real-time signal 35".
func (s Signal) String() string {
	if name, ok := signalNames[s]; ok {
		return name
	}
	if s >= firstRealTime && s <= lastRealTime {
		return fmt.Sprintf("real-time signal %d", int(s))
	}
	return fmt.Sprintf("signal %d", int(s))
}

// SignalSet is a set of signals as the kernel keeps it: bit n-1 is signal n.
type SignalSet uint64

// Has reports whether s is in the set.
func (set SignalSet) Has(s Signal) bool {
	return s >= 1 && s <= lastRealTime && set&(1<<(s-1)) != 0
}

// String lists the set's members: "{SIGINT SIGTERM}", or what is left out when
// that is shorter: "all but {SIGKILL SIGSTOP}".
func (set SignalSet) String() string {
	const most = 32
	members := set.names()
	if len(members) <= most {
		return "{" + strings.Join(members, " ") + "}"
	}
	return "all but {" + strings.Join((^set).names(), " ") + "}"
}

func (set SignalSet) names() []string {
	var names []string
	for s := Signal(1); s <= lastRealTime; s++ {
		if set.Has(s) {
			names = append(names, s.String())
		}
	}
	return names
}

// WaitStatus is how a process ended or changed state, encoded as wait(2)
// stores it.
type WaitStatus int

// Exited reports whether the process ended by itself, and its exit status.
func (w WaitStatus) Exited() (status int, ok bool) {
	return int(w>>8) & 0xff, w&0x7f == 0
}

// Killed reports whether a signal ended the process, and which.
func (w WaitStatus) Killed() (Signal, bool) {
	s := Signal(w & 0x7f)
	return s, s != 0 && s != 0x7f
}

// Stopped reports whether the process was stopped, and by which signal.
func (w WaitStatus) Stopped() (Signal, bool) {
	return Signal(w>>8) & 0xff, w&0xff == 0x7f
}

// Continued reports whether the process was resumed by SIGCONT.
func (w WaitStatus) Continued() bool { return w == 0xffff }

// String says it in words: "exited with status 0", "killed by signal 13 (SIGPIPE)".
func (w WaitStatus) String() string {
	if w.Continued() {
		return "continued"
	}
	if status, ok := w.Exited(); ok {
		return fmt.Sprintf("exited with status %d", status)
	}
	if s, ok := w.Killed(); ok {
		return fmt.Sprintf("killed by signal %d (%v)", int(s), s)
	}
	s, _ := w.Stopped()
	return fmt.Sprintf("stopped by signal %d (%v)", int(s), s)
}

// Addr is a socket address of any family (sockaddr(3type)).
type Addr struct {
	Family string `json:"family"`         // "AF_INET", "AF_INET6", "AF_UNIX", ...
	IP     string `json:"ip,omitempty"`   // AF_INET and AF_INET6
	Port   int    `json:"port,omitempty"` // in host order
	Path   string `json:"path,omitempty"` // AF_UNIX; "@name" is the abstract name space, "" is unnamed
	Raw    []byte `json:"raw,omitempty"`  // other families: the bytes
}

// String returns the address as people write it: "127.0.0.1:9876", "[::1]:9876",
// "unix:/run/s", "unix:@name".
func (a Addr) String() string {
	switch a.Family {
	case "AF_INET":
		return fmt.Sprintf("%s:%d", a.IP, a.Port)
	case "AF_INET6":
		return fmt.Sprintf("[%s]:%d", a.IP, a.Port)
	case "AF_UNIX":
		if a.Path == "" {
			return "unix:(unnamed)"
		}
		return "unix:" + Escape([]byte(a.Path))
	}
	return fmt.Sprintf("%s:%x", a.Family, a.Raw)
}

// Data is a payload: the bytes that were kept and the true length.
type Data struct {
	Bytes []byte `json:"bytes,omitempty"`
	Len   int    `json:"len"`
}

// Cut returns how many bytes of the payload were not kept.
func (d Data) Cut() int { return d.Len - len(d.Bytes) }

// String quotes the payload with every byte that is not plain text escaped, and
// says what was cut.
func (d Data) String() string {
	s := `"` + Escape(d.Bytes) + `"`
	if cut := d.Cut(); cut > 0 {
		s += fmt.Sprintf(" (%d of %d bytes kept)", len(d.Bytes), d.Len)
	}
	return s
}

// Escape makes foreign bytes safe for a terminal, a report or a log: printable
// ASCII stays, common controls become \n, \r, \t, everything else \xHH.
func Escape(b []byte) string {
	var out strings.Builder
	for _, c := range b {
		switch {
		case c == '\n':
			out.WriteString(`\n`)
		case c == '\r':
			out.WriteString(`\r`)
		case c == '\t':
			out.WriteString(`\t`)
		case c == '"' || c == '\\':
			out.WriteByte('\\')
			out.WriteByte(c)
		case c >= 0x20 && c < 0x7f:
			out.WriteByte(c)
		default:
			fmt.Fprintf(&out, `\x%02x`, c)
		}
	}
	return out.String()
}
