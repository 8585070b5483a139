package recording

import (
	"fmt"
	"hash/crc32"
	"slices"
	"strconv"
	"strings"
)

// call is a call in the notation of C, with names for processArgs.
func (n *names) call(e *Event) string {
	c := e.Call
	var args []string
	for i := range c.Args {
		if text := n.arg(e, &c.Args[i]); text != "" {
			args = append(args, c.Args[i].Name+" "+text)
		}
	}
	return c.Name + "(" + strings.Join(args, ", ") + ")" + n.outcome(e)
}

// shortCall is a call without what other strands tell.
func (n *names) shortCall(e *Event) string {
	if a := e.Call.Addr(); a != nil && !e.Call.Args[len(e.Call.Args)-1].Out {
		return e.Call.Name + " " + n.address(a) + n.outcome(e)
	}
	return e.Call.Name + n.outcome(e)
}

func (n *names) outcome(e *Event) string {
	c := e.Call
	switch {
	case c.Fate == Restarted:
		return ", begun anew"
	case c.Fate == Unfinished && ends(c.Name):
		return ""
	case c.Fate == Unfinished:
		return ", never returned"
	case c.Fate == Denied:
		return " = refused with " + c.Errno.Name()
	case c.Errno != 0:
		return " = " + c.Errno.Name()
	}
	return " = " + n.result(e)
}

// numbering are the calls that return the number of a process.
var numbering = []string{"fork", "vfork", "clone", "clone3", "wait4", "setsid"}

func (n *names) result(e *Event) string {
	c := e.Call
	switch {
	case c.New != "" && copies(c):
		return n.label(e.PID, int(c.Int("fd")), c.New)
	case c.New != "":
		delete(n.labels[e.PID], int(c.Result))
		return n.label(e.PID, int(c.Result), c.New)
	case slices.Contains(numbering, c.Name):
		return n.number(c.Result)
	case c.Name == "rt_sigtimedwait":
		return Signal(c.Result).String()
	}
	return strconv.FormatInt(c.Result, 10)
}

// processArgs are the arguments that are the number of a process, thread or group.
var processArgs = []string{"pid", "tid", "tgid", "pgid", "id"}

// descriptors are the arguments that list descriptors.
var descriptors = []string{"fds", "sv", "pipefd", "ready", "ready_writing", "ready_except", "readfds", "writefds", "exceptfds", "passed", "closed", "pidfd"}

// arg returns "" for an argument that there is nothing to say about.
func (n *names) arg(e *Event, a *Arg) string {
	var parts []string
	add := func(text string) { parts = append(parts, text) }
	switch {
	case a.Addr != nil:
		add(n.address(a.Addr))
	case a.Action != nil:
		add(strings.TrimSpace(a.Action.Handler + " " + a.Action.Flags))
		if a.Action.Mask != 0 {
			add(a.Action.Mask.String())
		}
	case a.Set != nil:
		add(a.Set.String())
	case a.Time != nil:
		add(n.time(e.Call, a))
	case slices.Contains(descriptors, a.Name) && len(a.Numbers) == 0:
	case slices.Contains(descriptors, a.Name):
		add(n.list(e, a))
	case a.Data == nil && a.Status == nil:
		add(n.plain(e, a))
	}
	if a.Data != nil {
		add(payloadOf(e.Call, a.Data))
	}
	if a.Status != nil {
		add(n.status(a))
	}
	return strings.Join(parts, " ")
}

func (n *names) status(a *Arg) string {
	if a.Int != 0 {
		return n.number(a.Int) + " " + a.Status.String()
	}
	return a.Status.String()
}

func (n *names) plain(e *Event, a *Arg) string {
	switch {
	case a.File != "":
		return strings.TrimSpace(n.label(e.PID, int(a.Int), a.File) + " " + a.Stream)
	case slices.Contains(processArgs, a.Name):
		return n.ofProcess(e, a)
	case a.Name == "info" && a.Out:
		return n.taken(a)
	case a.Text != "":
		return Escape([]byte(a.Text))
	case len(a.Numbers) > 0:
		return fmt.Sprint(a.Numbers)
	case a.Out && a.Int == 0:
		return ""
	}
	return strconv.FormatInt(a.Int, 10)
}

// taken is a signal that was waited for.
func (n *names) taken(a *Arg) string {
	if a.Text == "" {
		return ""
	}
	text := a.Text + " from " + n.number(a.Int)
	if len(a.Numbers) > 0 {
		text += fmt.Sprint(" with value ", a.Numbers[0])
	}
	return text
}

// ofProcess names a process, or with P_PIDFD the descriptor that stands for one.
func (n *names) ofProcess(e *Event, a *Arg) string {
	if kind := e.Call.Arg("idtype"); kind != nil && kind.Text == "P_PIDFD" {
		if name, ok := n.labels[e.PID][int(a.Int)]; ok {
			return name
		}
		return strconv.FormatInt(a.Int, 10)
	}
	return n.number(a.Int)
}

// time keeps what a program asked for; a point in time, and what was left of a
// time, differ.
func (n *names) time(c *Call, a *Arg) string {
	flags := c.Arg("flags")
	if a.Out || flags != nil && strings.Contains(flags.Text, "TIMER_ABSTIME") {
		return "a time"
	}
	return a.Time.String()
}

// list names descriptors; those that a call opened have their files in Text.
func (n *names) list(e *Event, a *Arg) string {
	files := strings.Fields(a.Text)
	var all []string
	for i, fd := range a.Numbers {
		name, known := n.labels[e.PID][fd]
		switch {
		case i < len(files):
			delete(n.labels[e.PID], fd)
			name = n.label(e.PID, fd, files[i])
		case !known:
			name = strconv.Itoa(fd)
		}
		all = append(all, name)
	}
	return "[" + strings.Join(all, ", ") + "]"
}

// longest is how many bytes of a payload are written out; the rest is told by a
// checksum.
const longestPayload = 200

func payloadOf(c *Call, d *Data) string {
	if strings.Contains(c.File(), "signalfd") { // holds processArgs of processes
		return fmt.Sprintf("%d bytes", d.Len)
	}
	text := `"` + Escape(d.Bytes[:min(len(d.Bytes), longestPayload)]) + `"`
	if len(d.Bytes) > longestPayload {
		text += fmt.Sprintf("... (checksum %08x)", crc32.ChecksumIEEE(d.Bytes))
	}
	if d.Len != len(d.Bytes) {
		text += fmt.Sprintf(" (%d of %d bytes)", len(d.Bytes), d.Len)
	}
	return text
}
