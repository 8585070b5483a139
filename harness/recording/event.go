package recording

import "time"

// Kind names what an event is; the field of [Event] with the same name holds
// its details. A reader keeps events of kinds that it does not know.
type Kind string

// The kinds of events.
const (
	KindExec    Kind = "exec"    // a process became a program (execve(2))
	KindSpawn   Kind = "spawn"   // a process or thread was created (fork(2), clone(2))
	KindCall    Kind = "call"    // a system call returned, or never will
	KindSignal  Kind = "signal"  // a signal was delivered (signal(7))
	KindStop    Kind = "stop"    // a process was stopped or continued by a signal
	KindExit    Kind = "exit"    // a process or thread ended
	KindState   Kind = "state"   // what /proc said of a process
	KindSockets Kind = "sockets" // what sock_diag(7) said of the cage's sockets
	KindOutput  Kind = "output"  // bytes arrived at a terminal or pipe of ours
	KindPeer    Kind = "peer"    // what our side did: dialled, sent, typed a key
	KindMark    Kind = "mark"    // the scenario reached a named point
	KindNote    Kind = "note"    // what the recorder has to say about the recording
)

// Event is one thing that was seen. Exactly one of the pointers is set, the one
// that Kind names.
type Event struct {
	Seq  int           `json:"seq"`           // place in the order of everything seen; with gaps
	At   time.Duration `json:"at"`            // monotonic, since the recording began
	PID  int           `json:"pid,omitempty"` // process, as numbered inside the cage; 0: the kit
	TID  int           `json:"tid,omitempty"` // thread, where it is not the process's first
	Kind Kind          `json:"kind"`

	Exec    *Exec    `json:"exec,omitempty"`
	Spawn   *Spawn   `json:"spawn,omitempty"`
	Call    *Call    `json:"call,omitempty"`
	Signal  *Deliver `json:"signal,omitempty"`
	Stop    *Stop    `json:"stop,omitempty"`
	Exit    *Exit    `json:"exit,omitempty"`
	State   *State   `json:"state,omitempty"`
	Sockets *Sockets `json:"sockets,omitempty"`
	Output  *Output  `json:"output,omitempty"`
	Peer    *Peer    `json:"peer,omitempty"`
	Mark    *Mark    `json:"mark,omitempty"`
	Note    *Note    `json:"note,omitempty"`
}

// Exec says that a process became another program.
type Exec struct {
	Path    string   `json:"path"`
	Argv    []string `json:"argv,omitempty"`
	Subject string   `json:"subject,omitempty"` // set where the kit started a subject: its name, "server", "server-2"
	Former  int      `json:"former,omitempty"`  // the thread that called execve, where it was not the first
}

// How a task came to be.
const (
	ByFork   = "fork"
	ByVfork  = "vfork"
	ByClone  = "clone"  // a process of its own, by clone(2) or clone3(2)
	ByThread = "thread" // a thread of the same process
)

// Spawn says that the event's process created another, or a thread.
type Spawn struct {
	Child int    `json:"child"` // pid, or tid of a thread
	How   string `json:"how"`
}

// Fate says what became of a call that did not simply return.
type Fate string

// The fates of calls.
const (
	Returned   Fate = ""
	Restarted  Fate = "restarted"  // a signal came and the kernel began the call anew (signal(7), SA_RESTART): the program saw no result
	Unfinished Fate = "unfinished" // the task ended inside the call, or was still in it when the recording ended
	Denied     Fate = "denied"     // refused by the cage; Errno is what the program saw
)

// Call is one system call. The event's Seq and At are those of its return.
type Call struct {
	Name   string        `json:"name"`
	Args   []Arg         `json:"args,omitempty"`
	Result int64         `json:"result"`
	Errno  Errno         `json:"errno,omitempty"`
	Enter  int           `json:"enter"` // place of the call's entry in the order of Seq
	Began  time.Duration `json:"began"` // time of the entry, as Event.At
	Fate   Fate          `json:"fate,omitempty"`
	New    string        `json:"new,omitempty"` // what the returned descriptor is, as Arg.File
}

// OK reports whether the call returned to the program without an error.
func (c *Call) OK() bool { return c.Errno == 0 && c.Fate == Returned }

// Arg returns the argument with the man page's name, or nil.
func (c *Call) Arg(name string) *Arg {
	for i := range c.Args {
		if c.Args[i].Name == name {
			return &c.Args[i]
		}
	}
	return nil
}

// Int returns the integer argument with that name; -1 if there is none.
func (c *Call) Int(name string) int64 {
	if a := c.Arg(name); a != nil {
		return a.Int
	}
	return -1
}

// File returns what the argument "fd" refers to, or "".
func (c *Call) File() string {
	if a := c.Arg("fd"); a != nil {
		return a.File
	}
	return ""
}

// Data returns the payload of the call, or nil.
func (c *Call) Data() *Data {
	for i := range c.Args {
		if c.Args[i].Data != nil {
			return c.Args[i].Data
		}
	}
	return nil
}

// Addr returns the socket address of the call, or nil.
func (c *Call) Addr() *Addr {
	for i := range c.Args {
		if c.Args[i].Addr != nil {
			return c.Args[i].Addr
		}
	}
	return nil
}

// Arg is one argument of a call, under the name that its man page gives it.
// Int is the number that was passed; the other fields say what it stands for.
type Arg struct {
	Name    string         `json:"name"`
	Int     int64          `json:"int,omitempty"`
	Text    string         `json:"text,omitempty"`   // symbolic: "AF_INET", "SOCK_STREAM|SOCK_CLOEXEC"
	File    string         `json:"file,omitempty"`   // what a descriptor refers to: "socket:[17]", "tty:server", "pipe:[4]", a path
	Stream  string         `json:"stream,omitempty"` // of a descriptor that is a standard stream or a copy of one
	Addr    *Addr          `json:"addr,omitempty"`
	Data    *Data          `json:"data,omitempty"`
	Set     *SignalSet     `json:"set,omitempty"`
	Status  *WaitStatus    `json:"status,omitempty"`
	Action  *Action        `json:"action,omitempty"`
	Time    *time.Duration `json:"time,omitempty"`
	Numbers []int          `json:"numbers,omitempty"`
	Out     bool           `json:"out,omitempty"` // filled in by the kernel
}

// The streams that a program writes to (stdio(3)).
const (
	Stdout = "stdout"
	Stderr = "stderr"
)

// Action is a disposition as sigaction(2) sets it.
type Action struct {
	Handler string    `json:"handler"` // "SIG_DFL", "SIG_IGN" or "handler"
	Flags   string    `json:"flags,omitempty"`
	Mask    SignalSet `json:"mask,omitempty"`
}

// The values of [Action.Handler].
const (
	HandlerDefault = "SIG_DFL"
	HandlerIgnore  = "SIG_IGN"
	HandlerOwn     = "handler"
)

// What became of a delivered signal.
const (
	FateHandled = "handled" // a handler of the program runs
	FateDefault = "default" // the signal's default action
	FateIgnored = "ignored" // discarded
)

// Deliver is a signal at the moment of its delivery.
type Deliver struct {
	Signal   Signal `json:"signal"`
	Code     int    `json:"code"`                // si_code of siginfo_t (sigaction(2))
	CodeName string `json:"code_name,omitempty"` // "SI_USER", "SI_KERNEL", "CLD_EXITED", ...
	Sender   int    `json:"sender,omitempty"`    // si_pid where the code says that there is one; 0: the kernel or the kit
	Value    int64  `json:"value,omitempty"`     // si_value of sigqueue(3) and timers, as an int
	Fate     string `json:"fate"`
	// Status is the child's, for SIGCHLD: how it ended, was stopped or went on.
	Status *WaitStatus `json:"status,omitempty"`
}

// Stop is a stop of a whole process by a signal, or its end by SIGCONT.
type Stop struct {
	Signal Signal `json:"signal"`
}

// Exit is the end of a process, or of a thread other than its first.
type Exit struct {
	Status WaitStatus `json:"status"`
}

// State is what /proc said of a process at a moment that matters.
type State struct {
	Why     string        `json:"why"`   // which moment: "parent ends", "idle begins", ...
	State   string        `json:"state"` // "R", "S", "D", "T", "t", "Z", or "gone"
	Parent  int           `json:"parent,omitempty"`
	Group   int           `json:"group,omitempty"`
	Session int           `json:"session,omitempty"`
	CPU     time.Duration `json:"cpu,omitempty"` // user and system time, in clock ticks of 10 ms
	Threads int           `json:"threads,omitempty"`
	Pending SignalSet     `json:"pending,omitempty"` // ShdPnd and SigPnd
	Blocked SignalSet     `json:"blocked,omitempty"`
	Ignored SignalSet     `json:"ignored,omitempty"`
	Caught  SignalSet     `json:"caught,omitempty"`
	FDs     []FD          `json:"fds,omitempty"`
}

// Why the recorder itself looks at a process.
const (
	WhyParentEnds = "parent ends"                   // is the child a zombie then
	WhyBlocked    = "it was sent a blocked signal"  // which stays pending
	WhyPending    = "it ends with a signal pending" // which was never delivered
)

// FD is one open descriptor.
type FD struct {
	FD   int    `json:"fd"`
	File string `json:"file"`
}

// Sockets is a snapshot of the TCP sockets of the cage, by sock_diag(7).
type Sockets struct {
	Why  string      `json:"why"`
	Rows []SocketRow `json:"rows,omitempty"`
}

// SocketRow is one row of a snapshot. On a listening socket Received is the number
// of connections that wait to be accepted and Queue the backlog in force.
type SocketRow struct {
	State    string `json:"state"` // "LISTEN", "ESTABLISHED", "TIME_WAIT", ...
	Local    Addr   `json:"local"`
	Remote   Addr   `json:"remote"`
	Received int    `json:"received,omitempty"` // bytes not yet read, or connections not yet accepted
	Queue    int    `json:"queue,omitempty"`    // bytes not yet acknowledged, or the backlog
	Inode    int    `json:"inode,omitempty"`    // 0: no descriptor of any process refers to it
}

// File returns the name under which calls refer to the socket.
func (s SocketRow) File() string { return SocketFile(s.Inode) }

// Output is what arrived at our end of a program's terminal or pipe.
type Output struct {
	Subject string `json:"subject"` // whose terminal
	Stream  string `json:"stream"`  // "terminal", "stdout", "stderr"
	Data    Data   `json:"data"`
}

// Act is what our side did, or what came back to it.
type Act string

// The acts of our side.
const (
	ActDial      Act = "dial"
	ActConnected Act = "connected"
	ActFailed    Act = "failed" // Errno says why
	ActListen    Act = "listen"
	ActAccepted  Act = "accepted"
	ActSent      Act = "sent"
	ActReceived  Act = "received"
	ActEOF       Act = "eof"
	ActReset     Act = "reset"
	ActTimeout   Act = "timeout"
	ActHalfClose Act = "half-closed"
	ActClosed    Act = "closed"
	ActTyped     Act = "typed"
	ActSignalled Act = "signalled"
)

// Peer is one act of the other side that the kit plays.
type Peer struct {
	Name   string `json:"name"` // "client A", "our server", "keyboard"
	Act    Act    `json:"act"`
	Local  *Addr  `json:"local,omitempty"`
	Remote *Addr  `json:"remote,omitempty"`
	Data   *Data  `json:"data,omitempty"`
	Errno  Errno  `json:"errno,omitempty"`
	Signal Signal `json:"signal,omitempty"`
	Target int    `json:"target,omitempty"` // pid, or minus the process group
}

// Mark is a named point of the scenario's script.
type Mark struct {
	Name    string `json:"name"`
	Subject string `json:"subject,omitempty"`
	Text    string `json:"text,omitempty"`
}

// Note is the recorder's own word about the recording.
type Note struct {
	Topic string `json:"topic"` // "foreign-call", "cut", "left-behind", ...
	Text  string `json:"text"`
}
