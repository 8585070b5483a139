package report_test

import (
	"time"

	"ipckit/harness/claim"
)

// The results that the tests write. Each is as judge would hand it over.

func passing() *claim.Result {
	r := result(
		verdict("socket.sequence.four-steps", claim.Pass),
		verdict("server.echo.exact", claim.Pass),
		verdict("server.style.iterative", claim.Pass, func(v *claim.Verdict) { v.Observed = "iterative: one process, one thread, one client after the other" }),
		verdict("wait.zombie-prevention", claim.Pass),
		verdict("signal.terminal.ctrl-c", claim.Pass, func(v *claim.Verdict) {
			v.Observed = "byte 0x03 typed; both processes of the group got signal 2 (SIGINT) from the kernel (SI_KERNEL)"
		}),
		verdict("kill.zero-probe", claim.Pass),
	)
	r.Recordings = ""
	return r
}

func failing() *claim.Result {
	return result(
		verdict("socket.sequence.four-steps", claim.Pass),
		verdict("server.echo.exact", claim.Fail, echo),
		verdict("server.style.iterative", claim.Pass, func(v *claim.Verdict) { v.Observed = "iterative: one process, one thread, one client after the other" }),
		verdict("wait.zombie-prevention", claim.Fail, zombie),
		verdict("shutdown.exit-zero", claim.Skip, func(v *claim.Verdict) { v.DependsOnFailed = "wait.zombie-prevention" }),
		verdict("shutdown.last-line", claim.Skip, func(v *claim.Verdict) { v.DependsOnFailed = "shutdown.exit-zero" }),
		verdict("signal.terminal.ctrl-c", claim.Pass, func(v *claim.Verdict) {
			v.Observed = "byte 0x03 typed; both processes of the group got signal 2 (SIGINT) from the kernel (SI_KERNEL)"
		}),
		verdict("kill.zero-probe", claim.Pass),
	)
}

func undecided() *claim.Result {
	r := result(
		verdict("socket.sequence.four-steps", claim.NotJudged, func(v *claim.Verdict) { v.Reason = "the server ended before it listened" }),
		verdict("server.echo.exact", claim.Skip, func(v *claim.Verdict) { v.DependsOnFailed = "socket.sequence.four-steps" }),
		verdict("server.style.iterative", claim.NotJudged, func(v *claim.Verdict) { v.Reason = "the server ended before it listened" }),
		verdict("wait.zombie-prevention", claim.Flaky, func(v *claim.Verdict) {
			v.Observed = "held in 3 of 5 repetitions; in the others the parent ended first"
			v.Rerun = "ipckit run --shutdown ./shutdown --claims wait.zombie-prevention"
		}),
		verdict("shutdown.exit-zero", claim.Broken, func(v *claim.Verdict) { v.Reason = "the recorder lost a process: no such process" }),
		verdict("kill.zero-probe", claim.NotJudged, func(v *claim.Verdict) { v.Reason = "no C compiler: neither cc nor gcc nor clang was found" }),
	)
	r.Environment.Isolation, r.Environment.IsolationWhy = "none", "user namespaces are switched off (kernel.unprivileged_userns_clone = 0)"
	return r
}

// forged is a result in which every foreign field is an attack.
func forged(attack string) *claim.Result {
	r := failing()
	r.Recordings = "/tmp/" + attack
	r.Environment.Kernel, r.Environment.Isolation, r.Environment.IsolationWhy = attack, attack, attack
	r.Environment.Sysctls = map[string]string{attack: attack}
	for i := range r.Subjects {
		r.Subjects[i].Path, r.Subjects[i].Argv = attack, []string{attack, attack}
	}
	for i := range r.Verdicts {
		v := &r.Verdicts[i]
		v.Message, v.Did, v.Expected, v.Observed, v.Reason, v.Details, v.Rerun = attack, attack, attack, attack, attack, attack, attack
		v.Evidence = []claim.Evidence{{Recording: attack, Events: []int{1}}}
		v.Excerpt = []claim.Line{{Recording: attack, Who: attack, What: attack, Gloss: attack}}
	}
	return r
}

func result(verdicts ...claim.Verdict) *claim.Result {
	return &claim.Result{
		Kit: claim.Kit{Version: "v1.2.3", Catalogue: "sha256:00"},
		Environment: claim.Environment{
			Kernel: "6.12.3", Arch: "amd64", Isolation: "namespaces",
			Sysctls: map[string]string{"net.core.somaxconn": "4096"}, CPUs: 2, Seed: 1, TimeoutScale: 1,
		},
		Subjects: []claim.Subject{
			{Role: "server", Path: "./server", SHA256: "ab", Argv: []string{"./server"}},
			{Role: "shutdown", Path: "./shutdown", SHA256: "cd", Argv: []string{"./shutdown"}},
		},
		Claims: catalogue(), Verdicts: verdicts, Recordings: "~/.cache/ipckit/run-7",
		Started: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), Wall: 6400 * time.Millisecond, CPU: 210 * time.Millisecond,
	}
}

func verdict(id claim.ID, o claim.Outcome, changes ...func(*claim.Verdict)) claim.Verdict {
	c := catalogue()[id]
	v := claim.Verdict{Claim: id, Level: c.Level, Role: c.Role, Outcome: o, Message: c.Title, Duration: 300 * time.Microsecond}
	for _, change := range changes {
		change(&v)
	}
	return v
}

func zombie(v *claim.Verdict) {
	v.Did = "ran ./shutdown on a terminal until its parent ended (6.02 s)"
	v.Expected = "the parent collects the child's exit status (wait, waitpid or waitid) after the child ends"
	v.Observed = "the child (pid 8) ended at 5.00 s with status 0; nobody collected it; it stayed a zombie for 1.02 s, until the parent (pid 7) ended"
	v.Details = "Expected\n    <*recording.Event>: nil\nnot to be nil"
	v.Evidence = []claim.Evidence{{Recording: "shutdown-plain", Events: []int{40, 41, 43, 44, 52}}}
	v.Rerun = "ipckit run --shutdown ./shutdown --claims wait.zombie-prevention"
	line := func(at time.Duration, event int, who, what, gloss string) {
		v.Excerpt = append(v.Excerpt, claim.Line{Recording: "shutdown-plain", Event: event, At: at * time.Millisecond, Who: who, What: what, Gloss: gloss})
	}
	line(5000, 40, "parent", "kill(8, SIGTERM) = 0", "asks the child to end")
	line(5000, 41, "child", "gets SIGTERM from its parent, handler runs", "")
	line(5001, 43, "child", "exit_group(0)", "from here on a zombie")
	line(5001, 44, "parent", "clock_nanosleep(1 s) ...", "no wait before it ends")
	line(6021, 52, "parent", "exit_group(0)", "the child is still in state Z, and passes to process 1, which may or may not collect it")
}

func echo(v *claim.Verdict) {
	v.Did = "sent the three titles, each in one write"
	v.Expected = `13 bytes back: "War and Peace"`
	v.Observed = `257 bytes back: "War and Peace" and 244 × \x00`
	v.Evidence = []claim.Evidence{{Recording: "server-titles", Events: []int{12, 13}}}
	v.Excerpt = []claim.Line{{Recording: "server-titles", Event: 12, At: 103 * time.Millisecond, Who: "server", What: `write(4, "War and Peace"..., 257) = 257`}}
	v.Rerun = "ipckit run --server ./server --claims server.echo.exact"
}

func catalogue() map[claim.ID]claim.Claim {
	all := map[claim.ID]claim.Claim{}
	for _, c := range []claim.Claim{
		{ID: "socket.sequence.four-steps", Level: claim.Must, Role: claim.Server, Title: "socket, bind, listen, accept, in this order",
			Text: "The server calls socket, bind, listen and accept in this order.", Source: claim.Article("The socket server")},
		{ID: "server.echo.exact", Level: claim.Should, Role: claim.Server, Title: "the echo is exactly what was sent",
			Text:  "The server sends back the bytes that it got, and no others.",
			Cause: "write(fd, buffer, sizeof buffer) where write(fd, buffer, count) is meant"},
		{ID: "server.style.iterative", Level: claim.May, Role: claim.Server, Title: "one client after the other, or several at once"},
		{ID: "wait.zombie-prevention", Level: claim.Must, Role: claim.Shutdown, Title: "the parent waits for its child",
			Text:   "The parent collects its child's exit status.",
			Why:    "an ended child keeps a row in the process table until its parent asks how it ended. A server that never asks fills the table, and then nothing on the machine can start a process.",
			Cause:  "kill() is followed by exit or sleep; wait(NULL) or waitpid(child, &status, 0) is missing",
			Source: claim.Article("The graceful shutdown"), Read: []string{"wait(2), section NOTES"}},
		{ID: "shutdown.exit-zero", Level: claim.Must, Role: claim.Shutdown, Title: "the parent exits with status 0", Needs: []claim.ID{"wait.zombie-prevention"}},
		{ID: "shutdown.last-line", Level: claim.Should, Role: claim.Shutdown, Title: "the parent says that it ends", Needs: []claim.ID{"shutdown.exit-zero"}},
		{ID: "signal.terminal.ctrl-c", Level: claim.Fact, Role: claim.Kernel, Title: "Ctrl+C makes the terminal send SIGINT (2) to the foreground group",
			Text: "Ctrl+C sends SIGINT to the foreground process group.", Erratum: "Ctrl+C sends SIGTERM", Source: claim.Article("Signals")},
		{ID: "kill.zero-probe", Level: claim.Fact, Role: claim.Kernel, Title: "kill(pid, 0) sends nothing and tells whether the process is there"},
	} {
		all[c.ID] = c
	}
	return all
}
