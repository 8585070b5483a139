package recording_test

import (
	"strings"
	"testing"
	"time"

	"ipckit/harness/recording"
)

const second = time.Second

func sig(s recording.Signal) recording.Arg {
	return recording.Arg{Name: "sig", Int: int64(s), Text: s.String()}
}

func bytesArg(text string, length int) recording.Arg {
	return recording.Arg{Name: "buf", Data: &recording.Data{Bytes: []byte(text), Len: length}}
}

func number(name string, n int64) recording.Arg { return recording.Arg{Name: name, Int: n} }

func named(name, text string) recording.Arg { return recording.Arg{Name: name, Int: 1, Text: text} }

func address(ip string, port int) recording.Arg {
	return recording.Arg{Name: "addr", Addr: &recording.Addr{Family: "AF_INET", IP: ip, Port: port}}
}

func sleeping(d time.Duration) recording.Arg { return recording.Arg{Name: "t", Time: &d} }

func act(handler, flags string) recording.Arg {
	return recording.Arg{Name: "act", Action: &recording.Action{Handler: handler, Flags: flags}}
}

func mask(set recording.SignalSet) recording.Arg { return recording.Arg{Name: "set", Set: &set} }

// theCall makes a call event of the process.
func theCall(pid int, name string, result int64, args ...recording.Arg) recording.Event {
	return recording.Event{Kind: recording.KindCall, PID: pid, Call: &recording.Call{Name: name, Result: result, Args: args}}
}

func failing(e recording.Event, errno recording.Errno) recording.Event {
	e.Call.Result, e.Call.Errno = -1, errno
	return e
}

func fated(e recording.Event, fate recording.Fate) recording.Event {
	e.Call.Fate = fate
	return e
}

func lasting(e recording.Event, d time.Duration) recording.Event {
	e.At = e.Call.Began + d
	return e
}

func delivery(pid int, d recording.Deliver) recording.Event {
	return recording.Event{Kind: recording.KindSignal, PID: pid, Signal: &d}
}

func peer(p recording.Peer) recording.Event {
	return recording.Event{Kind: recording.KindPeer, Peer: &p}
}

// family is a server with a child and a grandchild, and a shutdown program.
func family() *script {
	s := newScript()
	s.Header.Subjects = append(s.Header.Subjects, recording.Subject{Name: "shutdown", Role: "shutdown"})
	s.exec(2, "server")
	s.spawn(2, 3, recording.ByFork)
	s.spawn(3, 4, recording.ByFork)
	s.exec(7, "shutdown")
	s.spawn(7, 8, recording.ByFork)
	s.spawn(8, 9, recording.ByFork)
	return s
}

type lineTest struct {
	name             string
	event            recording.Event
	who, what, gloss string
}

func checkLines(t *testing.T, tests []lineTest) {
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := family()
			s.add(test.event)
			l := s.Line(&s.Events[len(s.Events)-1])
			same(t, "who", l.Who, test.who)
			same(t, "what", l.What, test.what)
			same(t, "gloss", l.Gloss, test.gloss)
		})
	}
}

func TestCallLines(t *testing.T) {
	listening, connection := fd(3, "socket:[9]"), fd(4, "socket:[10]")
	checkLines(t, []lineTest{
		{"socket", theCall(2, "socket", 3, named("domain", "AF_INET"), named("type", "SOCK_STREAM"), named("protocol", "0")),
			"server", "socket(AF_INET, SOCK_STREAM, 0) = 3", "a TCP endpoint, not yet connected"},
		{"bind in use", failing(theCall(2, "bind", 0, listening, address("127.0.0.1", 9876)), 98),
			"server", "bind(3, 127.0.0.1:9876) = -1 EADDRINUSE (address already in use)", "another socket has the port, or an old connection keeps it (TIME_WAIT)"},
		{"bind", theCall(2, "bind", 0, listening, address("0.0.0.0", 9876)),
			"server", "bind(3, 0.0.0.0:9876) = 0", "the socket gets port 9876, on every address of the machine"},
		{"listen", theCall(2, "listen", 0, listening, number("backlog", 8)),
			"server", "listen(3, 8) = 0", "queue of 8 (9 fit) for clients not yet accepted"},
		{"reuse", theCall(2, "setsockopt", 0, listening, named("level", "SOL_SOCKET"), named("optname", "SO_REUSEADDR"), number("optval", 1)),
			"server", "setsockopt(3, SOL_SOCKET, SO_REUSEADDR, 1) = 0", "the port may be taken again although old connections linger in TIME_WAIT"},
		{"accept", lasting(theCall(2, "accept", 4, listening, address("127.0.0.1", 40112)), second),
			"server", "accept(3, 127.0.0.1:40112) = 4, after 1.00 s", "new descriptor 4; 3 goes on listening"},
		{"accept, address not asked for", theCall(2, "accept", 4, listening, recording.Arg{Name: "addr", Out: true}),
			"server", "accept(3) = 4", "new descriptor 4; 3 goes on listening"},
		{"accept unfinished", lasting(fated(theCall(2, "accept", 0, listening), recording.Unfinished), 20*time.Millisecond),
			"server", "accept(3) ... never returns: it ends in this call, after 20 ms", ""},
		{"connect refused", failing(theCall(2, "connect", 0, listening, address("127.0.0.1", 9876)), 111),
			"server", "connect(3, 127.0.0.1:9876) = -1 ECONNREFUSED (connection refused)", "nobody listens on this port"},
		{"write", theCall(2, "write", 13, connection, bytesArg("War and Peace", 13), number("count", 13)),
			"server", `write(4, "War and Peace", 13) = 13`, ""},
		{"write with padding", theCall(2, "write", 257, connection, bytesArg("War and Peace"+strings.Repeat("\x00", 244), 257), number("count", 257)),
			"server", `write(4, "War and Peace" and 244 × \x00, 257) = 257`, ""},
		{"long write", theCall(2, "write", 100, connection, bytesArg(strings.Repeat("a", 257), 257), number("count", 257)),
			"server", `write(4, "` + strings.Repeat("a", 60) + `" (first 60 of 257 bytes), 257) = 100`, "only 100 of 257 bytes were taken: the rest must be written again"},
		{"write of which less was kept", theCall(2, "write", 9, connection, bytesArg("abc", 9), number("count", 9)),
			"server", `write(4, "abc" (first 3 of 9 bytes), 9) = 9`, ""},
		{"read of nothing", theCall(2, "read", 0, connection, recording.Arg{Name: "buf", Data: &recording.Data{}, Out: true}, number("count", 256)),
			"server", `read(4, "", 256) = 0`, "the other side has closed"},
		{"read fails", failing(theCall(2, "read", 0, connection, recording.Arg{Name: "buf", Out: true}, number("count", 256)), 104),
			"server", `read(4, buf, 256) = -1 ECONNRESET (connection reset by peer)`, "the other side has broken the connection off"},
		{"read begun anew", fated(theCall(2, "read", 0, connection, recording.Arg{Name: "buf", Out: true}, number("count", 256)), recording.Restarted),
			"server", `read(4, buf, 256) ... interrupted, and begun anew by the kernel`, "the program notices nothing of the signal here"},
		{"denied", fated(failing(theCall(2, "ptrace", 0), 1), recording.Denied),
			"server", "ptrace() = -1 EPERM (operation not permitted): refused by the cage", "no exercise needs this call; the kit's cage keeps it from happening"},
	})
}

func TestSignalCallLines(t *testing.T) {
	remain := 4 * time.Millisecond
	pid := func(n int64) recording.Arg { return number("pid", n) }
	checkLines(t, []lineTest{
		{"kill", theCall(7, "kill", 0, pid(8), sig(15)), "parent", "kill(8, SIGTERM) = 0", "sends SIGTERM to the child"},
		{"kill the dead", failing(theCall(7, "kill", 0, pid(99), sig(15)), 3), "parent", "kill(99, SIGTERM) = -1 ESRCH (no such process)", "there is no such process any more"},
		{"kill with 0", theCall(8, "kill", 0, pid(7), number("sig", 0)), "child", "kill(7, 0) = 0", "signal 0 sends nothing: it asks whether the process exists"},
		{"kill itself", theCall(8, "kill", 0, pid(8), sig(9)), "child", "kill(8, SIGKILL) = 0", "sends SIGKILL to itself"},
		{"kill the group", theCall(7, "kill", 0, pid(0), sig(15)), "parent", "kill(0, SIGTERM) = 0", "sends SIGTERM to every process of its group"},
		{"wait4", theCall(7, "wait4", 8, pid(8), status(0), number("options", 0)), "parent", "wait4(8, exited with status 0) = 8", "collects the child: exited with status 0"},
		{"wait4 without status", theCall(7, "wait4", 8, pid(-1), recording.Arg{Name: "wstatus", Out: true}), "parent", "wait4(-1) = 8", "collects the child; how it ended was not asked for"},
		{"wait4 too early", theCall(7, "wait4", 0, pid(8), recording.Arg{Name: "wstatus", Out: true}, options("WNOHANG")), "parent", "wait4(8, WNOHANG) = 0", "WNOHANG: no child has ended yet, and it does not wait"},
		{"waitid", theCall(7, "waitid", 0, named("idtype", "P_ALL"), infop(8, 15), options("WEXITED")), "parent",
			"waitid(P_ALL, process 8 killed by signal 15 (SIGTERM), WEXITED) = 0", "collects the child: killed by signal 15 (SIGTERM)"},
		{"no child", failing(theCall(7, "wait4", 0, pid(-1)), 10), "parent", "wait4(-1) = -1 ECHILD (no child processes)", "there is no child left to wait for"},
		{"sleep interrupted", failing(theCall(8, "clock_nanosleep", 0, named("clockid", "CLOCK_REALTIME"), number("flags", 0), sleeping(second), recording.Arg{Name: "remain", Time: &remain, Out: true}), 4),
			"child", "clock_nanosleep(1 s) ... interrupted: EINTR", "a signal ended the sleep, 4 ms early"},
		{"sleep until", theCall(8, "clock_nanosleep", 0, named("flags", "TIMER_ABSTIME"), sleeping(7*second)), "child", "clock_nanosleep(until a set time) = 0", ""},
		{"handler", theCall(8, "rt_sigaction", 0, sig(15), act("handler", "SA_RESTART|SA_RESTORER"), recording.Arg{Name: "oldact", Out: true}),
			"child", "rt_sigaction(SIGTERM, handler, SA_RESTART) = 0", "from here on SIGTERM runs a function of the program; a call that it interrupts goes on"},
		{"uncatchable", failing(theCall(8, "rt_sigaction", 0, sig(9), act("handler", "")), 22),
			"child", "rt_sigaction(SIGKILL, handler) = -1 EINVAL (invalid argument)", "SIGKILL and SIGSTOP cannot be caught or ignored"},
		{"what is in force", theCall(8, "rt_sigaction", 0, sig(15), recording.Arg{Name: "act"}, recording.Arg{Name: "oldact", Action: &recording.Action{Handler: "SIG_DFL"}, Out: true}),
			"child", "rt_sigaction(SIGTERM, NULL, SIG_DFL) = 0", "only asks what is in force"},
		{"mask", theCall(8, "rt_sigprocmask", 0, named("how", "SIG_BLOCK"), mask(1<<14)), "child", "rt_sigprocmask(SIG_BLOCK, {SIGTERM}) = 0", "these signals wait until they are let through again"},
		{"exit", fated(theCall(9, "exit_group", 0, number("status", 0)), recording.Unfinished), "grandchild", "exit_group(0)", ""},
		{"of a thread", recording.Event{Kind: recording.KindCall, PID: 3, TID: 23, Call: &recording.Call{Name: "pause", Errno: 4}},
			"server child 1 thread 23", "pause() ... interrupted: EINTR", "a signal came first; the program must call again if it wants to go on"},
	})
}

func TestSignalLines(t *testing.T) {
	type d = recording.Deliver
	checkLines(t, []lineTest{
		{"handled", delivery(8, d{Signal: 15, CodeName: "SI_USER", Sender: 7, Fate: recording.FateHandled}), "child", "gets SIGTERM from the parent (process 7): its handler runs", ""},
		{"fatal", delivery(8, d{Signal: 15, CodeName: "SI_USER", Sender: 7, Fate: recording.FateDefault}), "child", "gets SIGTERM from the parent (process 7): it is killed", "it has no handler for this signal, so the default action takes place"},
		{"ignored", delivery(8, d{Signal: 15, CodeName: "SI_USER", Sender: 99, Fate: recording.FateIgnored}), "child", "gets SIGTERM from process 99: ignored", ""},
		{"of the kit", delivery(2, d{Signal: 9, CodeName: "SI_USER", Sender: 1, Fate: recording.FateDefault}), "server", "gets SIGKILL from the kit: it is killed", "no program can catch or ignore this one"},
		{"typed", delivery(2, d{Signal: 2, Code: 128, CodeName: "SI_KERNEL", Fate: recording.FateDefault}), "server", "gets SIGINT from the terminal: it is killed", "Ctrl+C was typed: every process in the foreground gets it"},
		{"child ended", delivery(7, d{Signal: 17, Code: 1, CodeName: "CLD_EXITED", Sender: 8, Fate: recording.FateIgnored}), "parent", "gets SIGCHLD because the child (process 8) has exited (CLD_EXITED): ignored", "ignored by default; only a wait call collects a child"},
		{"pipe", delivery(2, d{Signal: 13, CodeName: "SI_USER", Sender: 2, Fate: recording.FateDefault}), "server", "gets SIGPIPE from the kernel: it is killed", "it wrote to a connection or pipe that nobody reads any more"},
		{"stop", delivery(2, d{Signal: 19, CodeName: "SI_USER", Sender: 1, Fate: recording.FateDefault}), "server", "gets SIGSTOP from the kit: it is stopped", "no program can catch or ignore this one"},
	})
}

func TestLifeLines(t *testing.T) {
	type e = recording.Event
	checkLines(t, []lineTest{
		{"exec", e{Kind: recording.KindExec, PID: 3, Exec: &recording.Exec{Path: "/bin/sh", Argv: []string{"sh", "-c", "a\nb"}}}, "server child 1", `execve("/bin/sh", ["sh", "-c", "a\nb"])`, "the process becomes this program"},
		{"fork", e{Kind: recording.KindSpawn, PID: 7, Spawn: &recording.Spawn{Child: 10, How: recording.ByFork}}, "parent", "starts child 10 (fork)", "a copy of this process, with a number of its own"},
		{"thread", e{Kind: recording.KindSpawn, PID: 2, Spawn: &recording.Spawn{Child: 23, How: recording.ByThread}}, "server", "starts thread 23", "runs beside it, in the same process"},
		{"end", e{Kind: recording.KindExit, PID: 7, Exit: &recording.Exit{}}, "parent", "ends: exited with status 0", ""},
		{"end uncollected", e{Kind: recording.KindExit, PID: 8, Exit: &recording.Exit{Status: 15}}, "child", "ends: killed by signal 15 (SIGTERM)", "no wait call of its parent ever collects this status"},
		{"stop", e{Kind: recording.KindStop, PID: 4, Stop: &recording.Stop{Signal: 20}}, "server child 1.1", "is stopped by SIGTSTP", "it stands still until SIGCONT comes"},
		{"continue", e{Kind: recording.KindStop, PID: 2, Stop: &recording.Stop{Signal: 18}}, "server", "goes on (SIGCONT)", ""},
		{"zombie", e{Kind: recording.KindState, PID: 8, State: &recording.State{Why: "parent ends", State: "Z"}}, "child", "is a zombie (Z): ended, not yet waited for", "parent ends"},
		{"asleep", e{Kind: recording.KindState, PID: 2, State: &recording.State{Why: "idle ends", State: "S", CPU: 20 * time.Millisecond, FDs: []recording.FD{{FD: 0, File: "tty:server"}, {FD: 3, File: "socket:[9]"}}}},
			"server", "is asleep (S), CPU used so far 0.02 s", "idle ends; open sockets: 3"},
		{"sockets", e{Kind: recording.KindSockets, Sockets: &recording.Sockets{Why: "listening", Rows: []recording.SocketRow{
			{State: "LISTEN", Local: recording.Addr{Family: "AF_INET", Port: 9876}, Queue: 8}, {State: "TIME_WAIT"}, {State: "TIME_WAIT"}}}},
			"kernel", "port 9876 LISTEN, 0 of 8 waiting; 2 TIME_WAIT", "listening"},
		{"output", e{Kind: recording.KindOutput, Output: &recording.Output{Subject: "server", Stream: "terminal", Data: payload("\x1b[2J\r\n")}}, "server", `terminal shows "\x1b[2J\r\n"`, ""},
		{"mark", e{Kind: recording.KindMark, Mark: &recording.Mark{Name: "idle"}}, "scenario", `reaches "idle"`, ""},
		{"note", e{Kind: recording.KindNote, Note: &recording.Note{Topic: "cut", Text: "a\x1b[31m"}}, "recorder", `cut: a\x1b[31m`, ""},
		{"unknown kind", e{Kind: "quantum"}, "kit", `an event of the kind "quantum", which this kit does not know`, ""},
	})
}

func TestPeerLines(t *testing.T) {
	type p = recording.Peer
	to := &recording.Addr{Family: "AF_INET", IP: "127.0.0.1", Port: 9876}
	title, ctrlC := payload("War and Peace"), payload("\x03")
	checkLines(t, []lineTest{
		{"dial", peer(p{Name: "client A", Act: recording.ActDial, Remote: to}), "client A", "connects to 127.0.0.1:9876", ""},
		{"sent", peer(p{Name: "client A", Act: recording.ActSent, Data: &title}), "client A", `sends "War and Peace" (13 bytes)`, ""},
		{"received", peer(p{Name: "client A", Act: recording.ActReceived, Data: &title}), "client A", `receives "War and Peace" (13 bytes)`, ""},
		{"end", peer(p{Name: "client A", Act: recording.ActEOF}), "client A", "sees the end of the connection (EOF)", "the program has closed its end"},
		{"is reset", peer(p{Name: "client A", Act: recording.ActReset, Errno: 104}), "client A", "its connection is reset (ECONNRESET)", "the program's end went away with bytes unread, or refused them"},
		{"resets", peer(p{Name: "client A", Act: recording.ActReset}), "client A", "resets its connection", "it breaks the connection off instead of ending it in order"},
		{"refused", peer(p{Name: "client A", Act: recording.ActFailed, Errno: 111}), "client A", "fails: ECONNREFUSED (connection refused)", "nobody listens on this port"},
		{"closed", peer(p{Name: "our server", Act: recording.ActClosed}), "our server", "closes", ""},
		{"typed", peer(p{Name: "keyboard", Act: recording.ActTyped, Data: &ctrlC}), "keyboard", "types Ctrl+C", ""},
		{"signalled", peer(p{Name: "kit", Act: recording.ActSignalled, Signal: 9, Target: 2}), "kit", "sends SIGKILL to the server (process 2)", ""},
		{"new act", peer(p{Name: "kit", Act: "sang\n"}), "kit", `sang\x0a`, ""},
	})
}

// A number that is used again names the process that had it then.
func TestWhoOfANumberUsedAgain(t *testing.T) {
	s := newScript()
	s.exec(2, "server")
	s.spawn(2, 3, recording.ByFork)
	early := s.exit(3, 0, 0)
	s.spawn(2, 3, recording.ByFork)
	late := s.exit(3, 0, 0)
	same(t, "first", s.Line(s.Event(early)).Who, "server child 1")
	same(t, "second", s.Line(s.Event(late)).Who, "server child 2")
}
