// Package scenario holds the scripts: what the kit does to a program in order to
// see how it behaves. A script starts programs, plays their other side, types
// keys, sends signals and waits; it judges nothing.
//
// In the flow
//
//	subject -> sandbox -> recorder -> recording -> specs -> verdicts -> reports
//
// the recorder runs a script inside the cage and records what happens; specs
// name the scenarios on whose recordings their claims are judged.
package scenario

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"ipckit/harness/recording"
	"ipckit/harness/subject"
)

// Name names a scenario.
type Name string

// Part is a program that a scenario needs.
type Part struct {
	Name string       // unique in the scenario; the recording's name for it
	Role subject.Role // which program plays it
	// Reference says that the kit's own program plays the part where the user
	// gave none for the role.
	Reference bool
	// Second runs it under a second user id; see Stage.HasSecond.
	Second bool
}

// Scenario is one script, recorded once however many claims are judged on it.
type Scenario struct {
	Name     Name
	Did      string        // what it does, for a reader of the result: "ran the client against a server that answers something else"
	Parts    []Part        // the programs it starts
	Probe    string        // for facts: which of the kit's probes plays the parts
	Estimate time.Duration // how long a right program takes: the longest scenario starts first
	Untraced bool          // run without the tracer: races and throughput
	Unpinned bool          // let program and tracer use all CPUs
	Sysctls  map[string]string
	Script   func(Stage)
}

// Stage is the inside of a cage as a script sees it. A method that waits for
// something which then does not come does not return: the script ends there,
// and the recording says what was not reached and why.
type Stage interface {
	// Start starts the program that plays the part, on a terminal of its own,
	// with args behind the user's. A second start of the same part is recorded
	// under the name "part-2".
	Start(part string, args ...string) Program
	// HasSecond reports whether the cage has a second user id.
	HasSecond() bool
	// Dial connects to the port as the named client.
	Dial(client string, port int) Conn
	// Try begins to connect and does not wait.
	Try(client string, port int) Conn
	// Listen begins to listen on the port as the named server.
	Listen(server string, port int) Listener
	// Mark records that the script has reached a named point.
	Mark(name string)
	// Sockets records the cage's TCP sockets, and returns them.
	Sockets(why string) []recording.SocketRow
	// Await waits until done holds; what says in words what that would be. It
	// gives up where the programs cannot bring it about any more: they have
	// ended, or have slept for two seconds without using a CPU, or the limit has
	// passed (scaled).
	Await(what string, limit time.Duration, done func() bool)
	// Until waits as Await does, but goes on in either case and says which.
	Until(what string, limit time.Duration, done func() bool) bool
	// Rest waits until no process of the programs has used a CPU for the given
	// time (scaled), all of them being asleep.
	Rest(quiet time.Duration)
	// Rand is seeded with the run's seed.
	Rand() *rand.Rand
}

// Program is a started program.
type Program interface {
	// Name is the recording's name for it.
	Name() string
	// PID is the number of its first process inside the cage.
	PID() int
	// AwaitListening waits until it listens for TCP on the port.
	AwaitListening(port int)
	// AwaitEnd waits until its first process has ended.
	AwaitEnd(limit time.Duration)
	// Ended reports whether its first process has ended.
	Ended() bool
	// Gone reports whether all of its processes have ended.
	Gone() bool
	// Observe records the state and the descriptors of each of its processes.
	Observe(why string)
	// Type types bytes at its terminal.
	Type(keys string)
	// Signal sends a signal to its first process.
	Signal(recording.Signal)
	// Kill sends SIGKILL to all of its processes, and waits until they have ended.
	Kill()
	// Pause stops its process group and waits until it stands still; Resume lets
	// it go on.
	Pause()
	Resume()
}

// Conn is our end of a connection.
type Conn interface {
	// Connected reports whether the connection is there.
	Connected() bool
	// Send sends all bytes in one write.
	Send(data []byte)
	// Receive waits for bytes until enough holds over all that came so far, the
	// other side has ended the connection, or it can be given up.
	Receive(enough func(all []byte) bool) (all []byte, ended bool)
	// Received returns all that came so far.
	Received() []byte
	// HalfClose says that we send no more.
	HalfClose()
	// Close closes our end.
	Close()
	// Reset ends the connection by a reset (socket(7), SO_LINGER with 0).
	Reset()
}

// Listener is our listening socket.
type Listener interface {
	// Accept waits for a connection and names the other side.
	Accept(client string) Conn
	// Close ends it.
	Close()
}

// Keys of a terminal (termios(3)).
const (
	CtrlC         = "\x03"
	CtrlBackslash = "\x1c"
	CtrlZ         = "\x1a"
)

// Port is where a server listens (contract: 9876 of the loopback address).
const Port = 9876

// Titles are what a client of the article sends.
var Titles = []string{"War and Peace", "Pride and Prejudice", "The Sound and the Fury"}

// Limits for what a right program does at once or in the article's time. They
// are scaled by the run's multiplier; a program that is merely slow, because the
// machine is, is waited for.
const (
	Soon  = 15 * time.Second // a start, an answer, an end
	Later = 30 * time.Second // the shutdown program's six seconds
)

var all []Scenario

// Add declares a scenario. It is called where package variables are initialised, so
// that the copy of the binary inside the cage knows the script too.
func Add(s Scenario) Name {
	if _, err := Find(s.Name); err == nil {
		panic("scenario declared twice: " + string(s.Name))
	}
	all = append(all, s)
	return s.Name
}

// All returns the scenarios in the order of their declaration.
func All() []Scenario { return slices.Clone(all) }

// Find returns the scenario of that name.
func Find(name Name) (Scenario, error) {
	if probe, ok := strings.CutPrefix(string(name), aloneWith); ok {
		return Alone(probe), nil
	}
	for _, s := range all {
		if s.Name == name {
			return s, nil
		}
	}
	return Scenario{}, fmt.Errorf("no scenario is called %q", name)
}
