package specs

import (
	"fmt"
	"slices"
	"strings"

	"ipckit/harness/claim"
	"ipckit/harness/judge"
	"ipckit/harness/match"
	"ipckit/harness/recording"
	"ipckit/harness/scenario"

	. "github.com/onsi/gomega"
)

// einval and its like are error numbers that facts speak of (errno(3)).
const (
	eperm  recording.Errno = 1
	esrch  recording.Errno = 3
	echild recording.Errno = 10
	einval recording.Errno = 22
)

// probed demands that the probe came to its end, and returns its calls of those
// names.
func probed(t *judge.T, names ...string) []*recording.Event {
	r := t.Recording()
	p := r.Process("probe")
	t.Presence(p != nil, "the probe")
	calls := r.Select(func(e *recording.Event) bool {
		return e.Call != nil && r.SubjectOf(e) == "probe" && slices.Contains(names, e.Call.Name)
	})
	t.Presence(len(calls) > 0, "calls of %v by the probe", names)
	return calls
}

// where keeps the events for which the condition holds.
func where(events []*recording.Event, keep func(*recording.Event) bool) []*recording.Event {
	return slices.DeleteFunc(slices.Clone(events), func(e *recording.Event) bool { return !keep(e) })
}

var _ = add(judge.Spec{
	Claim: claim.Claim{
		ID: "socket.listen.backlog-refused", Level: claim.Fact, Role: claim.Kernel,
		Title:   "a full backlog makes clients wait, it does not refuse them",
		Text:    "When listen(fd, 8) has been called and nobody accepts, nine clients connect; the tenth waits, and none is refused.",
		Source:  claim.Article("The socket server"),
		Erratum: "when the backlog is full, the server issues a connection refused error",
		Why:     "Who believes in the refusal looks for \"connection refused\" when a server is overloaded, and finds clients that hang. Linux drops the request of the one too many, and the client asks again after one second, then two, then four.",
		Read:    []string{"listen(2)", "tcp(7)", "connect(2)"},
	},
	On: []scenario.Name{scenario.FullBacklog},
	Check: func(t *judge.T) {
		r := t.Recording()
		backlog := first(r.Calls("probe", "listen"))
		t.Presence(backlog != nil && backlog.Call.OK() && backlog.Call.Int("backlog") == 8, "listen(fd, 8)")
		full := sockets(r, "queue full")
		t.Presence(r.Mark("one more") != nil && full != nil, "nine clients and a tenth")
		through := r.Peers("", recording.ActConnected)
		// Afterwards we give the tenth up ourselves.
		refused := where(r.Peers("", recording.ActFailed), func(e *recording.Event) bool { return e.Seq < full.Seq })
		t.Expected("nine connections, the tenth still in SYN_SENT, no refusal")
		t.Evidence(backlog, first(through), last(through), full)
		t.Evidence(refused...)
		row := listening(full)
		t.Observed("%s came through, %d refused", plural(len(through), "client"), len(refused))
		t.Expect(refused).To(BeEmpty(), "clients that were refused")
		t.Expect(through).To(HaveLen(scenario.Fitting), "clients that connected")
		t.Expect(row).NotTo(BeNil(), "the kernel's row of the listening socket")
		t.Expect([]int{row.Received, row.Queue}).To(Equal([]int{scenario.Fitting, 8}), "waiting connections, and the backlog, by sock_diag")
		t.Expect(slices.ContainsFunc(full.Sockets.Rows, func(s recording.SocketRow) bool { return s.State == "SYN_SENT" })).To(BeTrue(), "the tenth client's request is on its way")
		t.Observed("nine clients connected, the tenth waited in SYN_SENT, none was refused; the queue held %d with a backlog of %d", row.Received, row.Queue)
	},
})

var _ = add(judge.Spec{
	Claim: claim.Claim{
		ID: "signal.kill-stop.uncatchable", Level: claim.Fact, Role: claim.Kernel,
		Title:  "SIGKILL and SIGSTOP cannot be caught, ignored or blocked",
		Text:   "sigaction refuses to change what SIGKILL and SIGSTOP do; blocking them succeeds and changes nothing; they work on a process that tried all that.",
		Source: claim.Article("Signals"),
		Why:    "There must be a way to stop and to end any program, however it is written. For these two the kernel asks nobody.",
		Read:   []string{"signal(7)", "sigaction(2)", "sigprocmask(2)"},
	},
	On: []scenario.Name{scenario.Uncatchable},
	Check: func(t *judge.T) {
		r := t.Recording()
		forever := []int64{int64(recording.SIGKILL), int64(recording.SIGSTOP)}
		attempts := where(probed(t, "rt_sigaction"), func(e *recording.Event) bool {
			return slices.Contains(forever, e.Call.Int("sig")) && e.Call.Arg("act").Action != nil
		})
		t.Presence(len(attempts) >= 4, "attempts to catch and to ignore both")
		t.Expected("every sigaction on them fails with EINVAL; stopped by SIGSTOP, killed by SIGKILL all the same")
		t.Evidence(attempts[:min(6, len(attempts))]...)
		seen := match.In(r)
		for _, e := range attempts {
			t.Expect(e).To(seen.HaveFailedWith(einval))
		}
		for _, e := range where(probed(t, "rt_sigprocmask"), func(e *recording.Event) bool { return e.Call.Arg("oldset").Set != nil }) {
			blocked := *e.Call.Arg("oldset").Set
			t.Observed("blocked: %v", blocked)
			t.Expect(blocked.Has(recording.SIGKILL) || blocked.Has(recording.SIGSTOP)).To(BeFalse(), "the mask that is in force")
		}
		victim := r.Process("probe.1")
		t.Presence(victim != nil && victim.End != nil, "a child that was stopped and killed")
		stopped := first(r.Select(func(e *recording.Event) bool {
			return e.Stop != nil && e.PID == victim.PID && e.Stop.Signal == recording.SIGSTOP
		}))
		t.Evidence(stopped, victim.End, victim.Collected)
		t.Observed("the child was not stopped")
		t.Expect(stopped).NotTo(BeNil(), "the stop by SIGSTOP")
		t.Expect(victim).To(seen.BeKilledBy(recording.SIGKILL))
		t.Observed("%s refused with EINVAL, nothing of the two blocked; the child was stopped by 19 and killed by 9", plural(len(attempts), "attempt"))
	},
})

// probes0 returns the calls of kill with signal 0 on a process.
func probes0(t *judge.T, pid int) []*recording.Event {
	return where(probed(t, "kill"), func(e *recording.Event) bool {
		return e.Call.Int("sig") == 0 && e.Call.Int("pid") == int64(pid)
	})
}

var _ = add(judge.Spec{
	Claim: claim.Claim{
		ID: "kill.signal-zero-probe", Level: claim.Fact, Role: claim.Kernel,
		Title:   "kill with signal 0 tells whether a process id is taken, by a zombie too",
		Text:    "kill(pid, 0) sends nothing: it finds living processes, and ended ones that were not waited for, and fails with ESRCH when there is none.",
		Source:  claim.Article("Signals"),
		Erratum: "signal 0 tells whether a process id is valid",
		Why:     "A child that has ended, and whose parent has not asked how, still has its number: it is called a zombie. A loop that waits until kill(pid, 0) fails never ends there, for the zombie answers.",
		Read:    []string{"kill(2)", "wait(2)"},
	},
	On: []scenario.Name{scenario.SignalZero},
	Check: func(t *judge.T) {
		child := t.Recording().Process("probe.1")
		t.Presence(child != nil && child.End != nil && child.Collected != nil, "a child that ended and was waited for")
		asked := probes0(t, child.PID)
		t.Presence(len(asked) == 3, "three probes of the child")
		t.Expected("0 while it lives, 0 as a zombie, ESRCH after it was waited for")
		t.Evidence(asked...)
		t.Evidence(child.End, child.Collected)
		t.Presence(asked[0].Seq < child.End.Seq && asked[1].Call.Enter > child.End.Seq && asked[1].Seq < child.Collected.Seq && asked[2].Seq > child.Collected.Seq,
			"one probe of each state")
		seen := match.In(t.Recording())
		t.Expect(asked[0]).To(seen.HaveSucceeded())
		t.Expect(asked[1]).To(seen.HaveSucceeded())
		t.Expect(asked[2]).To(seen.HaveFailedWith(esrch))
		t.Observed("living: %v; zombie: %v; waited for: %v", asked[0].Call.Errno, asked[1].Call.Errno, asked[2].Call.Errno)
	},
})

var _ = add(judge.Spec{
	Claim: claim.Claim{
		ID: "kill.permission", Level: claim.Fact, Role: claim.Kernel,
		Title:  "another user's process gives EPERM, which also says that it exists",
		Text:   "kill(pid, 0) on a process of another user fails with EPERM, not with ESRCH.",
		Source: claim.Beyond,
		Why:    "A program that takes every failure for \"there is no such process\" starts a second copy of a service that another user runs.",
		Read:   []string{"kill(2)", "credentials(7)"},
	},
	On: []scenario.Name{scenario.SignalZero},
	Check: func(t *judge.T) {
		stranger := t.Recording().Process("stranger")
		if stranger == nil {
			t.NotJudged("one user id only: a second one needs root, or subordinate ids")
		}
		asked := probes0(t, stranger.PID)
		t.Presence(len(asked) == 1 && stranger.Alive(), "a probe of a living process of another user")
		t.Expected("EPERM")
		t.Evidence(states(t.Recording(), "another user's process")...)
		t.Evidence(asked...)
		t.Expect(asked[0]).To(match.In(t.Recording()).HaveFailedWith(eperm))
		t.Observed("%v", asked[0].Call.Errno)
	},
})

var _ = add(judge.Spec{
	Claim: claim.Claim{
		ID: "wait.zombie-until-waited", Level: claim.Fact, Role: claim.Kernel,
		Title:   "an ended child is a zombie until its parent waits",
		Text:    "A child that has ended keeps its place in the process table, in state Z; no signal changes that, and the parent's wait removes it.",
		Source:  claim.Article("Graceful shutdown"),
		Erratum: "a child that nobody waits for becomes a permanent zombie",
		Why:     "The row holds the exit status for the parent. Nothing is left of the process itself: that is why a zombie cannot be killed, it is dead already.",
		Read:    []string{"wait(2)", "proc_pid_stat(5)"},
	},
	On: []scenario.Name{scenario.Zombie},
	Check: func(t *judge.T) {
		r := t.Recording()
		child := r.Process("probe.1")
		t.Presence(child != nil && child.End != nil, "a child that ended")
		t.Expected("SIGKILL succeeds and changes nothing; waitpid returns the child's own status 3, a second one ECHILD; then kill says ESRCH")
		strikes := where(probed(t, "kill"), func(e *recording.Event) bool { return e.Call.Int("pid") == int64(child.PID) })
		waits := where(probed(t, "wait4"), func(e *recording.Event) bool { return e.Call.Int("pid") == int64(child.PID) })
		t.Evidence(child.End)
		t.Evidence(strikes...)
		t.Evidence(waits...)
		t.Evidence(writes(r, r.Process("probe"))...)
		t.Presence(len(strikes) == 2 && len(waits) == 2 && strikes[0].Call.Enter > child.End.Seq, "SIGKILL to the zombie, then two waits, then a probe")
		seen := match.In(r)
		t.Expect(strikes[0]).To(seen.HaveSucceeded())
		for _, look := range []string{"before it was waited for: state Z\n", "after SIGKILL: state Z\n"} {
			t.Observed("the probe looked into /proc and wrote %s", quoted(r.Terminal("probe")))
			t.Expect(string(r.Terminal("probe"))).To(ContainSubstring(look), "what /proc says of the child")
		}
		t.Expect(r.Process("probe")).To(seen.HaveReaped(child))
		t.Expect(child).To(seen.HaveExited(3))
		t.Observed("the first wait: %s", waitText(waits[0].Call))
		t.Expect(waitText(waits[0].Call)).To(Equal("the child, exited with status 3"), "the status is the child's own, not SIGKILL's")
		t.Expect(waits[1]).To(seen.HaveFailedWith(echild))
		t.Expect(strikes[1]).To(seen.HaveFailedWith(esrch))
		t.Observed("SIGKILL to the zombie: %v; its state before and after it: Z; first wait: %s; second wait: %v; kill(pid, 0) then: %v",
			strikes[0].Call.Errno, waitText(waits[0].Call), waits[1].Call.Errno, strikes[1].Call.Errno)
	},
})

// waitText says what a wait call returned.
func waitText(c *recording.Call) string {
	if status := c.Arg("wstatus").Status; status != nil {
		return "the child, " + status.String()
	}
	return c.Errno.String()
}

var _ = add(judge.Spec{
	Claim: claim.Claim{
		ID: "signal.terminal.ctrl-c", Level: claim.Fact, Role: claim.Kernel,
		Title:   "Ctrl+C makes the terminal send SIGINT to the foreground group",
		Text:    "When Ctrl+C is typed, the terminal sends SIGINT (2), not SIGTERM, to every process of its foreground group.",
		Source:  claim.Article("The socket server"),
		Erratum: "Ctrl+C generates a SIGTERM signal",
		Why:     "A program that catches SIGTERM only, in order to tidy up on Ctrl+C, is ended by the SIGINT that it never asked for.",
		Read:    []string{"termios(3)", "signal(7)"},
	},
	On: []scenario.Name{scenario.TypedCtrlC},
	Check: func(t *judge.T) {
		r := t.Recording()
		typed := first(r.Peers("keyboard", recording.ActTyped))
		members := r.Processes()
		t.Presence(typed != nil && len(members) == 2, "Ctrl+C, typed at a process and its child")
		t.Expected("SIGINT from the kernel (SI_KERNEL) to both, SIGTERM to none")
		t.Evidence(typed)
		for _, p := range members {
			t.Evidence(r.Select(func(e *recording.Event) bool {
				return e.PID == p.PID && e.Signal != nil && e.Seq > typed.Seq && e.Signal.Signal != recording.SIGCHLD
			})...)
			t.Expect(p).To(match.In(r).HaveReceived(recording.SIGINT).FromKernel())
			t.Expect(p).NotTo(match.In(r).HaveReceived(recording.SIGTERM))
		}
		t.Observed("byte 0x03 typed: both processes of the group got SIGINT from the kernel (SI_KERNEL), while SIGTERM was ignored by both")
	},
})

var _ = add(judge.Spec{
	Claim: claim.Claim{
		ID: "sigaction.second-argument", Level: claim.Fact, Role: claim.Kernel,
		Title:   "sigaction's second argument is the new action, its third receives the old one",
		Text:    "What sigaction gets as second argument is in force afterwards; the third receives what was in force before; NULL as second argument changes nothing.",
		Source:  claim.Article("Graceful shutdown"),
		Erratum: "the second argument is the current action",
		Why:     "Who takes the second argument for the current action, and reads it afterwards, reads what was written there before. Restoring an action needs the third.",
		Read:    []string{"sigaction(2)"},
	},
	On: []scenario.Name{scenario.SigactionArguments},
	Check: func(t *judge.T) {
		calls := where(probed(t, "rt_sigaction"), func(e *recording.Event) bool { return e.Call.Int("sig") == int64(recording.SIGUSR1) })
		t.Expected("each old action is the one that the last second argument set, the default at first")
		t.Evidence(calls...)
		force := recording.Action{Handler: recording.HandlerDefault}
		sets, asks := 0, 0
		for _, e := range calls {
			if old := e.Call.Arg("oldact").Action; old != nil {
				t.Observed("the third argument received %s, while %s was in force", actionText(*old), actionText(force))
				t.Expect(*old).To(Equal(force), "the old action")
				asks++
			}
			if set := e.Call.Arg("act").Action; set != nil {
				force = *set
				sets++
			}
		}
		t.Presence(sets >= 2 && asks >= 4, "actions that were set, and asked for")
		t.Observed("%s set by the second argument, %s read back by the third, all alike", plural(sets, "action"), plural(asks, "action"))
	},
})

// actionText shows all that sigaction(2) takes and returns.
func actionText(a recording.Action) string {
	return strings.TrimSpace(fmt.Sprintf("%s %s", a.Handler, a.Flags)) + fmt.Sprintf(" holding back %v", a.Mask)
}
