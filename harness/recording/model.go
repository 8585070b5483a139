package recording

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// Process is the life of one process of the recording.
type Process struct {
	PID     int
	Subject string // the subject that it belongs to, through its ancestors
	Name    string // by creation path: "server", "server.1" for its first child, "server.1.2"
	Parent  *Process
	// Born is the event of its creation; of a subject's first process, of its exec.
	Born      *Event
	Execs     []*Event
	Children  []*Process
	End       *Event // exit, or nil
	Collected *Event // the wait call that returned its status to a process of the program, or nil
	Threads   int    // threads created beside the first
}

// Alive reports whether the process had not ended when the recording did.
func (p *Process) Alive() bool { return p.End == nil }

// Tree returns the process and all its descendants, parents first.
func (p *Process) Tree() []*Process { return p.appendTree(nil) }

func (p *Process) appendTree(all []*Process) []*Process {
	all = append(all, p)
	for _, c := range p.Children {
		all = c.appendTree(all)
	}
	return all
}

// Endpoint is one socket of the programs, by whichever descriptors and
// processes it was used.
type Endpoint struct {
	File     string // as in Arg.File
	Created  *Event // socket(2), or nil where it came from accept
	Accepted *Event // the accept call that made it, or nil
	Listener *Endpoint
	Bound    *Event   // the bind call that succeeded
	Listens  []*Event // listen calls that succeeded
	Accepts  []*Event // accept calls on it, failed ones and unfinished ones too
	Dials    []*Event // connect calls
	Reads    []*Event
	Writes   []*Event
	Shuts    []*Event // shutdown calls
	Closes   []*Event
}

type model struct {
	processes []*Process
	byPID     map[int]*Process // the latest of that number
	endpoints []*Endpoint
	byFile    map[string]*Endpoint
}

func (r *Recording) load() *model {
	r.once.Do(func() {
		r.model = &model{byPID: map[int]*Process{}, byFile: map[string]*Endpoint{}}
		for i := range r.Events {
			r.model.add(&r.Events[i])
		}
	})
	return r.model
}

func (m *model) add(e *Event) {
	switch e.Kind {
	case KindExec:
		m.exec(e)
	case KindSpawn:
		m.spawn(e)
	case KindExit:
		if p := m.byPID[e.PID]; p != nil && e.TID == 0 {
			p.End = e
		}
	case KindCall:
		m.collect(e)
		m.socket(e)
	}
}

func (m *model) exec(e *Event) {
	if e.Exec.Subject != "" {
		p := &Process{PID: e.PID, Subject: e.Exec.Subject, Name: e.Exec.Subject, Born: e}
		m.processes = append(m.processes, p)
		m.byPID[e.PID] = p
	}
	if p := m.byPID[e.PID]; p != nil {
		p.Execs = append(p.Execs, e)
	}
}

// maxName bounds the names of processes: in a long chain of forks each holds all
// before it.
const maxName = 1000

func (m *model) spawn(e *Event) {
	parent := m.byPID[e.PID]
	if parent == nil {
		return
	}
	if e.Spawn.How == ByThread {
		parent.Threads++
		return
	}
	child := &Process{
		PID: e.Spawn.Child, Subject: parent.Subject, Parent: parent, Born: e,
		Name: fmt.Sprintf("%s.%d", parent.Name, len(parent.Children)+1),
	}
	if len(child.Name) > maxName {
		child.Name = fmt.Sprintf("%s...%d", parent.Subject, child.PID)
	}
	parent.Children = append(parent.Children, child)
	m.processes = append(m.processes, child)
	m.byPID[child.PID] = child
}

// collect notes which process a wait call took out of the process table.
func (m *model) collect(e *Event) {
	if !e.Call.OK() {
		return
	}
	pid, status := waited(e.Call)
	p := m.byPID[pid]
	if p == nil {
		return
	}
	if status == nil { // wait(NULL) tells nobody the status, but takes the process away
		if p.End != nil || !asksForStops(e.Call) {
			p.Collected = e
		}
		return
	}
	_, exited := status.Exited()
	_, killed := status.Killed()
	if exited || killed {
		p.Collected = e
	}
}

// asksForStops reports whether a wait call may return for a child that has not
// ended.
func asksForStops(c *Call) bool {
	options := c.Arg("options")
	return options != nil && (strings.Contains(options.Text, "WUNTRACED") ||
		strings.Contains(options.Text, "WSTOPPED") || strings.Contains(options.Text, "WCONTINUED"))
}

// waited returns the process whose status a wait call returned and collected.
func waited(c *Call) (pid int, status *WaitStatus) {
	switch c.Name {
	case "wait4", "waitpid":
		if a := c.Arg("wstatus"); a != nil {
			return int(c.Result), a.Status
		}
		return int(c.Result), nil
	case "waitid":
		options := c.Arg("options")
		if a := c.Arg("infop"); a != nil && (options == nil || !strings.Contains(options.Text, "WNOWAIT")) {
			return int(a.Int), a.Status
		}
	}
	return 0, nil
}

func (m *model) endpoint(file string) *Endpoint {
	if !strings.HasPrefix(file, "socket:") {
		return nil
	}
	s := m.byFile[file]
	if s == nil {
		s = &Endpoint{File: file}
		m.byFile[file] = s
		m.endpoints = append(m.endpoints, s)
	}
	return s
}

func (m *model) socket(e *Event) {
	c := e.Call
	if c.Name == "socket" && c.New != "" {
		if s := m.endpoint(c.New); s != nil {
			s.Created = e
		}
		return
	}
	s := m.endpoint(c.File())
	if s == nil {
		return
	}
	switch {
	case c.Name == "bind" && c.OK():
		s.Bound = e
	case c.Name == "listen" && c.OK():
		s.Listens = append(s.Listens, e)
	case c.Name == "accept" || c.Name == "accept4":
		m.accept(s, e)
	case c.Name == "connect":
		s.Dials = append(s.Dials, e)
	case IsRead(c.Name):
		s.Reads = append(s.Reads, e)
	case IsWrite(c.Name):
		s.Writes = append(s.Writes, e)
	case c.Name == "shutdown":
		s.Shuts = append(s.Shuts, e)
	case c.Name == "close":
		s.Closes = append(s.Closes, e)
	}
}

func (m *model) accept(listener *Endpoint, e *Event) {
	listener.Accepts = append(listener.Accepts, e)
	if made := m.endpoint(e.Call.New); made != nil && e.Call.OK() {
		made.Accepted, made.Listener = e, listener
	}
}

var reads = []string{"read", "readv", "pread64", "preadv", "preadv2", "recvfrom", "recvmsg", "recvmmsg"}

var writes = []string{"write", "writev", "pwrite64", "pwritev", "pwritev2", "sendto", "sendmsg", "sendmmsg", "sendfile", "splice"}

// IsRead reports whether a call of that name takes bytes from a descriptor.
func IsRead(name string) bool { return slices.Contains(reads, name) }

// IsWrite reports whether a call of that name puts bytes into a descriptor.
func IsWrite(name string) bool { return slices.Contains(writes, name) }

// Processes returns all processes of the programs, in order of their birth.
func (r *Recording) Processes() []*Process { return r.load().processes }

// Process returns the first process of the subject with that name, or nil.
func (r *Recording) Process(subject string) *Process {
	for _, p := range r.Processes() {
		if p.Name == subject {
			return p
		}
	}
	return nil
}

// ByPID returns the process with that number, or nil.
func (r *Recording) ByPID(pid int) *Process { return r.load().byPID[pid] }

// Endpoints returns the sockets that the programs used, in order of appearance.
func (r *Recording) Endpoints() []*Endpoint { return r.load().endpoints }

// Endpoint returns the socket under the name that calls use, or nil.
func (r *Recording) Endpoint(file string) *Endpoint { return r.load().byFile[file] }

// Calls returns the subject's calls of any of the names, all calls if no name
// is given.
func (r *Recording) Calls(subject string, names ...string) []*Event {
	return r.Select(func(e *Event) bool {
		return e.Call != nil && r.SubjectOf(e) == subject && (len(names) == 0 || slices.Contains(names, e.Call.Name))
	})
}

// Select returns the events for which keep holds.
func (r *Recording) Select(keep func(*Event) bool) []*Event {
	var kept []*Event
	for i := range r.Events {
		if keep(&r.Events[i]) {
			kept = append(kept, &r.Events[i])
		}
	}
	return kept
}

// SubjectOf returns the name of the subject whose process the event is about,
// or "".
func (r *Recording) SubjectOf(e *Event) string {
	if p := r.load().byPID[e.PID]; p != nil {
		return p.Subject
	}
	return ""
}

// Between reports whether e lies between two marks; an empty name is open.
func (r *Recording) Between(e *Event, from, to string) bool {
	if m := r.Mark(from); from != "" && (m == nil || e.Seq < m.Seq) {
		return false
	}
	m := r.Mark(to)
	return to == "" || m == nil || e.Seq < m.Seq
}

// Peers returns what our side did and saw under that name, in order; all of it
// when the name is empty.
func (r *Recording) Peers(name string, acts ...Act) []*Event {
	return r.Select(func(e *Event) bool {
		return e.Peer != nil && (name == "" || e.Peer.Name == name) && (len(acts) == 0 || slices.Contains(acts, e.Peer.Act))
	})
}

// Terminal returns the text that arrived at the subject's terminal, with the
// terminal's CR LF folded to LF (termios(3), ONLCR).
func (r *Recording) Terminal(subject string) []byte {
	var all []byte
	for i := range r.Events {
		if o := r.Events[i].Output; o != nil && o.Subject == subject {
			all = append(all, o.Data.Bytes...)
		}
	}
	return bytes.ReplaceAll(all, []byte("\r\n"), []byte("\n"))
}

// Writes returns the subject's writes to its terminal through the stream, by any
// of its processes and by copies of the descriptor too.
func (r *Recording) Writes(subject, stream string) []*Event {
	return r.Select(func(e *Event) bool {
		if e.Call == nil || !e.Call.OK() || !IsWrite(e.Call.Name) || r.SubjectOf(e) != subject {
			return false
		}
		fd := e.Call.Arg("fd")
		return fd != nil && fd.File == TerminalFile(subject) && fd.Stream == stream
	})
}

// Bytes joins the payloads of events that carry one.
func Bytes(events []*Event) []byte {
	var all []byte
	for _, e := range events {
		switch {
		case e.Call != nil && e.Call.Data() != nil:
			all = append(all, e.Call.Data().Bytes...)
		case e.Peer != nil && e.Peer.Data != nil:
			all = append(all, e.Peer.Data.Bytes...)
		case e.Output != nil:
			all = append(all, e.Output.Data.Bytes...)
		}
	}
	return all
}
