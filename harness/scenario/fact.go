package scenario

import (
	"fmt"
	"strconv"
	"time"

	"ipckit/harness/subject"
)

var probe = []Part{{Name: "probe", Role: subject.Probe}}

// The scenarios of facts: each runs one probe of the kit's own.
var (
	// FullBacklog: ten clients for a server that does not accept.
	FullBacklog = Add(Scenario{
		Name: "full-backlog", Parts: probe, Probe: "full-backlog", Estimate: 800 * time.Millisecond,
		Did:    "let ten clients connect to a socket with backlog 8 whose server never accepts",
		Script: fullBacklog,
	})
	// Uncatchable: SIGKILL and SIGSTOP, by all ways.
	Uncatchable = Add(alone("uncatchable", "asked the kernel to catch, ignore and block SIGKILL and SIGSTOP, then sent them"))
	// SignalZero: kill(pid, 0) on the living, the dead and the undead.
	SignalZero = Add(Scenario{
		Name: "signal-zero", Parts: append(probe, Part{Name: "stranger", Role: subject.Probe, Second: true}), Probe: "signal-zero", Estimate: 300 * time.Millisecond,
		Did:    "sent signal 0 to a living child, to a zombie, to a number without a process, and to another user's process",
		Script: signalZero,
	})
	// Zombie: a child that nobody waits for, and then somebody does.
	Zombie = Add(alone("zombie", "let a child end, looked at it before and after its parent called waitpid"))
	// TypedCtrlC: what Ctrl+C sends.
	TypedCtrlC = Add(Scenario{
		Name: "typed-ctrl-c", Parts: probe, Probe: "typed-ctrl-c", Estimate: 300 * time.Millisecond,
		Did:    "typed Ctrl+C at the terminal of a process and its child, both with a handler for SIGINT, and SIGTERM ignored",
		Script: typedCtrlC,
	})
	// SigactionArguments: the old action, the new one, and NULL.
	SigactionArguments = Add(alone("sigaction-arguments", "called sigaction with a new action, with none, and with room for the old one, and looked at what was in force after each"))
)

// alone is a scenario whose probe does everything by itself.
func alone(name Name, did string) Scenario {
	return Scenario{
		Name: name, Parts: probe, Probe: string(name), Estimate: 300 * time.Millisecond, Did: did,
		Script: func(s Stage) { s.Start("probe").AwaitEnd(Soon) },
	}
}

// aloneWith begins the names of the scenarios of [Alone].
const aloneWith = "alone/"

// Alone is the scenario in which a probe does everything by itself. It is none
// of [All], for no claim is judged on it: it shows what is recorded of the calls
// that the probe makes.
func Alone(probe string) Scenario {
	s := alone(Name(probe), "ran the probe "+probe)
	s.Name = aloneWith + s.Name
	return s
}

// Fitting is how many connections a listen(fd, 8) holds on Linux: one more than
// the backlog.
const Fitting = 9

func fullBacklog(s Stage) {
	p := s.Start("probe")
	p.AwaitListening(Port)
	for i := range Fitting {
		s.Dial(fmt.Sprintf("client %d", i+1), Port)
	}
	s.Mark("one more")
	last := s.Try(fmt.Sprintf("client %d", Fitting+1), Port)
	s.Rest(150 * time.Millisecond)
	s.Until("the last client connects", 300*time.Millisecond, last.Connected)
	s.Sockets("queue full")
	last.Close()
}

func signalZero(s Stage) {
	if !s.HasSecond() {
		s.Start("probe").AwaitEnd(Soon)
		return
	}
	stranger := s.Start("stranger", "stranger")
	s.Rest(50 * time.Millisecond)
	stranger.Observe("another user's process")
	s.Start("probe", strconv.Itoa(stranger.PID())).AwaitEnd(Soon)
}

func typedCtrlC(s Stage) {
	p := s.Start("probe")
	s.Rest(100 * time.Millisecond)
	p.Observe("before the key")
	s.Mark("ctrl-c")
	p.Type(CtrlC)
	p.AwaitEnd(Soon)
}
