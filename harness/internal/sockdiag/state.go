package sockdiag

import "strconv"

// A State is the state of a socket, as TCP names it. The kernel uses the
// same numbers for other protocols: a bound UDP socket is Close, an AF_UNIX one
// is Listen, Established or Close.
type State uint8

// The states, of the kernel's net/tcp_states.h.
const (
	Established State = iota + 1
	SynSent
	SynRecv
	FinWait1
	FinWait2
	TimeWait
	Close
	CloseWait
	LastAck
	Listen
	Closing
	NewSynRecv
)

var stateNames = [...]string{
	Established: "ESTABLISHED", SynSent: "SYN_SENT", SynRecv: "SYN_RECV", FinWait1: "FIN_WAIT1", FinWait2: "FIN_WAIT2",
	TimeWait: "TIME_WAIT", Close: "CLOSE", CloseWait: "CLOSE_WAIT", LastAck: "LAST_ACK", Listen: "LISTEN",
	Closing: "CLOSING", NewSynRecv: "NEW_SYN_RECV",
}

// String returns the kernel's name, such as "CLOSE_WAIT".
func (s State) String() string {
	if s == 0 || int(s) >= len(stateNames) {
		return "STATE_" + strconv.Itoa(int(s))
	}
	return stateNames[s]
}

// AllStates is the set of all states.
const AllStates = ^uint32(0)

// States returns the set of the given states.
func States(states ...State) uint32 {
	set := uint32(0)
	for _, s := range states {
		set |= 1 << s
	}
	return set
}
