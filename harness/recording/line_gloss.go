package recording

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// callGloss explains a call to somebody who meets it for the first time.
func (r *Recording) callGloss(e *Event) string {
	c := e.Call
	switch {
	case c.Fate == Denied:
		return "no exercise needs this call; the kit's cage keeps it from happening"
	case c.Fate == Restarted:
		return "the program notices nothing of the signal here"
	case c.Fate == Unfinished:
		return ""
	case c.Errno != 0:
		return c.errorGloss()
	}
	if gloss, ok := glosses[c.Name]; ok {
		return gloss(r, e, c)
	}
	return ""
}

type glossFunc = func(r *Recording, e *Event, c *Call) string

// glosses explain calls that succeeded.
var glosses = makeGlosses()

func makeGlosses() map[string]glossFunc {
	always := func(text string) glossFunc { return func(*Recording, *Event, *Call) string { return text } }
	all := map[string]glossFunc{
		"socket": socketGloss, "bind": bindGloss, "listen": listenGloss, "accept": acceptGloss, "accept4": acceptGloss,
		"connect": always("the connection is there"), "shutdown": shutdownGloss, "setsockopt": optionGloss,
		"kill": killGloss, "tgkill": killGloss, "tkill": killGloss, "rt_sigqueueinfo": killGloss,
		"wait4": wait4Gloss, "waitid": waitidGloss, "rt_sigaction": actionGloss, "rt_sigprocmask": maskGloss, "close": closeGloss,
		"rt_sigtimedwait": always("the signal was waited for, no handler runs"),
		"setsid":          always("a session of its own, without a terminal"),
		"alarm":           always("SIGALRM comes when the time is over; 0 calls it off"),
		"pipe":            always("the first descriptor reads what the second is written"),
		"pipe2":           always("the first descriptor reads what the second is written"),
		"exit_group":      always("the process ends"),
		"restart_syscall": always("goes on with the sleep that was interrupted"),
	}
	for _, name := range reads {
		all[name] = readGloss
	}
	for _, name := range writes {
		all[name] = writeGloss
	}
	return all
}

// errnoGloss says in words what errors mean, where the call does not matter.
var errnoGloss = map[Errno]string{
	1:   "not permitted: it belongs to somebody else",
	3:   "there is no such process any more",
	9:   "this descriptor is not open",
	10:  "there is no child left to wait for",
	11:  "nothing is there yet, and the descriptor is set not to wait",
	13:  "permission denied",
	22:  "the kernel does not accept this argument",
	24:  "all descriptors are in use: something is not closed",
	32:  "the other side has closed, nobody reads this any more",
	88:  "this descriptor is not a socket",
	98:  "another socket has the port, or an old connection keeps it (TIME_WAIT)",
	99:  "this machine has no such address",
	104: "the other side has broken the connection off",
	107: "this socket is not connected",
	106: "this socket is connected already",
	110: "no answer in time",
	111: "nobody listens on this port",
	115: "the connection is being made in the background",
}

func (c *Call) errorGloss() string {
	switch {
	case c.Errno == eintr && strings.HasSuffix(c.Name, "nanosleep"):
		return "a signal ended the sleep" + c.left()
	case c.Errno == eintr:
		return "a signal came first; the program must call again if it wants to go on"
	case c.Errno == 22 && c.Name == "rt_sigaction":
		return "SIGKILL and SIGSTOP cannot be caught or ignored"
	}
	return errnoGloss[c.Errno]
}

// left says how much of a sleep a signal cut off.
func (c *Call) left() string {
	for _, name := range []string{"remain", "rem"} {
		if a := c.Arg(name); a != nil && a.Time != nil && !c.absolute() && *a.Time > 0 {
			return fmt.Sprintf(", %s early", measured(a.Time.Round(time.Millisecond)))
		}
	}
	return ""
}

func socketGloss(_ *Recording, _ *Event, c *Call) string {
	domain, kind := c.Arg("domain"), c.Arg("type")
	if domain == nil || kind == nil || !strings.HasPrefix(domain.Text, "AF_INET") {
		return ""
	}
	switch {
	case strings.HasPrefix(kind.Text, "SOCK_STREAM"):
		return "a TCP endpoint, not yet connected"
	case strings.HasPrefix(kind.Text, "SOCK_DGRAM"):
		return "a UDP endpoint: no connections, single messages"
	}
	return ""
}

func bindGloss(_ *Recording, _ *Event, c *Call) string {
	switch a := c.Addr(); {
	case a == nil || a.Port == 0:
		return ""
	case a.IP == "0.0.0.0" || a.IP == "::":
		return fmt.Sprintf("the socket gets port %d, on every address of the machine", a.Port)
	case a.IP == "127.0.0.1" || a.IP == "::1":
		return fmt.Sprintf("the socket gets port %d, for this machine only", a.Port)
	default:
		return fmt.Sprintf("the socket gets port %d of this address", a.Port)
	}
}

func listenGloss(_ *Recording, _ *Event, c *Call) string {
	backlog := c.Int("backlog")
	if backlog < 0 || backlog > 1<<20 {
		return "as long a queue as the system allows, for clients not yet accepted"
	}
	return fmt.Sprintf("queue of %d (%d fit) for clients not yet accepted", backlog, backlog+1)
}

func acceptGloss(_ *Recording, _ *Event, c *Call) string {
	return fmt.Sprintf("new descriptor %d; %d goes on listening", c.Result, c.Int("fd"))
}

func shutdownGloss(_ *Recording, _ *Event, c *Call) string {
	how := c.Arg("how")
	if how == nil {
		return ""
	}
	return map[string]string{
		"SHUT_WR": "says that it sends no more; it still reads", "SHUT_RD": "reads no more", "SHUT_RDWR": "neither sends nor reads any more",
	}[how.Text]
}

func optionGloss(_ *Recording, _ *Event, c *Call) string {
	name := c.Arg("optname")
	switch {
	case name == nil:
		return ""
	case name.Text == "SO_REUSEADDR" && c.Int("optval") != 0:
		return "the port may be taken again although old connections linger in TIME_WAIT"
	case name.Text == "SO_REUSEPORT" && c.Int("optval") != 0:
		return "several sockets may listen on the same port"
	case name.Text == "SO_LINGER":
		return "sets what close does with bytes not yet sent"
	case name.Text == "SO_RCVTIMEO":
		return "reads wait no longer than this"
	}
	return ""
}

func readGloss(_ *Recording, _ *Event, c *Call) string {
	if c.Result == 0 && c.wants() {
		if strings.HasPrefix(c.File(), "tty:") {
			return "end of the input (Ctrl+D)"
		}
		if strings.HasPrefix(c.File(), "pipe:") {
			return "everybody who could write has closed"
		}
		return "the other side has closed"
	}
	return ""
}

// wants reports whether a read had room for anything.
func (c *Call) wants() bool {
	for _, name := range []string{"count", "size"} {
		if a := c.Arg(name); a != nil {
			return a.Int > 0
		}
	}
	return true
}

func writeGloss(r *Recording, e *Event, c *Call) string {
	d := c.Data()
	switch {
	case d != nil && c.Result >= 0 && c.Result < int64(d.Len):
		return fmt.Sprintf("only %d of %s were taken: the rest must be written again", c.Result, bytesWord(d.Len))
	case c.File() == TerminalFile(r.SubjectOf(e)) && c.Int("fd") == 2:
		return "standard error: on the terminal"
	}
	return ""
}

func killGloss(r *Recording, e *Event, c *Call) string {
	pid, sig := c.Int("pid"), c.Arg("sig")
	if c.Name == "tgkill" {
		pid = c.Int("tgid")
	}
	switch {
	case sig == nil || c.Name == "tkill":
		return ""
	case sig.Int == 0:
		return "signal 0 sends nothing: it asks whether the process exists"
	}
	return fmt.Sprintf("sends %s to %s", sig.Text, r.addressee(e, int(pid)))
}

func wait4Gloss(r *Recording, e *Event, c *Call) string {
	a := c.Arg("wstatus")
	switch {
	case c.Result == 0:
		return "WNOHANG: no child has ended yet, and it does not wait"
	case a == nil || a.Status == nil:
		return "collects " + r.target(e, int(c.Result)) + "; how it ended was not asked for"
	}
	return r.collects(e, int(c.Result), *a.Status)
}

func waitidGloss(r *Recording, e *Event, c *Call) string {
	a := c.Arg("infop")
	if a == nil || a.Status == nil {
		return ""
	}
	if options := c.Arg("options"); options != nil && strings.Contains(options.Text, "WNOWAIT") {
		return "WNOWAIT: looks, and leaves it to be collected"
	}
	return r.collects(e, int(a.Int), *a.Status)
}

// collects says what a wait call brought.
func (r *Recording) collects(e *Event, pid int, status WaitStatus) string {
	_, stopped := status.Stopped()
	if stopped || status.Continued() {
		return fmt.Sprintf("learns of %s: %v", r.target(e, pid), status)
	}
	return fmt.Sprintf("collects %s: %v", r.target(e, pid), status)
}

func actionGloss(_ *Recording, _ *Event, c *Call) string {
	sig, act := c.Arg("sig"), c.Arg("act")
	switch {
	case sig == nil || act == nil:
		return ""
	case act.Action == nil:
		return "only asks what is in force"
	case act.Action.Handler == HandlerIgnore:
		return sig.Text + " has no effect from here on"
	case act.Action.Handler == HandlerDefault:
		return sig.Text + " has its default effect"
	case strings.Contains(act.Action.Flags, "SA_RESTART"):
		return "from here on " + sig.Text + " runs a function of the program; a call that it interrupts goes on"
	}
	return "from here on " + sig.Text + " runs a function of the program"
}

func maskGloss(_ *Recording, _ *Event, c *Call) string {
	how, set := c.Arg("how"), c.Arg("set")
	switch {
	case how == nil || set == nil || set.Set == nil:
		return "only asks what is held back"
	case how.Text == "SIG_BLOCK" && *set.Set != 0:
		return "these signals wait until they are let through again"
	case how.Text == "SIG_SETMASK" && *set.Set == 0:
		return "every signal is let through again"
	case how.Text == "SIG_UNBLOCK":
		return "these signals are let through again"
	}
	return ""
}

// dialled reports whether a connect call made a connection, or is making one.
func dialled(e *Event) bool { return e.Call.OK() || e.Call.Errno == einprogress }

const einprogress Errno = 115

func closeGloss(r *Recording, e *Event, c *Call) string {
	s := r.Endpoint(c.File())
	gloss := ""
	switch {
	case s == nil:
		return ""
	case len(s.Listens) > 0:
		gloss = "stops listening"
	case s.Accepted != nil || slices.ContainsFunc(s.Dials, dialled):
		gloss = "ends the connection"
	default:
		return ""
	}
	if first := r.Process(r.SubjectOf(e)); first != nil && len(first.Children) > 0 {
		gloss += ", unless another process has it open"
	}
	return gloss
}
