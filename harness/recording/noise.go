package recording

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
	"time"
)

// Why an event is left out of a transcript by default.
const (
	shown       = ""
	asRuntime   = "bookkeeping of the language's runtime"
	asTold      = "told by the line beside it"
	asEmpty     = "tries that found nothing (EAGAIN)"
	asShort     = "sleeps under 10 ms"
	asUnwritten = "terminal text already shown as a write"
)

// noise decides which events teach nothing. It looks at the whole recording
// once; what an event is depends on others.
type noise struct {
	r       *Recording
	swept   map[int]bool // events that set dispositions as runtimes do, many in a row
	masks   map[int]bool // events that change the signal mask on purpose
	echoes  map[int]bool // output events whose text some write has shown
	found   map[int]bool // execve calls that failed before one succeeded
	threads map[int]bool // spawn events of threads that the program itself started
}

func newNoise(r *Recording) *noise {
	n := &noise{r: r, swept: map[int]bool{}, masks: map[int]bool{}, echoes: map[int]bool{}, found: map[int]bool{}, threads: map[int]bool{}}
	n.findSweeps()
	n.findMasks()
	n.findEchoes()
	n.findPaths()
	n.findThreads()
	return n
}

// why returns why the event is left out; shown if it is not.
func (n *noise) why(e *Event) string {
	switch {
	case e.Call != nil:
		return n.call(e)
	case e.Output != nil && n.echoes[e.Seq]:
		return asUnwritten
	case e.Signal != nil && e.Signal.Signal == sigurg && e.Signal.Sender == e.PID:
		return asRuntime
	case e.Spawn != nil && e.Spawn.How == ByThread && !n.threads[e.Seq]:
		return asRuntime
	case e.Exit != nil && e.TID != 0:
		return asRuntime
	case e.State != nil && e.State.State == "gone":
		return asTold
	}
	return shown
}

// sigurg is what Go's runtime sends its own threads to take turns.
const sigurg Signal = 23

var (
	// bookkeeping are calls that runtimes and libraries make for themselves.
	bookkeeping = []string{
		"epoll_create", "epoll_create1", "epoll_ctl", "eventfd2", "prctl", "sigaltstack", "getsockname", "getpeername", "getsockopt",
		"fcntl", "timerfd_create", "timerfd_settime", "rt_sigpending",
	}
	// births and execve are told by the spawn and exec events.
	births = []string{"fork", "vfork", "clone", "clone3", "execve", "execveat"}
	naps   = []string{"nanosleep", "clock_nanosleep", "restart_syscall", "epoll_wait", "epoll_pwait", "epoll_pwait2", "poll", "ppoll", "select", "pselect6"}
	// teaching are socket options that have to do with what servers do.
	teaching = []string{"SO_REUSEADDR", "SO_REUSEPORT", "SO_LINGER", "SO_RCVTIMEO", "SO_SNDTIMEO"}
)

const eagain Errno = 11

func (n *noise) call(e *Event) string {
	c := e.Call
	switch {
	case c.Fate == Denied:
		return shown
	case c.Errno == eagain:
		return asEmpty
	case n.found[e.Seq], c.Errno == 0 && slices.Contains(births, c.Name):
		return asTold
	case slices.Contains(naps, c.Name) && c.Errno == 0 && c.Fate == Returned && e.At-c.Began < longEnough:
		return asShort
	case n.internal(e):
		return asRuntime
	}
	return shown
}

// internal reports whether a call is one that the program's author never wrote.
func (n *noise) internal(e *Event) bool {
	c := e.Call
	switch {
	case e.TID != 0 && c.Fate == Unfinished && slices.Contains(naps, c.Name):
		return true
	case slices.Contains(bookkeeping, c.Name), strings.HasPrefix(c.File(), "anon_inode:") && !slices.Contains(naps, c.Name):
		return true
	case c.Name == "exit" && e.TID != 0:
		return true
	case c.Name == "rt_sigaction":
		return n.swept[e.Seq] || !choosesAction(c)
	case c.Name == "rt_sigprocmask":
		return !n.masks[e.Seq]
	case c.Name == "tgkill" || c.Name == "tkill":
		sig := c.Arg("sig")
		return sig != nil && Signal(sig.Int) == sigurg
	case c.Name == "setsockopt" && c.Errno == 0:
		name := c.Arg("optname")
		return name != nil && !slices.Contains(teaching, name.Text)
	}
	return c.Errno == 0 && n.probe(c)
}

// ownSignals are those that exercises in signals are about.
var ownSignals = []Signal{SIGHUP, SIGINT, SIGQUIT, SIGKILL, SIGUSR1, SIGUSR2, SIGPIPE, 14, SIGTERM, SIGCHLD, SIGCONT, SIGSTOP, SIGTSTP}

// choosesAction reports whether the call sets what a signal does, and not for a
// purpose of a runtime.
func choosesAction(c *Call) bool {
	act := c.Arg("act")
	return act != nil && act.Action != nil && slices.Contains(ownSignals, Signal(c.Int("sig")))
}

// probe reports whether the call is about a socket that was made and thrown
// away unused, as runtimes do to learn what the machine can.
func (n *noise) probe(c *Call) bool {
	file := c.File()
	if c.Name == "socket" {
		file = c.New
	}
	s := n.r.Endpoint(file)
	if s == nil || s.Created == nil || len(s.Closes) == 0 {
		return false
	}
	bound := s.Bound != nil && s.Bound.Call.Addr() != nil && s.Bound.Call.Addr().Port != 0
	return !bound && len(s.Listens)+len(s.Dials)+len(s.Reads)+len(s.Writes)+len(s.Accepts) == 0
}

// image is a process between two execs: what runtimes do at their start, they do
// once for each.
type image struct{ pid, execs int }

// images yields every event of a process with its image.
func (n *noise) images(each func(image, *Event)) {
	execs := map[int]int{}
	for i := range n.r.Events {
		e := &n.r.Events[i]
		if e.Exec != nil {
			execs[e.PID]++
		}
		each(image{e.PID, execs[e.PID]}, e)
	}
}

// From how many signals on it is no longer a choice that they get a handler, or
// their default effect again.
const (
	sweep = 16
	reset = 5
)

// findSweeps finds images that set so many signals alike that it must be the
// runtime, and the first setting of each signal there.
func (n *noise) findSweeps() {
	type way struct {
		image
		handler string
	}
	first := map[way]map[int64]int{}
	n.images(func(in image, e *Event) {
		if e.Call == nil || e.Call.Name != "rt_sigaction" || !choosesAction(e.Call) && !ownHandler(e.Call) {
			return
		}
		w := way{in, e.Call.Arg("act").Action.Handler}
		if first[w] == nil {
			first[w] = map[int64]int{}
		}
		if sig := e.Call.Int("sig"); first[w][sig] == 0 {
			first[w][sig] = e.Seq
		}
	})
	for w, seqs := range first {
		for _, seq := range seqs {
			n.swept[seq] = len(seqs) >= sweep || w.handler == HandlerDefault && len(seqs) >= reset
		}
	}
}

func ownHandler(c *Call) bool {
	act := c.Arg("act")
	return act != nil && act.Action != nil && act.Action.Handler == HandlerOwn
}

// findMasks finds the calls that hold a few signals back, and those that let
// them through again. Whoever blocks all signals is a library.
func (n *noise) findMasks() {
	holds := map[int]bool{} // by thread
	for i := range n.r.Events {
		e := &n.r.Events[i]
		task := cmp.Or(e.TID, e.PID)
		switch {
		case e.Spawn != nil:
			holds[e.Spawn.Child] = holds[task]
		case e.Call != nil && e.Call.Name == "rt_sigprocmask":
			few := holdsFew(e.Call)
			n.masks[e.Seq] = few || holds[task] && e.Call.Arg("set") != nil && e.Call.Arg("set").Set != nil
			holds[task] = few || holds[task] && !n.masks[e.Seq]
		}
	}
}

// holdsFew reports whether the call holds back some signals of an exercise, and
// not nearly all.
func holdsFew(c *Call) bool {
	how, set := c.Arg("how"), c.Arg("set")
	if how == nil || set == nil || set.Set == nil || how.Text == "SIG_UNBLOCK" || len(set.Set.names()) >= sweep {
		return false
	}
	return slices.ContainsFunc(ownSignals, set.Set.Has)
}

// findEchoes finds the outputs that only repeat what writes to the terminal have
// shown. The terminal writes LF as CR LF (termios(3), ONLCR).
func (n *noise) findEchoes() {
	written := map[string][]byte{}
	for i := range n.r.Events {
		e := &n.r.Events[i]
		if e.Call == nil || !e.Call.OK() || !IsWrite(e.Call.Name) || e.Call.Data() == nil || !strings.HasPrefix(e.Call.File(), "tty:") {
			continue
		}
		taken := e.Call.Data().Bytes
		taken = taken[:max(0, min(len(taken), int(e.Call.Result)))]
		written[e.Call.File()] = append(written[e.Call.File()], bytes.ReplaceAll(taken, []byte("\n"), []byte("\r\n"))...)
	}
	for i := range n.r.Events {
		if o := n.r.Events[i].Output; o != nil {
			file := TerminalFile(o.Subject)
			n.echoes[n.r.Events[i].Seq], written[file] = repeats(o.Data.Bytes, written[file])
		}
	}
}

// repeats reports whether the output is the next of what was written, and
// returns what is left of that. Where the terminal has put in something of its
// own, such as ^C, the rest is still passed over.
func repeats(output, written []byte) (echo bool, rest []byte) {
	const farthest = 64 // how far into the output the writes may begin
	for skip := range min(len(output), farthest) {
		if left, ok := bytes.CutPrefix(written, output[skip:]); ok {
			return skip == 0, left
		}
	}
	return false, written
}

// findPaths finds failed execve calls of a search for the program, as env(1) and
// shells do them.
func (n *noise) findPaths() {
	failed := map[int][]int{}
	for i := range n.r.Events {
		e := &n.r.Events[i]
		switch {
		case e.Exec != nil:
			for _, seq := range failed[e.PID] {
				n.found[seq] = true
			}
			delete(failed, e.PID)
		case e.Call != nil && strings.HasPrefix(e.Call.Name, "execve") && e.Call.Errno != 0:
			failed[e.PID] = append(failed[e.PID], e.Seq)
		}
	}
}

// findThreads finds the threads that a program starts once it has met a client:
// those before are the runtime's. A thread of pthreads has CLONE_CHILD_CLEARTID
// (set_tid_address(2)); those that Go's runtime starts do not.
func (n *noise) findThreads() {
	served := map[int]bool{}
	births := map[int]int{} // spawn event by the thread's number
	for i := range n.r.Events {
		e := &n.r.Events[i]
		switch {
		case e.Spawn != nil && e.Spawn.How == ByThread && served[e.PID]:
			births[e.Spawn.Child] = e.Seq
		case e.Call == nil || !e.Call.OK():
		case e.Call.Name == "accept" || e.Call.Name == "accept4":
			served[e.PID] = true
		case strings.HasPrefix(e.Call.Name, "clone") && len(e.Call.Args) > 0 && strings.Contains(e.Call.Args[0].Text, "CLONE_CHILD_CLEARTID"):
			n.threads[births[int(e.Call.Result)]] = true
		}
	}
	delete(n.threads, 0)
}

// lasted returns how long a call took; 0 for other events.
func (e *Event) lasted() time.Duration {
	if e.Call == nil {
		return 0
	}
	return e.At - e.Call.Began
}
