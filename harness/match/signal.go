package match

import (
	"fmt"
	"strings"

	"github.com/onsi/gomega/types"

	"ipckit/harness/recording"
)

// Received is a matcher of a *recording.Process to which a signal was delivered,
// whoever sent it; [Received.From] and [Received.FromKernel] ask for a sender.
type Received struct {
	types.GomegaMatcher
	m      Matchers
	signal recording.Signal
}

// HaveReceived matches a process to which the signal was delivered.
func (m Matchers) HaveReceived(signal recording.Signal) Received {
	return Received{m.delivery("HaveReceived", signal.String(), signal, func(*recording.Deliver) bool { return true }), m, signal}
}

// From demands that the process with that number sent it.
func (r Received) From(pid int) types.GomegaMatcher {
	want := fmt.Sprintf("%v from process %d", r.signal, pid)
	return r.m.delivery("HaveReceived.From", want, r.signal, func(d *recording.Deliver) bool { return d.Sender == pid })
}

// FromKernel demands that no process sent it: a terminal's driver did, for one
// (sigaction(2), SI_KERNEL).
func (r Received) FromKernel() types.GomegaMatcher {
	want := fmt.Sprintf("%v from the kernel", r.signal)
	return r.m.delivery("HaveReceived.FromKernel", want, r.signal, func(d *recording.Deliver) bool { return d.CodeName == "SI_KERNEL" })
}

func (m Matchers) delivery(name, want string, signal recording.Signal, fits func(*recording.Deliver) bool) types.GomegaMatcher {
	return &matcher[recording.Process]{name: name, want: "get " + want, look: func(p *recording.Process) (bool, string) {
		var others []string
		for _, e := range m.r.Select(func(e *recording.Event) bool { return e.Signal != nil && e.PID == p.PID && e.Seq >= p.Born.Seq }) {
			if e.Signal.Signal == signal && fits(e.Signal) {
				return true, m.cite(e)
			}
			others = append(others, m.cite(e))
		}
		if len(others) == 0 {
			return false, m.name(p) + " got no signal"
		}
		return false, strings.Join(others, ", ")
	}}
}
