package recording

import (
	"fmt"
	"strconv"
	"strings"
)

// who names the actor of the event.
func (r *Recording) who(e *Event) string {
	switch {
	case e.Peer != nil:
		return e.Peer.Name
	case e.Mark != nil:
		return "scenario"
	case e.Note != nil:
		return "recorder"
	case e.Sockets != nil:
		return "kernel"
	case e.Output != nil:
		return e.Output.Subject
	}
	name := r.processName(e.PID, e.Seq)
	if e.TID != 0 && e.Exit == nil {
		name += fmt.Sprintf(" thread %d", e.TID)
	}
	return name
}

// process returns the process that the event is about, or nil.
func (r *Recording) process(e *Event) *Process { return r.processAt(e.PID, e.Seq) }

// processAt returns the process that had the number when event seq was seen:
// numbers are used again.
func (r *Recording) processAt(pid, seq int) *Process {
	latest := r.ByPID(pid)
	if latest == nil || latest.Born.Seq <= seq {
		return latest
	}
	for _, p := range r.Processes() {
		if p.PID == pid && p.Born.Seq <= seq {
			latest = p
		}
	}
	return latest
}

// deep is the generation from which on a process is named by its number.
const deep = 3

// processName names a process by its place in the family: "server", "server
// child 1"; the shutdown program has a "parent" and a "child".
func (r *Recording) processName(pid, seq int) string {
	p := r.processAt(pid, seq)
	switch {
	case pid == 0:
		return "kit"
	case p == nil:
		return "process " + strconv.Itoa(pid)
	case r.isShutdown(p.Subject):
		return p.familyName()
	case p.Parent == nil:
		return p.Name
	}
	path := strings.TrimPrefix(p.Name, p.Subject+".")
	if strings.Count(path, ".") >= deep {
		return fmt.Sprintf("%s descendant %d", p.Subject, p.PID)
	}
	return p.Subject + " child " + path
}

// isShutdown reports whether the subject plays the role of the shutdown program.
func (r *Recording) isShutdown(subject string) bool {
	for _, s := range r.Header.Subjects {
		if s.Name == subject {
			return s.Role == "shutdown"
		}
	}
	return subject == "shutdown"
}

// familyName is "parent", "child", "child 2", "grandchild", "descendant 31".
func (p *Process) familyName() string {
	path := strings.Split(p.Name, ".")[1:]
	switch len(path) {
	case 0:
		return "parent"
	case 1:
		return numbered("child", p)
	case 2:
		return numbered("grandchild", p)
	}
	return "descendant " + strconv.Itoa(p.PID)
}

// numbered adds the number among the siblings where there are several.
func numbered(word string, p *Process) string {
	if len(p.Parent.Children) == 1 {
		return word
	}
	return word + " " + p.Name[strings.LastIndexByte(p.Name, '.')+1:]
}

// kitPID is the kit's number inside the cage: it is the first process there.
const kitPID = 1

// target names a process in a sentence of the event's actor: "the child",
// "itself", "process 99".
func (r *Recording) target(e *Event, pid int) string {
	switch p := r.processAt(pid, e.Seq); {
	case pid == e.PID && pid != 0:
		return "itself"
	case p == nil && pid == kitPID:
		return "the kit"
	case p == nil:
		return fmt.Sprintf("process %d", pid)
	}
	return "the " + r.processName(pid, e.Seq)
}

// withNumber is target with the number beside the name: "the parent (process 7)".
func (r *Recording) withNumber(e *Event, pid int) string {
	name := r.target(e, pid)
	if name == "itself" || r.processAt(pid, e.Seq) == nil {
		return name
	}
	return fmt.Sprintf("%s (process %d)", name, pid)
}

// addressee names what the first argument of kill(2) means.
func (r *Recording) addressee(e *Event, pid int) string {
	switch {
	case pid == 0:
		return "every process of its group"
	case pid == -1:
		return "every process that it may signal"
	case pid < -1:
		return fmt.Sprintf("every process of group %d", -pid)
	}
	return r.target(e, pid)
}
