package specs

import (
	"bytes"
	"slices"
	"strings"
	"time"

	"ipckit/harness/claim"
	"ipckit/harness/judge"
	"ipckit/harness/match"
	"ipckit/harness/recording"
	"ipckit/harness/scenario"

	. "github.com/onsi/gomega"
)

// family is the shutdown program's cast.
type family struct {
	parent, child *recording.Process
	request       *recording.Event // by which the parent asked the child to end, or nil
}

// relatives finds parent and child. The child is the descendant that SIGTERM was
// meant for, else the one that lived longest: a runtime may start helpers too.
func relatives(r *recording.Recording) family {
	f := family{parent: r.Process("shutdown")}
	if f.parent == nil {
		return f
	}
	for _, p := range f.parent.Tree()[1:] {
		if e := termination(r, f.parent, p); e != nil {
			return family{f.parent, p, e}
		}
		if f.child == nil || lifetime(r, p) > lifetime(r, f.child) {
			f.child = p
		}
	}
	return f
}

// lifetime returns how long a process was there.
func lifetime(r *recording.Recording, p *recording.Process) time.Duration {
	until := r.Trailer.Wall
	if p.End != nil {
		until = p.End.At
	}
	return until - p.Born.At
}

// termination returns the event by which the parent, or a process of its own that
// is not the child, sent the child SIGTERM: its delivery, or, where the child takes
// it without one (sigwaitinfo(2), signalfd(2)), the call that sent it.
func termination(r *recording.Recording, parent, child *recording.Process) *recording.Event {
	for i := range r.Events {
		e := &r.Events[i]
		if s := e.Signal; s != nil && e.PID == child.PID && s.Signal == recording.SIGTERM && s.Sender == parent.PID {
			return e
		}
	}
	for i := range r.Events {
		if e := &r.Events[i]; e.Call != nil && e.PID == parent.PID && e.Call.OK() && sends(e.Call, recording.SIGTERM, child.PID) {
			return e
		}
	}
	return nil
}

// sends reports whether a call sent the signal to the process, or to its group.
func sends(c *recording.Call, s recording.Signal, pid int) bool {
	if recording.Signal(c.Int("sig")) != s {
		return false
	}
	switch c.Name {
	case "kill", "rt_sigqueueinfo":
		return c.Int("pid") == int64(pid) || c.Int("pid") <= 0
	case "tgkill":
		return c.Int("tgid") == int64(pid)
	}
	return c.Name == "tkill" && c.Int("tid") == int64(pid) || c.Name == "pidfd_send_signal"
}

// writes returns what a process wrote to the terminal, by any of its descriptors.
func writes(r *recording.Recording, p *recording.Process) []*recording.Event {
	return r.Select(func(e *recording.Event) bool {
		return e.PID == p.PID && e.Call != nil && e.Call.OK() && recording.IsWrite(e.Call.Name) && e.Call.File() == recording.TerminalFile(p.Subject)
	})
}

var _ = add(judge.Spec{
	Claim: claim.Claim{
		ID: "shutdown.sequence", Level: claim.Must, Role: claim.Shutdown,
		Title:  "a parent starts a child, and both run side by side",
		Text:   "The program starts a child process, and lets it run for about five seconds beside itself.",
		Source: claim.Article("Graceful shutdown"),
		Why:    "Two processes are what the program is about: a signal goes from one to the other. Text on a terminal proves nothing, a process does.",
		Cause:  "fork failed, or is missing; or the child ends at once.",
		Read:   []string{"fork(2)", "signal(7)"},
	},
	On: []scenario.Name{scenario.Graceful}, Timed: true,
	Check: func(t *judge.T) {
		const least = 3500 * time.Millisecond
		f := relatives(t.Recording())
		t.Expected("a child process that lives for some five seconds beside its parent")
		t.Observed("no process was started")
		t.Evidence(end(t.Recording(), "shutdown"))
		t.Expect(f.child).NotTo(BeNil(), "a child of the program")
		t.Evidence(f.child.Born, f.child.End)
		lived := lifetime(t.Recording(), f.child)
		t.Observed("the child, process %d, lived for %s", f.child.PID, seconds(lived))
		t.Expect(lived).To(BeNumerically(">=", least), "the child's life")
	},
})

var _ = add(judge.Spec{
	Claim: claim.Claim{
		ID: "shutdown.child-prints-each-second", Level: claim.Must, Role: claim.Shutdown,
		Title:  "the child prints a line each second",
		Text:   "Until its end is asked for, the child sleeps for a second and prints a line, over and over.",
		Source: claim.Article("Graceful shutdown"),
		Why:    "It shows that the child works and is interrupted in the midst of it.",
		Cause:  "The child prints nothing, prints without sleeping, or its text waits in a buffer.",
		Read:   []string{"sleep(3)", "setvbuf(3)"},
		Needs:  []claim.ID{"shutdown.sequence"},
	},
	On: []scenario.Name{scenario.Graceful}, Timed: true,
	Check: func(t *judge.T) {
		const least, most, apart = 3, 6, 500 * time.Millisecond
		r := t.Recording()
		f := relatives(r)
		until := f.until(r)
		var lines []*recording.Event
		for _, e := range writes(r, f.child) {
			if e.At < until && (len(lines) == 0 || e.At-last(lines).At > apart) {
				lines = append(lines, e)
			}
		}
		said := slices.DeleteFunc(writes(r, f.child), func(e *recording.Event) bool { return e.At >= until })
		t.Expected("4 or 5 lines from the child, a second apart, before its end is asked for")
		t.Evidence(said[:min(len(said), 6)]...)
		t.Observed("the child wrote at %s, %s in all", plural(len(lines), "moment"), plural(bytes.Count(recording.Bytes(said), []byte("\n")), "line"))
		t.Expect(len(lines)).To(And(BeNumerically(">=", least), BeNumerically("<=", most)), "moments at which the child wrote")
		t.Expect(bytes.TrimSpace(recording.Bytes(said))).NotTo(BeEmpty(), "what it wrote")
	},
})

// until is when the child's loop was to end: the request, else its end.
func (f family) until(r *recording.Recording) time.Duration {
	switch {
	case f.request != nil:
		return f.request.At
	case f.child.End != nil:
		return f.child.End.At
	}
	return r.Trailer.Wall
}

var _ = add(judge.Spec{
	Claim: claim.Claim{
		ID: "kill.api.how-seen", Level: claim.Must, Role: claim.Shutdown,
		Title:  "the parent sends the child SIGTERM",
		Text:   "After about five seconds the parent sends its child SIGTERM, and no other process does.",
		Source: claim.Article("Graceful shutdown"),
		Why:    "SIGTERM asks a program to end, and lets it tidy up. SIGKILL gives it no chance: files stay half written, and its own children are left alone.",
		Cause:  "Another signal is sent, or it goes to another process, or the result of kill was an error.",
		Read:   []string{"kill(2)", "signal(7)"},
		Needs:  []claim.ID{"shutdown.sequence"},
	},
	On: []scenario.Name{scenario.Graceful},
	Check: func(t *judge.T) {
		r := t.Recording()
		f := relatives(r)
		t.Expected("SIGTERM, delivered to process %d, from its parent, process %d", f.child.PID, f.parent.PID)
		t.Evidence(r.Select(func(e *recording.Event) bool {
			return e.PID == f.parent.PID && e.Call != nil && e.Call.Arg("sig") != nil && e.Call.Name != "rt_sigaction"
		})...)
		t.Evidence(r.Select(func(e *recording.Event) bool { return e.PID == f.child.PID && e.Signal != nil })...)
		t.Evidence(f.request, f.child.End)
		t.Observed("no SIGTERM went from the parent to the child; the child %s", endText(f.child))
		t.Expect(f.request).NotTo(BeNil(), "SIGTERM from the parent")
		t.Observed("%s after the child's start", seconds(f.request.At-f.child.Born.At))
	},
})

func endText(p *recording.Process) string {
	if p.End == nil {
		return "still runs"
	}
	return p.End.Exit.Status.String()
}

var _ = add(judge.Spec{
	Claim: claim.Claim{
		ID: "kill.pid-zero", Level: claim.Should, Role: claim.Shutdown,
		Title:  "the parent does not hit itself",
		Text:   "The signal that ends the child does not end the parent.",
		Source: claim.Article("Signals"),
		Why:    "kill(0, sig) and kill(-group, sig) mean every process of a group, the sender too, unless it ignores the signal. A parent that ends itself cannot wait for its child any more.",
		Cause:  "kill is called with 0 or a negative number where the child's process id was meant, or with one that fork did not return.",
		Read:   []string{"kill(2)", "setpgid(2)"},
		Needs:  []claim.ID{"kill.api.how-seen"},
	},
	On: []scenario.Name{scenario.Graceful},
	Check: func(t *judge.T) {
		r := t.Recording()
		f := relatives(r)
		hit := r.Select(func(e *recording.Event) bool {
			return e.PID == f.parent.PID && e.Signal != nil && e.Signal.Sender == f.parent.PID && e.Signal.Fate == recording.FateDefault
		})
		t.Expected("the parent lives on after it has sent SIGTERM")
		t.Evidence(f.request)
		t.Evidence(hit...)
		t.Evidence(f.parent.End)
		t.Observed("the parent's own signal reached the parent")
		t.Expect(hit).To(BeEmpty(), "signals from the parent to itself")
		t.Observed("only the child got it")
	},
})

var _ = add(judge.Spec{
	Claim: claim.Claim{
		ID: "handler.installed-before-signal", Level: claim.Must, Role: claim.Shutdown,
		Title:  "the child has arranged for SIGTERM before it comes",
		Text:   "When SIGTERM comes, the child has a handler for it, or waits for it otherwise.",
		Source: claim.Article("Graceful shutdown"),
		Why:    "Until a program says otherwise, SIGTERM ends it on the spot, and nothing is tidied up.",
		Cause:  "sigaction is missing, comes too late, or is called in the parent after fork.",
		Read:   []string{"sigaction(2)", "signal(7)", "signalfd(2)"},
		Needs:  []claim.ID{"kill.api.how-seen"},
	},
	On: []scenario.Name{scenario.Graceful},
	Check: func(t *judge.T) {
		r := t.Recording()
		f := relatives(r)
		t.Expected("the child is not ended by the default action of SIGTERM")
		t.Evidence(r.Select(func(e *recording.Event) bool {
			return e.PID == f.child.PID && e.Call != nil && e.Call.Name == "rt_sigaction" && e.Call.Int("sig") == int64(recording.SIGTERM)
		})...)
		t.Evidence(f.request, f.child.End)
		s := f.request.Signal
		if s == nil {
			t.Observed("the child waits for the signal, without a handler")
			return
		}
		t.Observed("at its delivery the disposition of SIGTERM was: %s", s.Fate)
		t.Expect(s.Fate).NotTo(Equal(recording.FateDefault), "what the delivery does to the child")
	},
})

var _ = add(judge.Spec{
	Claim: claim.Claim{
		ID: "shutdown.handler-breaks-loop", Level: claim.Must, Role: claim.Shutdown,
		Title:  "SIGTERM ends the child's loop",
		Text:   "After SIGTERM the child comes to its end.",
		Source: claim.Article("Graceful shutdown"),
		Why:    "A handler runs in between and returns to where the program was. What ends the program is what the handler does, or what the loop looks at afterwards.",
		Cause:  "The handler only prints, or sets a flag that the loop never tests.",
		Read:   []string{"signal(7)", "_exit(2)"},
		Needs:  []claim.ID{"handler.installed-before-signal"},
	},
	On: []scenario.Name{scenario.Graceful},
	Check: func(t *judge.T) {
		r := t.Recording()
		f := relatives(r)
		t.Expected("the child ends soon after SIGTERM")
		t.Evidence(f.request, f.child.End)
		if f.child.End == nil {
			after := slices.DeleteFunc(writes(r, f.child), func(e *recording.Event) bool { return e.Seq < f.request.Seq })
			t.Evidence(after[:min(3, len(after))]...)
			t.Observed("the child went on for %s, until the kit ended it; it wrote %s more", seconds(r.Trailer.Wall-f.request.At), plural(len(after), "time"))
			t.Holds(false)
		}
		t.Observed("it ended %s after the signal", seconds(f.child.End.At-f.request.At))
	},
})

var _ = add(judge.Spec{
	Claim: claim.Claim{
		ID: "shutdown.child-graceful-status", Level: claim.Must, Role: claim.Shutdown,
		Title:  "the child ends by itself",
		Text:   "The child ends by exiting, with status 0 or, where its language does so after SIGTERM, 128 + 15; it is not killed.",
		Source: claim.Article("Graceful shutdown"),
		Why:    "Whoever waits for a process learns whether it came to its own end or was cut off. A service manager reports the one as stopped and the other as failed.",
		Cause:  "The handler ends with another status, or raises the signal again with its default action.",
		Read:   []string{"wait(2)", "exit(3)", "_exit(2)"},
		Needs:  []claim.ID{"shutdown.handler-breaks-loop"},
	},
	On: []scenario.Name{scenario.Graceful},
	Check: func(t *judge.T) {
		const afterTerm = 128 + int(recording.SIGTERM)
		f := relatives(t.Recording())
		t.Expected("exited with status 0, or %d", afterTerm)
		t.Evidence(f.request, f.child.End)
		t.Observed("%v", f.child.End.Exit.Status)
		status, exited := f.child.End.Exit.Status.Exited()
		t.Expect(exited).To(BeTrue(), "the child came to its own end")
		t.Expect(status).To(BeElementOf(0, afterTerm), "its exit status")
	},
})

var _ = add(judge.Spec{
	Claim: claim.Claim{
		ID: "wait.zombie-prevention", Level: claim.Must, Role: claim.Shutdown,
		Title:  "the parent waits for its child",
		Text:   "The parent collects the child's exit status after the child has ended, and lives until then.",
		Source: claim.Article("Graceful shutdown"),
		Why:    "An ended child keeps a row in the process table until its parent asks how it ended: it is a zombie. A program that never asks fills the table, and then nothing on the machine can start a process.",
		Cause:  "kill is followed by exit or sleep; wait(NULL) or waitpid(child, &status, 0) is missing.",
		Read:   []string{"wait(2)", "signal(7)"},
		Needs:  []claim.ID{"shutdown.handler-breaks-loop"},
	},
	On: []scenario.Name{scenario.Graceful},
	Check: func(t *judge.T) {
		r := t.Recording()
		f := relatives(r)
		atEnd := first(r.Select(func(e *recording.Event) bool {
			return e.State != nil && e.PID == f.child.PID && e.State.Why == "parent ends"
		}))
		t.Expected("the child's status is collected (wait, waitpid or waitid) after its end and before the parent's")
		t.Evidence(f.request, f.child.End, f.child.Collected, atEnd, f.parent.End)
		if f.parent.End != nil && f.parent.End.Seq < f.child.End.Seq {
			t.Observed("the parent ended %s before its child, and so cannot have waited", seconds(f.child.End.At-f.parent.End.At))
			t.Holds(false)
		}
		if f.child.Collected != nil {
			t.Observed("collected %s after the child's end", seconds(f.child.Collected.At-f.child.End.At))
			return
		}
		if f.parent.End == nil {
			t.Observed("the child %v; nobody collected it while its parent lived on, until the kit ended it", f.child.End.Exit.Status)
			t.Holds(false)
		}
		t.Presence(atEnd != nil, "a look at the child when its parent ended")
		switch atEnd.State.State {
		case "Z":
			t.Observed("the child %v; nobody collected it; it stayed a zombie for %s, until its parent ended", f.child.End.Exit.Status, seconds(atEnd.At-f.child.End.At))
			t.Holds(false)
		case "gone":
		default:
			t.Observed("the child was still at work when its parent came to its end, which so cannot have waited")
			t.Holds(false)
		}
		t.Observed("no wait call returned it, and it left no zombie: the parent ignores SIGCHLD, so that the kernel collects its children")
	},
})

var _ = add(judge.Spec{
	Claim: claim.Claim{
		ID: "wait.blocks-idle", Level: claim.Must, Role: claim.Shutdown,
		Title:  "the waiting parent uses no CPU",
		Text:   "While it waits for the child's end, the parent sleeps in the kernel.",
		Source: claim.Article("Graceful shutdown"),
		Why:    "wait blocks until a child has ended. A loop that asks with WNOHANG instead burns a CPU for as long as the child takes.",
		Cause:  "waitpid is called with WNOHANG in a loop without a sleep.",
		Read:   []string{"wait(2)"},
		Needs:  []claim.ID{"wait.zombie-prevention"},
	},
	On: []scenario.Name{scenario.Graceful},
	Check: func(t *judge.T) {
		const most = 10
		r := t.Recording()
		f := relatives(r)
		asks, busy := restless(r, f)
		t.Presence(f.request != nil, "a request to end")
		t.Expected("few calls of wait: the first sleeps until the child has ended, or the parent sleeps between them")
		t.Evidence(asks[:min(3, len(asks))]...)
		t.Evidence(f.child.End)
		t.Observed("%s of wait until the child was collected; %d came right after one that had found nothing", plural(len(asks), "call"), busy)
		t.Expect(busy).To(BeNumerically("<", most), "calls of wait4 or waitid without a pause")
	},
})

// restless returns the parent's wait calls, and how many of them came right after
// one that had found nothing to collect, without another call between them.
func restless(r *recording.Recording, f family) (asks []*recording.Event, busy int) {
	idle := false
	for i := range r.Events {
		e := &r.Events[i]
		if e.PID != f.parent.PID || e.Call == nil {
			continue
		}
		if e.Call.Name != "wait4" && e.Call.Name != "waitid" {
			idle = false
			continue
		}
		asks = append(asks, e)
		if idle {
			busy++
		}
		options := e.Call.Arg("options")
		idle = e.Call.OK() && e.Call.Result == 0 && options != nil && strings.Contains(options.Text, "WNOHANG")
	}
	return asks, busy
}

var _ = add(judge.Spec{
	Claim: claim.Claim{
		ID: "shutdown.order", Level: claim.Must, Role: claim.Shutdown,
		Title:  "the parent speaks last",
		Text:   "The parent's last line comes after the child's last line.",
		Source: claim.Article("Graceful shutdown"),
		Why:    "The parent's line says that the child has ended. It is true only if it comes afterwards.",
		Cause:  "The parent prints before it waits.",
		Read:   []string{"wait(2)"},
		Needs:  []claim.ID{"wait.zombie-prevention"},
	},
	On: []scenario.Name{scenario.Graceful},
	Check: func(t *judge.T) {
		r := t.Recording()
		f := relatives(r)
		parent, child := last(writes(r, f.parent)), last(writes(r, f.child))
		t.Expected("the parent writes a line after the child's last one")
		t.Evidence(child, f.child.End, parent)
		t.Observed("the parent wrote nothing")
		t.Expect(parent).NotTo(BeNil(), "a line of the parent")
		t.Presence(child != nil, "a line of the child")
		t.Expect(parent).To(match.In(r).HappenAfter(child))
		t.Observed("the parent's last line came %s after the child's", seconds(parent.At-child.At))
	},
})

var _ = add(judge.Spec{
	Claim: claim.Claim{
		ID: "shutdown.parent-status", Level: claim.Must, Role: claim.Shutdown,
		Title:  "the parent ends with status 0",
		Text:   "When all went well, the parent exits with status 0.",
		Source: claim.Article("Graceful shutdown"),
		Why:    "The exit status is how a shell or a script learns whether the shutdown succeeded.",
		Cause:  "main returns another value, or the program does not come to its end.",
		Read:   []string{"exit(3)"},
		Needs:  []claim.ID{"wait.zombie-prevention"},
	},
	On: []scenario.Name{scenario.Graceful},
	Check: func(t *judge.T) {
		r := t.Recording()
		f := relatives(r)
		t.Expected("exited with status 0")
		t.Evidence(f.child.Collected, f.parent.End)
		t.Expect(f.parent).To(match.In(r).HaveExited(0))
		t.Observed("%v", f.parent.End.Exit.Status)
	},
})
