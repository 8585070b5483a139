package recording

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Normal is a recording without what differs from one run of a program to the
// next: processes are named by how they came to be, descriptors by the order in
// which they were opened, and times, ports that the kernel chose, pointers and
// inode numbers are gone. Two runs of the same program have equal normal forms,
// as far as that can be said:
//
//   - Threads is for programs whose threads each do the same in every run, as
//     those in C and in Python do.
//   - Files and Lives are for those with a runtime that hands work from thread to
//     thread, as Go, Java and Node have it: what happened on each socket, pipe
//     and terminal, and in the life of each process.
//
// There is no order between strands: which of two processes was first is not
// the program's to decide.
type Normal struct {
	Threads []Strand
	Files   []Strand
	Lives   []Strand
}

// Strand is what happened in one place, in order.
type Strand struct {
	Name  string // "server", "server.1" for its first child, "server/1" for its first thread; "server socket#2"
	Lines []string
}

// Normalize returns the normal form of a recording.
func Normalize(r *Recording) *Normal {
	n := &normalizer{names: newNames(r), threads: strands{}, files: strands{}, lives: strands{}, users: map[string]map[string]bool{}, anew: map[string]string{}}
	for i := range r.Events {
		n.add(&r.Events[i])
	}
	n.dropPrivate()
	return &Normal{n.threads.sorted(), n.files.sorted(), n.lives.sorted()}
}

// String returns the strands of threads as text, one event a line.
func (n *Normal) String() string {
	var out strings.Builder
	for _, s := range n.Threads {
		fmt.Fprintf(&out, "%s\n", s.Name)
		for _, line := range s.Lines {
			fmt.Fprintf(&out, "    %s\n", line)
		}
	}
	return out.String()
}

type strands map[string][]string

func (s strands) add(name, line string) { s[name] = append(s[name], line) }

func (s strands) sorted() []Strand {
	all := make([]Strand, 0, len(s))
	for _, name := range slices.Sorted(maps.Keys(s)) {
		all = append(all, Strand{name, s[name]})
	}
	return all
}

// normalizer reads a recording from its beginning to its end.
type normalizer struct {
	names                 *names
	threads, files, lives strands
	users                 map[string]map[string]bool // processes by file
	over                  bool                       // the script has ended
	anew                  map[string]string          // the call that was begun anew, by thread
}

func (n *normalizer) add(e *Event) {
	switch {
	case e.Exec != nil:
		n.exec(e)
	case e.Spawn != nil:
		n.spawn(e)
	case e.Call != nil:
		n.call(e)
	case e.Signal != nil:
		n.signal(e)
	case e.Stop != nil:
		n.life(e, normalStop(e.Stop.Signal))
	case e.Exit != nil:
		n.exit(e)
	case e.State != nil && e.State.State == "Z":
		n.threads.add(n.names.task(e), "zombie: "+e.State.Why)
	case e.State != nil && (e.State.Why == WhyBlocked || e.State.Why == WhyPending):
		n.threads.add(n.names.task(e), fmt.Sprintf("%s: pending %v", e.State.Why, e.State.Pending))
	default:
		n.outside(e)
	}
}

// outside is what happened outside of the programs.
func (n *normalizer) outside(e *Event) {
	switch {
	case e.Note != nil:
		n.threads.add("kit", "note: "+e.Note.Topic)
	case e.Mark != nil:
		n.over = n.over || e.Mark.Name == endMark
	case e.Output != nil:
		n.transfer("terminal of "+e.Output.Subject, "shows", &e.Output.Data)
	case e.Peer != nil && e.Peer.Data != nil:
		n.transfer(e.Peer.Name, string(e.Peer.Act), e.Peer.Data)
	case e.Peer != nil:
		n.files.add(e.Peer.Name, string(e.Peer.Act)+normalErrno(e.Peer.Errno))
	}
}

// transfer adds bytes to a file's strand, to the line before where that goes the
// same way: where one transfer ends and the next begins is chance.
func (n *normalizer) transfer(file, way string, d *Data) {
	if d.Len == 0 {
		n.files.add(file, way+" nothing")
		return
	}
	lines := n.files[file]
	text := way + ` "` + Escape(d.Bytes) + `"`
	if last := len(lines) - 1; last >= 0 && strings.HasPrefix(lines[last], way+` "`) {
		lines[last] = strings.TrimSuffix(lines[last], `"`) + Escape(d.Bytes) + `"`
		return
	}
	n.files.add(file, text)
}

// dropPrivate drops the pipes that one process only has used: runtimes wake
// their threads through such.
func (n *normalizer) dropPrivate() {
	maps.DeleteFunc(n.files, func(file string, _ []string) bool {
		return strings.Contains(file, pipeKind+"#") && len(n.users[file]) < 2
	})
}

func (n *normalizer) life(e *Event, line string) {
	n.threads.add(n.names.task(e), line)
	n.lives.add(n.names.process(e.PID), line)
}

func (n *normalizer) exec(e *Event) {
	if e.Exec.Subject != "" {
		n.names.begin(e.PID, e.Exec.Subject)
		n.life(e, "begins")
		return
	}
	line := fmt.Sprintf("becomes %s %s", Escape([]byte(e.Exec.Path)), quoteAll(e.Exec.Argv))
	if e.Exec.Former != 0 {
		line += " in " + n.names.thread(e.Exec.Former)
	}
	n.life(e, line)
}

func (n *normalizer) spawn(e *Event) {
	line := e.Spawn.How + " of "
	if e.Spawn.How == ByThread {
		line += n.names.addThread(e.PID, e.Spawn.Child)
		n.threads.add(n.names.task(e), line)
		return
	}
	line += n.names.addProcess(e.PID, e.Spawn.Child)
	n.life(e, line)
}

func (n *normalizer) exit(e *Event) {
	line := "ends: " + e.Exit.Status.String()
	if e.TID != 0 {
		n.threads.add(n.names.task(e), line)
		return
	}
	n.life(e, line)
}

// signal leaves out those that are ignored anyway, where a program without
// handler is interrupted or not by chance: SIGCHLD, and Go's SIGURG.
func (n *normalizer) signal(e *Event) {
	s := e.Signal
	if s.Signal == SIGCHLD && s.Fate == FateIgnored || s.Signal == sigurg {
		return
	}
	line := fmt.Sprintf("%v (%s)", s.Signal, s.CodeName)
	if s.Sender != 0 {
		line += " from " + n.names.process(s.Sender)
	}
	if s.Status != nil {
		line += " which " + s.Status.String()
	}
	if s.Value != 0 {
		line += fmt.Sprintf(" with value %d", s.Value)
	}
	line += ": " + s.Fate
	if s.Fate == FateHandled {
		n.begunAnew(n.names.task(e))
	}
	n.threads.add(n.names.task(e), line)
	if s.Sender != e.PID && s.Signal != SIGCHLD {
		n.lives.add(n.names.process(e.PID), line)
	}
}

func normalStop(s Signal) string {
	if s == SIGCONT {
		return "goes on"
	}
	return "stopped by " + s.String()
}

func normalErrno(e Errno) string {
	if e == 0 {
		return ""
	}
	return " " + e.Name()
}

func (n *normalizer) call(e *Event) {
	c := e.Call
	if n.over && c.Fate != Unfinished {
		return
	}
	text, task := n.names.call(e), n.names.task(e)
	if c.Name == "restart_syscall" {
		n.begunAnew(task)
	}
	if delete(n.anew, task); c.Fate == Restarted {
		n.anew[task] = text
	} else {
		n.threads.add(task, text)
	}
	if file := c.File(); file != "" {
		n.onFile(e, n.names.label(e.PID, int(c.Int("fd")), file))
	}
	if slices.Contains(collecting, c.Name) && c.OK() {
		n.lives.add(n.names.process(e.PID), text)
	}
	n.names.learn(e)
}

// begunAnew adds the call that was begun anew, where that can be seen by the
// program: a handler ran, or another call goes on with it. Whether a signal that
// is ignored finds the program in a call or before it is chance.
func (n *normalizer) begunAnew(task string) {
	if text, ok := n.anew[task]; ok {
		n.threads.add(task, text)
		delete(n.anew, task)
	}
}

var collecting = []string{"wait4", "waitid"}

// acts are the calls that say how a socket is used.
var acts = []string{"bind", "listen", "connect", "accept", "accept4", "shutdown", "close"}

// onFile adds a call to the strand of its descriptor. What found nothing, or was
// begun anew, is the runtime's business.
func (n *normalizer) onFile(e *Event, file string) {
	c := e.Call
	if c.Errno == eagain || c.Fate != Returned || !communicating(c.File()) {
		return
	}
	if n.users[file] == nil {
		n.users[file] = map[string]bool{}
	}
	n.users[file][n.names.process(e.PID)] = true
	switch {
	case c.Errno == 0 && c.Data() != nil && IsRead(c.Name):
		n.transfer(file, "in", c.Data().first(c.Result))
	case c.Errno == 0 && c.Data() != nil && IsWrite(c.Name):
		n.transfer(file, "out", c.Data().first(c.Result))
	case slices.Contains(acts, c.Name) || IsRead(c.Name) || IsWrite(c.Name):
		n.files.add(file, n.names.shortCall(e))
	}
}

func communicating(file string) bool {
	return strings.HasPrefix(file, "socket:") || strings.HasPrefix(file, "pipe:") || strings.HasPrefix(file, "tty:")
}

// first returns the part of a payload that the call took or gave.
func (d *Data) first(n int64) *Data {
	if n < 0 || n > int64(d.Len) {
		return d
	}
	return &Data{Bytes: d.Bytes[:min(int64(len(d.Bytes)), n)], Len: int(n)}
}
