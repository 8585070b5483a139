package recording_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ipckit/harness/recording"
)

// script makes recordings: each call adds an event with the next number.
type script struct{ recording.Recording }

func newScript() *script {
	s := &script{}
	s.Header = recording.Header{Format: recording.Format, Scenario: "lives", Subjects: []recording.Subject{{Name: "server", Role: "server"}}}
	return s
}

func (s *script) add(e recording.Event) int {
	e.Seq = len(s.Events) + 1
	s.Events = append(s.Events, e)
	return e.Seq
}

func (s *script) exec(pid int, subject string) int {
	return s.add(recording.Event{Kind: recording.KindExec, PID: pid, Exec: &recording.Exec{Path: "/x", Subject: subject}})
}

func (s *script) spawn(pid, child int, how string) int {
	return s.add(recording.Event{Kind: recording.KindSpawn, PID: pid, Spawn: &recording.Spawn{Child: child, How: how}})
}

func (s *script) exit(pid, tid int, status recording.WaitStatus) int {
	return s.add(recording.Event{Kind: recording.KindExit, PID: pid, TID: tid, Exit: &recording.Exit{Status: status}})
}

func (s *script) call(pid int, name string, result int64, args ...recording.Arg) int {
	return s.add(recording.Event{Kind: recording.KindCall, PID: pid, Call: &recording.Call{Name: name, Result: result, Args: args}})
}

// failed and made change the call that was added last.
func (s *script) failed(errno recording.Errno) int {
	s.Events[len(s.Events)-1].Call.Errno = errno
	return len(s.Events)
}

func (s *script) made(file string) int {
	s.Events[len(s.Events)-1].Call.New = file
	return len(s.Events)
}

func (s *script) mark(name string) int {
	return s.add(recording.Event{Kind: recording.KindMark, Mark: &recording.Mark{Name: name}})
}

func (s *script) output(subject, text string) int {
	return s.add(recording.Event{Kind: recording.KindOutput, Output: &recording.Output{Subject: subject, Stream: "terminal", Data: payload(text)}})
}

func payload(text string) recording.Data { return recording.Data{Bytes: []byte(text), Len: len(text)} }

func fd(n int64, file string) recording.Arg { return recording.Arg{Name: "fd", Int: n, File: file} }

func status(w recording.WaitStatus) recording.Arg {
	return recording.Arg{Name: "wstatus", Status: &w, Out: true}
}

func infop(pid int64, w recording.WaitStatus) recording.Arg {
	return recording.Arg{Name: "infop", Int: pid, Status: &w, Out: true}
}

func options(text string) recording.Arg { return recording.Arg{Name: "options", Text: text} }

func buf(text string) recording.Arg {
	d := payload(text)
	return recording.Arg{Name: "buf", Data: &d}
}

// seqs returns the numbers of events; nil is 0.
func seqs(events ...*recording.Event) []int {
	var all []int
	for _, e := range events {
		if e == nil {
			all = append(all, 0)
			continue
		}
		all = append(all, e.Seq)
	}
	return all
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// lives is a recording of two subjects, their children and a reused pid.
func lives() *recording.Recording {
	s := newScript()
	s.exec(2, "server")                   // 1
	s.exec(3, "client")                   // 2
	s.spawn(2, 20, recording.ByThread)    // 3
	s.spawn(2, 4, recording.ByFork)       // 4
	s.spawn(2, 5, recording.ByVfork)      // 5
	s.spawn(4, 6, recording.ByClone)      // 6
	s.exec(5, "")                         // 7
	s.exit(2, 20, 0)                      // 8: a thread
	s.exit(6, 0, 15)                      // 9
	s.exit(4, 0, 0)                       // 10
	s.call(2, "wait4", 4, status(0))      // 11
	s.spawn(2, 4, recording.ByFork)       // 12: the number again
	s.spawn(99, 100, recording.ByFork)    // 13: of a stranger
	s.exit(100, 0, 0)                     // 14
	s.call(2, "write", 1, fd(1, "other")) // 15
	return &s.Recording
}

func TestProcessesByCreationPath(t *testing.T) {
	r := lives()
	var names []string
	for _, p := range r.Processes() {
		names = append(names, p.Name+" of "+p.Subject)
	}
	same(t, "names", names, []string{
		"server of server", "client of client", "server.1 of server", "server.2 of server", "server.1.1 of server", "server.3 of server",
	})
	server := r.Process("server")
	names = nil
	for _, p := range server.Tree() {
		names = append(names, p.Name)
	}
	same(t, "tree", names, []string{"server", "server.1", "server.1.1", "server.2", "server.3"})
	if server.Threads != 1 || !server.Alive() {
		t.Errorf("a thread counts as process, or its end as the process's: %+v", server)
	}
	first, again := server.Children[0], r.ByPID(4)
	same(t, "first of pid 4", seqs(first.Born, first.End, first.Collected), []int{4, 10, 11})
	same(t, "second of pid 4", seqs(again.Born, again.End, again.Collected), []int{12, 0, 0})
	same(t, "execs", seqs(server.Children[1].Execs...), []int{7})
	if p := r.ByPID(6); p.Parent != first || p.Alive() {
		t.Errorf("the grandchild is %+v", p)
	}
	if r.Process("nobody") != nil || r.ByPID(100) != nil || r.SubjectOf(&r.Events[13]) != "" {
		t.Error("a stranger is part of the model")
	}
}

// A chain of forks must not cost its length squared.
func TestLongChainOfForks(t *testing.T) {
	s := newScript()
	s.exec(1, "server")
	const length = 100_000
	for pid := 1; pid < length; pid++ {
		s.spawn(pid, pid+1, recording.ByFork)
	}
	if got := len(s.Process("server").Tree()); got != length {
		t.Errorf("%d processes", got)
	}
	if last := s.ByPID(length); len(last.Name) > 1100 || last.Subject != "server" {
		t.Errorf("%d characters of name, of %s", len(last.Name), last.Subject)
	}
}

func TestCollected(t *testing.T) {
	for _, c := range []struct {
		name string
		wait func(*script)
		want bool
	}{
		{"wait4", func(s *script) { s.call(2, "wait4", 4, status(0)) }, true},
		{"wait4 of a killed one", func(s *script) { s.call(2, "wait4", 4, status(15)) }, true},
		{"wait(NULL)", func(s *script) { s.call(2, "wait4", 4, recording.Arg{Name: "wstatus"}, options("0")) }, true},
		{"wait(NULL), no arguments recorded", func(s *script) { s.call(2, "wait4", 4) }, true},
		{"waitpid(pid, NULL, WUNTRACED) after its end", func(s *script) { s.call(2, "wait4", 4, options("WUNTRACED")) }, true},
		{"waitid", func(s *script) { s.call(2, "waitid", 0, infop(4, 0), options("WEXITED")) }, true},
		{"waitid WNOWAIT", func(s *script) { s.call(2, "waitid", 0, infop(4, 0), options("WEXITED|WNOWAIT")) }, false},
		{"waitid WNOWAIT, then wait4", func(s *script) {
			s.call(2, "waitid", 0, infop(4, 0), options("WEXITED|WNOWAIT"))
			s.call(2, "wait4", 4, status(0))
		}, true},
		{"waitid WNOHANG that found nothing", func(s *script) { s.call(2, "waitid", 0, infop(0, 0), options("WNOHANG")) }, false},
		{"WNOHANG that found nothing", func(s *script) { s.call(2, "wait4", 0, recording.Arg{Name: "wstatus"}, options("WNOHANG")) }, false},
		{"stopped", func(s *script) { s.call(2, "wait4", 4, status(0x137f), options("WUNTRACED")) }, false},
		{"continued", func(s *script) { s.call(2, "wait4", 4, status(0xffff), options("WCONTINUED")) }, false},
		{"ECHILD", func(s *script) { s.call(2, "wait4", -1); s.failed(10) }, false},
		{"another child", func(s *script) { s.call(2, "wait4", 5, status(0)) }, false},
		{"unfinished", func(s *script) {
			s.call(2, "wait4", 4, status(0))
			s.Events[len(s.Events)-1].Call.Fate = recording.Unfinished
		}, false},
		{"no wait", func(*script) {}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScript()
			s.exec(2, "server")
			s.spawn(2, 4, recording.ByFork)
			s.exit(4, 0, 0)
			c.wait(s)
			if got := s.ByPID(4).Collected != nil; got != c.want {
				t.Errorf("collected: %v", got)
			}
		})
	}
}

// A stop that nobody asked the status of takes no process away.
func TestStopIsNotCollected(t *testing.T) {
	s := newScript()
	s.exec(2, "server")
	s.spawn(2, 4, recording.ByFork)
	s.call(2, "wait4", 4, recording.Arg{Name: "wstatus"}, options("WUNTRACED"))
	if s.ByPID(4).Collected != nil {
		t.Error("collected before its end")
	}
	s = newScript()
	s.exec(2, "server")
	s.spawn(2, 4, recording.ByFork)
	s.exit(4, 0, 0)
	s.call(2, "wait4", 4)
	s.call(2, "wait4", 4, status(0))
	same(t, "collected", seqs(s.ByPID(4).Collected), []int{5})
}

func TestEndpoints(t *testing.T) {
	s := newScript()
	listening, one, two := "socket:[10]", "socket:[11]", "socket:[12]"
	s.exec(2, "server")                     // 1
	s.call(2, "socket", 3)                  //
	s.made(listening)                       // 2
	s.call(2, "bind", -1, fd(3, listening)) //
	s.failed(98)                            // 3
	s.call(2, "bind", 0, fd(3, listening))  // 4
	s.call(2, "listen", 0, fd(3, listening))
	s.call(2, "accept", -1, fd(3, listening))
	s.failed(11) // 6
	s.call(2, "accept", 4, fd(3, listening))
	s.made(one) // 7
	s.call(2, "accept4", 5, fd(3, listening))
	s.made(two)                                    // 8
	s.call(2, "recvfrom", 2, fd(4, one), buf("a")) // 9
	s.call(2, "writev", 2, fd(4, one), buf("b"))   // 10
	s.call(2, "shutdown", 0, fd(4, one))           // 11
	s.call(2, "close", 0, fd(4, one))              // 12
	s.call(2, "read", 1, fd(0, "tty:server"))      // 13: no socket
	s.call(2, "connect", -1, fd(6, "socket:[13]"))
	s.failed(111) // 14

	r := &s.Recording
	var files []string
	for _, e := range r.Endpoints() {
		files = append(files, e.File)
	}
	same(t, "order", files, []string{listening, one, two, "socket:[13]"})
	l := r.Endpoint(listening)
	same(t, "listener", seqs(append(slices.Concat(l.Listens, l.Accepts), l.Created, l.Bound, l.Accepted)...), []int{5, 6, 7, 8, 2, 4, 0})
	e := r.Endpoint(one)
	same(t, "accepted", seqs(append(slices.Concat(e.Reads, e.Writes, e.Shuts, e.Closes), e.Accepted, e.Created)...), []int{9, 10, 11, 12, 7, 0})
	if e.Listener != l || r.Endpoint(two).Listener != l || l.Listener != nil {
		t.Error("an accepted socket does not know its listener")
	}
	same(t, "dials", seqs(r.Endpoint("socket:[13]").Dials...), []int{14})
	if r.Endpoint("tty:server") != nil || r.Endpoint("socket:[99]") != nil {
		t.Error("what is no socket of the programs is an endpoint")
	}
}

func TestWritesByStream(t *testing.T) {
	s := newScript()
	s.exec(2, "server")
	s.exec(3, "client")
	s.spawn(2, 4, recording.ByFork)
	s.call(2, "write", 3, fd(1, "tty:server"), buf("out"))  // 4
	s.call(2, "write", 3, fd(2, "tty:server"), buf("err"))  // 5
	s.call(4, "writev", 3, fd(1, "tty:server"), buf("kid")) // 6: a child's
	s.call(3, "write", 3, fd(1, "tty:client"), buf("cli"))  // 7
	s.call(3, "write", 3, fd(1, "tty:server"), buf("odd"))  // 8: another's terminal
	s.call(2, "read", 3, fd(1, "tty:server"), buf("key"))   // 9
	s.call(2, "write", -1, fd(1, "tty:server"), buf("bad")) //
	s.failed(5)                                             // 10
	s.call(2, "write", 3, fd(1, "pipe:[3]"), buf("pip"))    // 11
	s.output("server", "out\r\nerr")
	s.output("client", "no")
	s.output("server", "\rx\r\n")
	s.add(recording.Event{Kind: recording.KindPeer, Peer: &recording.Peer{Name: "client A", Act: recording.ActSent, Data: new(payload("title"))}}) // 15
	s.add(recording.Event{Kind: recording.KindPeer, Peer: &recording.Peer{Name: "client B", Act: recording.ActEOF}})                               // 16

	for i := range s.Recording.Events { // the recorder names the streams
		if c := s.Recording.Events[i].Call; c != nil && c.Arg("fd") != nil {
			c.Arg("fd").Stream = map[int64]string{1: recording.Stdout, 2: recording.Stderr}[c.Int("fd")]
		}
	}
	r := &s.Recording
	same(t, "stdout", seqs(r.Writes("server", recording.Stdout)...), []int{4, 6})
	same(t, "stderr", seqs(r.Writes("server", recording.Stderr)...), []int{5})
	same(t, "the other", seqs(r.Writes("client", recording.Stdout)...), []int{7})
	same(t, "bytes", string(recording.Bytes(r.Writes("server", recording.Stdout))), "outkid")
	same(t, "terminal", string(r.Terminal("server")), "out\nerr\rx\n")
	same(t, "calls", seqs(r.Calls("server", "write", "writev")...), []int{4, 5, 6, 10, 11})
	same(t, "all calls", len(r.Calls("client")), 2)
	same(t, "peers", seqs(r.Peers("")...), []int{15, 16})
	same(t, "peer", seqs(r.Peers("client A", recording.ActSent, recording.ActEOF)...), []int{15})
	same(t, "no act", len(r.Peers("client A", recording.ActEOF)), 0)
	same(t, "mixed bytes", string(recording.Bytes(seqEvents(r, 4, 12, 15, 16))), "outout\r\nerrtitle")
}

func seqEvents(r *recording.Recording, seqs ...int) []*recording.Event {
	var all []*recording.Event
	for _, n := range seqs {
		all = append(all, r.Event(n))
	}
	return all
}

func TestBetween(t *testing.T) {
	s := newScript()
	s.exec(2, "server") // 1
	s.mark("ready")     // 2
	s.call(2, "x", 0)   // 3
	s.mark("done")      // 4
	s.call(2, "x", 0)   // 5
	s.mark("ready")     // 6: the first counts
	for _, c := range []struct {
		from, to string
		want     []int
	}{
		{"", "", []int{1, 2, 3, 4, 5, 6}},
		{"ready", "done", []int{2, 3}},
		{"ready", "", []int{2, 3, 4, 5, 6}},
		{"", "done", []int{1, 2, 3}},
		{"done", "ready", nil},
		{"never", "", nil},
		{"ready", "never", []int{2, 3, 4, 5, 6}},
	} {
		got := seqs(s.Select(func(e *recording.Event) bool { return s.Between(e, c.from, c.to) })...)
		same(t, "from "+c.from+" to "+c.to, got, c.want)
	}
}

func TestEventByNumber(t *testing.T) {
	r := everything()
	for _, e := range r.Events {
		if got := r.Event(e.Seq); got == nil || got.Seq != e.Seq {
			t.Errorf("event %d: %+v", e.Seq, got)
		}
	}
	for _, n := range []int{-1, 0, 2, 1000} {
		if r.Event(n) != nil {
			t.Errorf("there is no event %d", n)
		}
	}
}

func TestCallAccessors(t *testing.T) {
	c := everything().Events[2].Call
	if c.OK() || c.Int("fd") != 3 || c.Int("none") != -1 || c.File() != "socket:[9]" || c.Arg("none") != nil ||
		c.Data().Len != 9 || c.Addr().Port != 9876 {
		t.Errorf("%+v", c)
	}
	if empty := (&recording.Call{}); !empty.OK() || empty.File() != "" || empty.Data() != nil || empty.Addr() != nil {
		t.Error("an empty call has something")
	}
	for _, fate := range []recording.Fate{recording.Restarted, recording.Unfinished, recording.Denied} {
		if (&recording.Call{Fate: fate}).OK() {
			t.Errorf("a call that was %s returned to the program", fate)
		}
	}
}
