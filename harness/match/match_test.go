package match_test

import (
	"strings"
	"testing"
	"time"

	"github.com/onsi/gomega/types"

	"ipckit/harness/match"
	"ipckit/harness/recording"
)

const (
	parent, child = 3, 4

	killed   recording.WaitStatus = 9
	exitZero recording.WaitStatus = 0
	exitTwo  recording.WaitStatus = 2 << 8
)

// lives is a recording of three processes: the shutdown program's parent, its
// child, and a probe that is not there any more when the recording ends.
func lives() *recording.Recording {
	wait := recording.Call{Name: "wait4", Result: child, Args: []recording.Arg{{Name: "pid", Int: child}, {Name: "wstatus", Status: new(killed), Out: true}}}
	kill := func(errno recording.Errno) *recording.Call {
		c := &recording.Call{Name: "kill", Errno: errno, Args: []recording.Arg{{Name: "pid", Int: child}, {Name: "sig", Int: 0, Text: "0"}}}
		if errno != 0 {
			c.Result = -1
		}
		return c
	}
	r := &recording.Recording{Header: recording.Header{Subjects: []recording.Subject{{Name: "shutdown", Role: "shutdown"}}}}
	for i, e := range []recording.Event{
		{PID: parent, Kind: recording.KindExec, Exec: &recording.Exec{Path: "/s", Subject: "shutdown"}},
		{PID: parent, Kind: recording.KindSpawn, Spawn: &recording.Spawn{Child: child, How: recording.ByFork}},
		{PID: parent, Kind: recording.KindCall, Call: kill(0)},
		{PID: child, Kind: recording.KindSignal, Signal: &recording.Deliver{Signal: recording.SIGTERM, CodeName: "SI_USER", Sender: parent, Fate: recording.FateHandled}},
		{PID: child, Kind: recording.KindSignal, Signal: &recording.Deliver{Signal: recording.SIGINT, CodeName: "SI_KERNEL", Fate: recording.FateHandled}},
		{PID: child, Kind: recording.KindExit, Exit: &recording.Exit{Status: killed}},
		{PID: parent, Kind: recording.KindCall, Call: &wait},
		{PID: parent, Kind: recording.KindCall, Call: kill(3)},
		{PID: 9, Kind: recording.KindExec, Exec: &recording.Exec{Path: "/p", Subject: "probe"}},
		{PID: 9, Kind: recording.KindExit, Exit: &recording.Exit{Status: exitTwo}},
	} {
		e.Seq, e.At = 10*(i+1), time.Duration(i+1)*time.Millisecond
		r.Events = append(r.Events, e)
	}
	return r
}

// voices says what a matcher is to say of a thing of the recording.
type voices struct {
	name    string
	matcher types.GomegaMatcher
	actual  any
	matches bool
	says    string // the failure, or where it matches, that of the negation
}

func listen(t *testing.T, rows []voices) {
	t.Helper()
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			ok, err := row.matcher.Match(row.actual)
			if err != nil || ok != row.matches {
				t.Fatalf("%v, %v", ok, err)
			}
			says := row.matcher.FailureMessage(row.actual)
			if ok {
				says = row.matcher.NegatedFailureMessage(row.actual)
			}
			if says != row.says {
				t.Errorf("says %q\nwant %q", says, row.says)
			}
		})
	}
}

func TestEnds(t *testing.T) {
	r := lives()
	seen := match.In(r)
	listen(t, []voices{
		{"exited so", seen.HaveExited(2), r.Process("probe"), true, "probe ends: exited with status 2 (event 100); it must not exit with status 2"},
		{"exited otherwise", seen.HaveExited(0), r.Process("probe"), false, "probe ends: exited with status 2 (event 100); it must exit with status 0"},
		{"killed, not exited", seen.HaveExited(0), r.Process("shutdown.1"), false, "child ends: killed by signal 9 (SIGKILL) (event 60); it must exit with status 0"},
		{"killed so", seen.BeKilledBy(recording.SIGKILL), r.Process("shutdown.1"), true, "child ends: killed by signal 9 (SIGKILL) (event 60); it must not be killed by SIGKILL"},
		{"killed otherwise", seen.BeKilledBy(recording.SIGTERM), r.Process("shutdown.1"), false, "child ends: killed by signal 9 (SIGKILL) (event 60); it must be killed by SIGTERM"},
		{"exited, not killed", seen.BeKilledBy(recording.SIGHUP), r.Process("probe"), false, "probe ends: exited with status 2 (event 100); it must be killed by SIGHUP"},
		{"not ended", seen.HaveExited(0), r.Process("shutdown"), false, "parent (process 3) has not ended; it must exit with status 0"},
	})
	given := lives()
	given.Trailer.Because = "asleep for 2 s"
	listen(t, []voices{
		{"given up", match.In(given).HaveExited(0), given.Process("shutdown"), false, "parent (process 3) has not ended, asleep for 2 s; it must exit with status 0"},
	})
}

func TestCalls(t *testing.T) {
	r := lives()
	seen := match.In(r)
	fine, failed, end := r.Event(30), r.Event(80), r.Event(60)
	unfinished := &recording.Event{Seq: 30, PID: parent, Kind: recording.KindCall, Call: &recording.Call{Name: "pause", Fate: recording.Unfinished}}
	listen(t, []voices{
		{"succeeded", seen.HaveSucceeded(), fine, true, "parent: kill(4, 0) = 0 (event 30); it must not succeed"},
		{"failed", seen.HaveSucceeded(), failed, false, "parent: kill(4, 0) = -1 ESRCH (no such process) (event 80); it must succeed"},
		{"failed so", seen.HaveFailedWith(3), failed, true, "parent: kill(4, 0) = -1 ESRCH (no such process) (event 80); it must not fail with ESRCH (no such process)"},
		{"failed otherwise", seen.HaveFailedWith(1), failed, false, "parent: kill(4, 0) = -1 ESRCH (no such process) (event 80); it must fail with EPERM (operation not permitted)"},
		{"success is no failure", seen.HaveFailedWith(0), fine, false, "parent: kill(4, 0) = 0 (event 30); it must fail with success"},
		{"never returned", seen.HaveSucceeded(), unfinished, false, "parent: pause() ... never returns: it ends in this call (event 30); it must succeed"},
		{"no call at all", seen.HaveSucceeded(), end, false, "child ends: killed by signal 9 (SIGKILL) (event 60); it must succeed"},
	})
}

func TestOrder(t *testing.T) {
	r := lives()
	seen := match.In(r)
	const kill, end = "parent: kill(4, 0) = 0 (event 30)", "child ends: killed by signal 9 (SIGKILL) (event 60)"
	listen(t, []voices{
		{"after", seen.HappenAfter(r.Event(30)), r.Event(60), true, end + " comes 3ms after; it must not come after " + kill},
		{"before", seen.HappenAfter(r.Event(60)), r.Event(30), false, kill + " comes 3ms before; it must come after " + end},
		{"nothing comes after itself", seen.HappenAfter(r.Event(30)), r.Event(30), false, kill + " comes 0s before; it must come after " + kill},
	})
}

func TestSignals(t *testing.T) {
	r := lives()
	seen := match.In(r)
	p := r.Process("shutdown.1")
	const term = "child gets SIGTERM from the parent (process 3): its handler runs (event 40)"
	const interrupt = "child gets SIGINT from the terminal: its handler runs (event 50)"
	listen(t, []voices{
		{"any sender", seen.HaveReceived(recording.SIGTERM), p, true, term + "; it must not get SIGTERM"},
		{"that sender", seen.HaveReceived(recording.SIGTERM).From(parent), p, true, term + "; it must not get SIGTERM from process 3"},
		{"another sender", seen.HaveReceived(recording.SIGTERM).From(9), p, false, term + ", " + interrupt + "; it must get SIGTERM from process 9"},
		{"the kernel", seen.HaveReceived(recording.SIGINT).FromKernel(), p, true, interrupt + "; it must not get SIGINT from the kernel"},
		{"a process is not the kernel", seen.HaveReceived(recording.SIGTERM).FromKernel(), p, false, term + ", " + interrupt + "; it must get SIGTERM from the kernel"},
		{"another signal", seen.HaveReceived(recording.SIGHUP), p, false, term + ", " + interrupt + "; it must get SIGHUP"},
		{"none", seen.HaveReceived(recording.SIGHUP), r.Process("shutdown"), false, "parent (process 3) got no signal; it must get SIGHUP"},
	})
}

func TestWaits(t *testing.T) {
	r := lives()
	seen := match.In(r)
	const wait = "parent: wait4(4, killed by signal 9 (SIGKILL)) = 4 (event 70)"
	listen(t, []voices{
		{"reaped", seen.HaveReaped(r.Process("shutdown.1")), r.Process("shutdown"), true, wait + "; it must not collect child (process 4)"},
		{"by another", seen.HaveReaped(r.Process("shutdown.1")), r.Process("probe"), false, wait + "; it must collect child (process 4)"},
		{"by nobody", seen.HaveReaped(r.Process("probe")), r.Process("shutdown"), false, "no wait call of parent (process 3) collected it; it must collect probe (process 9)"},
	})
}

// TestMisuse: a mistake in a check is told as such, whatever the matcher.
func TestMisuse(t *testing.T) {
	r := lives()
	seen := match.In(r)
	noProcess, noEvent := (*recording.Process)(nil), (*recording.Event)(nil)
	for _, row := range []struct {
		name    string
		matcher types.GomegaMatcher
		actual  any
		says    string
	}{
		{"a number", seen.HaveExited(0), 3, "HaveExited wants a *recording.Process of the recording, and got int"},
		{"nothing", seen.BeKilledBy(9), nil, "BeKilledBy wants a *recording.Process of the recording, and got <nil>"},
		{"a process that was not found", seen.HaveReceived(9), noProcess, "HaveReceived wants a *recording.Process of the recording, and got none (*recording.Process)"},
		{"an event that was not found", seen.HaveFailedWith(3), noEvent, "HaveFailedWith wants a *recording.Event of the recording, and got none (*recording.Event)"},
		{"an event for a process", seen.HaveReaped(r.Process("probe")), noEvent, "HaveReaped wants a *recording.Process"},
		{"a process for an event", seen.HappenAfter(r.Event(30)), noProcess, "HappenAfter wants a *recording.Event"},
		{"From", seen.HaveReceived(9).From(1), 1, "HaveReceived.From wants"},
		{"FromKernel", seen.HaveReceived(9).FromKernel(), 1, "HaveReceived.FromKernel wants"},
		{"HaveSucceeded", seen.HaveSucceeded(), true, "HaveSucceeded wants"},
	} {
		t.Run(row.name, func(t *testing.T) {
			ok, err := row.matcher.Match(row.actual)
			if ok || err == nil || !strings.HasPrefix(err.Error(), row.says) {
				t.Errorf("%v, %v; want %q", ok, err, row.says)
			}
		})
	}
}

// TestSentencesAreOneSafeLine: what a program chose cannot break out of them.
func TestSentencesAreOneSafeLine(t *testing.T) {
	attack := "\x1b[2J\n\u202e"
	r := lives()
	r.Events[8].Exec.Subject = attack
	m := match.In(r).HaveExited(0)
	if _, err := m.Match(r.Process(attack)); err != nil {
		t.Fatal(err)
	}
	if says := m.FailureMessage(nil); strings.ContainsAny(says, "\x1b\n\u202e") {
		t.Errorf("%q", says)
	}
}
