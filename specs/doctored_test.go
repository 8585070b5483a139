package specs_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ipckit/fixtures/probes"
	"ipckit/harness/claim"
	"ipckit/harness/front"
	"ipckit/harness/judge"
	"ipckit/harness/recorder"
	"ipckit/harness/recording"
	"ipckit/harness/scenario"
	"ipckit/harness/subject"
	"ipckit/reference"
	"ipckit/specs"
)

// doctored is a recording in which one thing is not as it was, and what the check
// says of it. A kernel that breaks these facts cannot be had; a check that would
// not notice can.
type doctored struct {
	claim   claim.ID
	name    string
	doctor  func(*recording.Recording)
	outcome claim.Outcome
	says    string // part of what was observed, or of the reason
}

func TestDoctoredRecordings(t *testing.T) {
	folder, honest := recordFacts(t)
	told := map[claim.ID]bool{}
	for _, d := range slices.Concat(backlogLies, uncatchableLies, zeroLies, zombieLies, ctrlCLies, sigactionLies, waysToServe, pairLies) {
		told[d.claim] = true
		t.Run(string(d.claim)+"/"+d.name, func(t *testing.T) {
			s := find(t, d.claim)
			if v := honest.Verdict(d.claim); v.Outcome == claim.NotJudged {
				t.Skip("NOT JUDGED: ", v.Reason)
			} else if v.Outcome != claim.Pass {
				t.Fatalf("the honest recording: %s: %s%s\n%s", v.Outcome, v.Observed, v.Reason, v.Details)
			}
			expectLie(t, d, judgeAlone(s, lie(t, folder, s.On[0], d.doctor)))
		})
	}
	for _, s := range specs.All() {
		if (s.Level == claim.Fact || s.Role == claim.Pair) && !told[s.ID] {
			t.Errorf("nothing shows that the check of %s can fail", s.ID)
		}
	}
}

func expectLie(t *testing.T, d doctored, v claim.Verdict) {
	t.Helper()
	if v.Outcome != d.outcome || !strings.Contains(v.Observed+v.Reason, d.says) {
		t.Errorf("%s: observed %q, reason %q, details %q\nwant %s: %q", v.Outcome, v.Observed, v.Reason, v.Details, d.outcome, d.says)
	}
	if len(v.Evidence) == 0 {
		t.Error("no evidence")
	}
}

// recordFacts records what facts and MAYs are judged on, once, with the reference
// programs, and returns where, and what is true of it.
func recordFacts(t *testing.T) (folder string, honest *claim.Result) {
	t.Helper()
	probe, cleanup := front.Probe(t.Context())
	t.Cleanup(cleanup)
	if _, err := probe(); errors.Is(err, probes.ErrNoCompiler) && os.Getenv("CI") == "" {
		t.Skip("NOT JUDGED: ", err)
	} else if err != nil {
		t.Fatal(err)
	}
	programs := judge.Programs{Given: map[subject.Role]subject.Subject{}, Probe: probe}
	for name := range reference.Programs {
		programs.Given[subject.Role(name)] = subject.Builtin(subject.Role(name), name)
	}
	chosen := slices.DeleteFunc(specs.All(), func(s judge.Spec) bool { return s.Level != claim.Fact && s.Level != claim.May && s.Role != claim.Pair })
	folder = t.TempDir()
	honest, err := judge.Run(t.Context(), chosen, chosen, programs, judge.Options{Isolation: recorder.Auto, Scale: 1, Seed: 1, Keep: folder})
	if err != nil {
		t.Fatal(err)
	}
	return folder, honest
}

func find(t *testing.T, id claim.ID) judge.Spec {
	t.Helper()
	all := specs.All()
	i := slices.IndexFunc(all, func(s judge.Spec) bool { return s.ID == id })
	if i < 0 {
		t.Fatalf("no claim is called %s", id)
	}
	return all[i]
}

// lie returns a doctored copy of a kept recording.
func lie(t *testing.T, folder string, name scenario.Name, doctor func(*recording.Recording)) *recording.Recording {
	t.Helper()
	path := filepath.Join(folder, string(name)+recording.Extension)
	r, err := recording.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	doctor(r)
	var before, after bytes.Buffer
	honest, err := recording.ReadFile(path)
	if err := errors.Join(err, recording.Write(&before, honest), recording.Write(&after, r)); err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(before.Bytes(), after.Bytes()) {
		t.Fatal("the doctor found nothing to change")
	}
	return r
}

func judgeAlone(s judge.Spec, r *recording.Recording) claim.Verdict {
	return judge.Judge([]judge.Spec{s}, judge.Recordings{s.On[0]: {Recording: r}})[0]
}

// The doctor's tools. They look at events only: what a recording derives from
// them is derived afterwards.

// change changes the nth event, from 0, of those that fit.
func change(nth int, fits func(*recording.Event) bool, to func(*recording.Event)) func(*recording.Recording) {
	return func(r *recording.Recording) {
		for i := range r.Events {
			if e := &r.Events[i]; fits(e) {
				if nth == 0 {
					to(e)
					return
				}
				nth--
			}
		}
	}
}

// remove takes away all events that fit.
func remove(fits func(*recording.Event) bool) func(*recording.Recording) {
	return func(r *recording.Recording) {
		r.Events = slices.DeleteFunc(r.Events, func(e recording.Event) bool { return fits(&e) })
	}
}

// called selects calls of that name on that signal.
func called(name string, signal recording.Signal) func(*recording.Event) bool {
	return func(e *recording.Event) bool {
		return e.Call != nil && e.Call.Name == name && e.Call.Int("sig") == int64(signal)
	}
}

func waited(e *recording.Event) bool { return e.Call != nil && e.Call.Name == "wait4" }

func delivered(signal recording.Signal) func(*recording.Event) bool {
	return func(e *recording.Event) bool { return e.Signal != nil && e.Signal.Signal == signal }
}

func acted(client string, act recording.Act) func(*recording.Event) bool {
	return func(e *recording.Event) bool { return e.Peer != nil && e.Peer.Name == client && e.Peer.Act == act }
}

func snapshot(why string) func(*recording.Event) bool {
	return func(e *recording.Event) bool { return e.Sockets != nil && e.Sockets.Why == why }
}

// fail lets a call return an error; errno 0 lets it succeed.
func fail(errno recording.Errno) func(*recording.Event) {
	return func(e *recording.Event) {
		e.Call.Errno, e.Call.Result = errno, -1
		if errno == 0 {
			e.Call.Result = 0
		}
	}
}

// ended selects the ends of processes.
func ended(e *recording.Event) bool { return e.Exit != nil && e.TID == 0 }

func status(w recording.WaitStatus) func(*recording.Event) {
	return func(e *recording.Event) { e.Exit.Status = w }
}

const (
	eperm        recording.Errno = 1
	esrch        recording.Errno = 3
	econnrefused recording.Errno = 111

	killedBy9 recording.WaitStatus = 9
)

var backlogLies = []doctored{
	{"socket.listen.backlog-refused", "one of nine is refused", change(0, acted("client 9", recording.ActConnected), func(e *recording.Event) {
		e.Peer.Act, e.Peer.Errno = recording.ActFailed, econnrefused
	}), claim.Fail, "8 clients came through, 1 refused"},
	{"socket.listen.backlog-refused", "all are refused", func(r *recording.Recording) {
		for i := range r.Events {
			if p := r.Events[i].Peer; p != nil && p.Act == recording.ActConnected {
				p.Act, p.Errno = recording.ActFailed, econnrefused
			}
		}
	}, claim.Fail, "0 clients came through, 9 refused"},
	{"socket.listen.backlog-refused", "the tenth comes through", change(0, acted("client 10", recording.ActFailed), func(e *recording.Event) {
		e.Peer.Act, e.Peer.Errno = recording.ActConnected, 0
	}), claim.Fail, "10 clients came through, 0 refused"},
	{"socket.listen.backlog-refused", "we give the tenth up", givenUpEarly, claim.Pass, "none was refused"},
	{"socket.listen.backlog-refused", "the queue holds another number", change(0, snapshot("queue full"), func(e *recording.Event) {
		for i := range e.Sockets.Rows {
			if row := &e.Sockets.Rows[i]; row.State == "LISTEN" {
				row.Received--
			}
		}
	}), claim.Fail, "9 clients came through, 0 refused"},
	{"socket.listen.backlog-refused", "the tenth does not wait", change(0, snapshot("queue full"), withoutRows("SYN_SENT")), claim.Fail, "9 clients came through"},
	{"socket.listen.backlog-refused", "nothing listens", change(0, snapshot("queue full"), withoutRows("LISTEN")), claim.Fail, "9 clients came through"},
}

// givenUpEarly: the end of our own attempt may be noted before that of the script.
func givenUpEarly(r *recording.Recording) {
	swap(r, func(e *recording.Event) bool { return e.Mark != nil && e.Mark.Name == "end" }, acted("client 10", recording.ActFailed))
}

func withoutRows(state string) func(*recording.Event) {
	return func(e *recording.Event) {
		e.Sockets.Rows = slices.DeleteFunc(e.Sockets.Rows, func(row recording.SocketRow) bool { return row.State == state })
	}
}

var uncatchableLies = []doctored{
	{"signal.kill-stop.uncatchable", "SIGKILL is caught", change(0, called("rt_sigaction", recording.SIGKILL), fail(0)), claim.Fail, "it must fail with EINVAL"},
	{"signal.kill-stop.uncatchable", "SIGSTOP is ignored", change(1, called("rt_sigaction", recording.SIGSTOP), fail(eperm)), claim.Fail, "it must fail with EINVAL"},
	{"signal.kill-stop.uncatchable", "SIGSTOP is blocked", change(0, func(e *recording.Event) bool {
		return e.Call != nil && e.Call.Name == "rt_sigprocmask" && e.Call.Arg("oldset").Set != nil
	}, func(e *recording.Event) { *e.Call.Arg("oldset").Set |= 1 << (recording.SIGSTOP - 1) }), claim.Fail, "blocked: {"},
	{"signal.kill-stop.uncatchable", "SIGSTOP stops nobody", remove(func(e *recording.Event) bool { return e.Stop != nil }), claim.Fail, "the child was not stopped"},
	{"signal.kill-stop.uncatchable", "SIGKILL does not kill", change(0, ended, status(0)), claim.Fail, "it must be killed by SIGKILL"},
}

// kill(child, 0) on the living, on the zombie, and after the wait; then on a
// process of another user.
var zeroLies = []doctored{
	{"kill.signal-zero-probe", "a living process is not found", change(0, called("kill", 0), fail(esrch)), claim.Fail, "it must succeed"},
	{"kill.signal-zero-probe", "a zombie is not found", change(1, called("kill", 0), fail(esrch)), claim.Fail, "it must succeed"},
	{"kill.signal-zero-probe", "nobody is found", change(2, called("kill", 0), fail(0)), claim.Fail, "it must fail with ESRCH"},
	{"kill.signal-zero-probe", "nobody may not be signalled", change(2, called("kill", 0), fail(eperm)), claim.Fail, "it must fail with ESRCH"},
	{"kill.permission", "another's process is not found", change(3, called("kill", 0), fail(esrch)), claim.Fail, "it must fail with EPERM"},
	{"kill.permission", "another's process may be signalled", change(3, called("kill", 0), fail(0)), claim.Fail, "it must fail with EPERM"},
}

var zombieLies = []doctored{
	{"wait.zombie-until-waited", "a zombie is not found", change(0, called("kill", recording.SIGKILL), fail(esrch)), claim.Fail, "it must succeed"},
	{"wait.zombie-until-waited", "the child was no zombie", rewrite("before it was waited for: state Z", "before it was waited for: state S"), claim.Fail, "state S"},
	{"wait.zombie-until-waited", "SIGKILL removes the zombie", rewrite("after SIGKILL: state Z", "after SIGKILL: state X"), claim.Fail, "state X"},
	{"wait.zombie-until-waited", "the first wait says that SIGKILL ended it", change(0, waited, func(e *recording.Event) {
		*e.Call.Arg("wstatus").Status = killedBy9
	}), claim.Fail, "the child, killed by signal 9"},
	{"wait.zombie-until-waited", "the child was killed", change(0, ended, status(killedBy9)), claim.Fail, "it must exit with status 3"},
	{"wait.zombie-until-waited", "the first wait fails", change(0, waited, fail(10)), claim.Fail, "no wait call"},
	{"wait.zombie-until-waited", "the second wait succeeds", change(1, waited, fail(0)), claim.Fail, "it must fail with ECHILD"},
	{"wait.zombie-until-waited", "the number stays taken", change(0, called("kill", 0), fail(0)), claim.Fail, "it must fail with ESRCH"},
}

// rewrite changes what a terminal shows.
func rewrite(old, text string) func(*recording.Recording) {
	return func(r *recording.Recording) {
		for i := range r.Events {
			if o := r.Events[i].Output; o != nil {
				o.Data.Bytes = bytes.ReplaceAll(o.Data.Bytes, []byte(old), []byte(text))
			}
		}
	}
}

var ctrlCLies = []doctored{
	{"signal.terminal.ctrl-c", "it is SIGTERM, as the article says", func(r *recording.Recording) {
		for i := range r.Events {
			if s := r.Events[i].Signal; s != nil && s.Signal == recording.SIGINT {
				s.Signal = recording.SIGTERM
			}
		}
	}, claim.Fail, "it must get SIGINT from the kernel"},
	{"signal.terminal.ctrl-c", "a process sends it", change(0, delivered(recording.SIGINT), func(e *recording.Event) {
		e.Signal.CodeName, e.Signal.Sender = "SI_USER", 2
	}), claim.Fail, "it must get SIGINT from the kernel"},
	{"signal.terminal.ctrl-c", "one of the group gets nothing", change(0, delivered(recording.SIGINT), func(e *recording.Event) {
		e.Signal.Signal = recording.SIGCHLD
	}), claim.Fail, "it must get SIGINT from the kernel"},
	{"signal.terminal.ctrl-c", "SIGTERM comes beside it", change(0, delivered(recording.SIGCHLD), func(e *recording.Event) {
		e.Signal.Signal = recording.SIGTERM
	}), claim.Fail, "it must not get SIGTERM"},
}

// asked selects calls of sigaction that ask for the old action of SIGUSR1.
func asked(e *recording.Event) bool {
	return called("rt_sigaction", recording.SIGUSR1)(e) && e.Call.Arg("oldact").Action != nil
}

func oldAction(to func(*recording.Action)) func(*recording.Event) {
	return func(e *recording.Event) { to(e.Call.Arg("oldact").Action) }
}

var sigactionLies = []doctored{
	{"sigaction.second-argument", "the old action is the new one", change(1, asked, oldAction(func(a *recording.Action) { a.Handler = recording.HandlerOwn })), claim.Fail, "the third argument received handler"},
	{"sigaction.second-argument", "the second argument was not installed", change(2, asked, oldAction(func(a *recording.Action) { a.Handler = recording.HandlerDefault })), claim.Fail, "received SIG_DFL"},
	{"sigaction.second-argument", "its flags were not", change(2, asked, oldAction(func(a *recording.Action) { a.Flags = "" })), claim.Fail, "SA_RESTART"},
	{"sigaction.second-argument", "its mask was not", change(2, asked, oldAction(func(a *recording.Action) { a.Mask = 0 })), claim.Fail, "holding back {SIGUSR2}"},
	{"sigaction.second-argument", "a question changes the action", change(3, asked, oldAction(func(a *recording.Action) { a.Handler = recording.HandlerIgnore })), claim.Fail, "received SIG_IGN"},
}

// waysToServe: either is right, and named; where there is no answer, neither was
// seen.
var waysToServe = []doctored{
	{"server.iterative.starves", "served later", change(0, acted("second client", recording.ActReceived), func(e *recording.Event) { e.At++ }),
		claim.Pass, "iterative: the second client waited"},
	{"server.iterative.starves", "served meanwhile", answerFirst, claim.Pass, "concurrent: the second client got its echo while the first was silent"},
	{"server.iterative.starves", "never served", remove(acted("second client", recording.ActReceived)), claim.NotJudged, "an answer to the second client"},
}

// answerFirst lets the second client's answer and the first one's leaving change
// places.
func answerFirst(r *recording.Recording) {
	swap(r, func(e *recording.Event) bool { return e.Mark != nil && e.Mark.Name == "first leaves" }, acted("second client", recording.ActReceived))
}

// swap lets two events change places in time.
func swap(r *recording.Recording, one, other func(*recording.Event) bool) {
	first := slices.IndexFunc(r.Events, func(e recording.Event) bool { return one(&e) })
	second := slices.IndexFunc(r.Events, func(e recording.Event) bool { return other(&e) })
	a, b := &r.Events[first], &r.Events[second]
	*a, *b = *b, *a
	a.Seq, b.Seq, a.At, b.At = b.Seq, a.Seq, b.At, a.At
}

// pairLies are told of the conversation: no mutant of one program shows them.
var pairLies = []doctored{
	{"pair.conversation", "the client fails", change(0, ended, status(1<<8)), claim.Fail, "exited with status 1"},
	{"pair.conversation", "a title is not printed", rewrite("Pride and Prejudice", "Prime and Prejudice"), claim.Fail, "without"},
	{"pair.conversation", "nothing listens afterwards", change(0, snapshot("after the client"), withoutRows("LISTEN")), claim.Fail, "nothing listens"},
}
