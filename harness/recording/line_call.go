package recording

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// longEnough is how long a call must take for its length to be told.
const longEnough = 10 * time.Millisecond

// callText writes a call as C would, with what it returned and how long it took
// where that can be noticed.
func (r *Recording) callText(e *Event) string {
	text := e.Call.entry(true) + r.outcome(e)
	if lasted := e.At - e.Call.Began; lasted >= longEnough && e.Call.Fate != Denied {
		text += ", after " + measured(lasted)
	}
	return text
}

// entry writes the call itself; what the kernel fills in only when done is set.
func (c *Call) entry(done bool) string {
	var args []string
	for i := range c.Args {
		if hidden[c.Name][c.Args[i].Name] {
			continue
		}
		if text := c.argText(&c.Args[i], done); text != "" {
			args = append(args, text)
		}
	}
	return c.Name + "(" + strings.Join(args, ", ") + ")"
}

// outcome writes what became of the call.
func (r *Recording) outcome(e *Event) string {
	c := e.Call
	switch {
	case c.Fate == Denied:
		return fmt.Sprintf(" = -1 %v: refused by the cage", c.Errno)
	case c.Fate == Restarted:
		return " ... interrupted, and begun anew by the kernel"
	case c.Fate == Unfinished && ends(c.Name):
		return ""
	case c.Fate == Unfinished && r.over(e):
		return " ... still in it when the recording ended"
	case c.Fate == Unfinished:
		return " ... never returns: it ends in this call"
	case c.Errno == eintr:
		return " ... interrupted: EINTR"
	case c.Errno != 0:
		return " = -1 " + c.Errno.String()
	}
	return " = " + strconv.FormatInt(c.Result, 10)
}

const eintr Errno = 4

// ends reports whether a call of that name ends the caller.
func ends(name string) bool { return name == "exit" || name == "exit_group" }

// over reports whether the event lies behind the end of the script.
func (r *Recording) over(e *Event) bool {
	m := r.end()
	return m != nil && m.Seq < e.Seq
}

// end returns the mark of the script's end, or nil. It is among the last events.
func (r *Recording) end() *Event {
	for i := len(r.Events) - 1; i >= 0; i-- {
		if m := r.Events[i].Mark; m != nil && m.Name == endMark {
			return &r.Events[i]
		}
	}
	return nil
}

// hidden are arguments that say nothing to a reader of the call.
var hidden = map[string]map[string]bool{
	"clock_nanosleep": {"clockid": true, "remain": true},
	"nanosleep":       {"rem": true},
	"rt_sigprocmask":  {"oldset": true},
	"epoll_wait":      {"maxevents": true},
	"epoll_pwait":     {"sigmask": true, "maxevents": true},
	"epoll_pwait2":    {"sigmask": true, "maxevents": true},
	"ppoll":           {"sigmask": true, "nfds": true},
	"poll":            {"nfds": true},
}

// argText writes one argument; "" leaves it out.
func (c *Call) argText(a *Arg, done bool) string {
	switch {
	case a.Out && (!done || a.empty()):
		return placeholder[a.Name]
	case a.Name == "oldact" && c.Arg("act") != nil && c.Arg("act").Action != nil:
		return ""
	case a.Name == "infop" && a.Status != nil:
		return fmt.Sprintf("process %d %v", a.Int, *a.Status)
	case a.Name == "t" && c.absolute():
		return "until a set time"
	case a.Name == "flags" && c.absolute():
		return ""
	}
	if text, ok := a.value(); ok {
		return text
	}
	return a.number()
}

// placeholder stands for what the kernel has not filled in.
var placeholder = map[string]string{"buf": "buf", "iov": "iov", "msg": "msg", "msgvec": "msgvec"}

func (a *Arg) empty() bool {
	return a.Text == "" && a.Addr == nil && a.Data == nil && a.Set == nil && a.Status == nil && a.Action == nil && a.Time == nil &&
		len(a.Numbers) == 0 && a.Int == 0
}

// setText lists a set of signals.
func setText(set SignalSet) string {
	if ^set == 0 {
		return "every signal"
	}
	return set.String()
}

// absolute reports whether a sleep is until a time of the clock, whose number
// says nothing.
func (c *Call) absolute() bool {
	flags := c.Arg("flags")
	return flags != nil && strings.Contains(flags.Text, "TIMER_ABSTIME")
}

// value writes what an argument stands for, where it is more than a number.
func (a *Arg) value() (string, bool) {
	switch {
	case a.Data != nil:
		return payload(a.Data), true
	case a.Addr != nil:
		return a.Addr.String(), true
	case a.Status != nil:
		return a.Status.String(), true
	case a.Action != nil:
		return a.Action.text(), true
	case a.Set != nil:
		return setText(*a.Set), true
	case a.Time != nil:
		return timeText(a), true
	case len(a.Numbers) > 0:
		return numbers(a.Numbers), true
	}
	return "", false
}

func timeText(a *Arg) string {
	if *a.Time < 0 {
		return "no limit"
	}
	return asked(*a.Time)
}

func numbers(all []int) string {
	const most = 16
	text := strings.Trim(fmt.Sprint(all[:min(len(all), most)]), "[]")
	if more := len(all) - most; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return "[" + text + "]"
}

// optional arguments are left out where they are 0 or NULL.
var optional = []string{"flags", "options", "dest_addr", "src_addr", "oldact", "sigmask", "addr"}

// null are pointers, whose absence C writes as NULL.
var null = []string{"act", "set", "timeout", "infop", "event", "new_value"}

// number writes an argument that is a name or a plain number.
func (a *Arg) number() string {
	switch {
	case a.Name == "path":
		return quote(a.Text)
	case a.Text != "" && len(a.Text) <= shownPath:
		return a.Text
	case a.Int != 0:
	case slices.Contains(optional, a.Name):
		return ""
	case slices.Contains(null, a.Name):
		return "NULL"
	}
	return strconv.FormatInt(a.Int, 10)
}

// text writes a disposition: "handler, SA_RESTART, holding back
// {SIGINT}".
func (a *Action) text() string {
	parts := []string{a.Handler}
	if flags := strings.Trim(strings.ReplaceAll(a.Flags, "SA_RESTORER", ""), "|"); flags != "" {
		parts = append(parts, flags)
	}
	if a.Mask != 0 {
		parts = append(parts, "holding back "+setText(a.Mask))
	}
	return strings.Join(parts, ", ")
}
