package match

import (
	"fmt"

	"github.com/onsi/gomega/types"

	"ipckit/harness/recording"
)

// HaveExited matches a *recording.Process that came to its own end with that
// status (exit(3)).
func (m Matchers) HaveExited(status int) types.GomegaMatcher {
	return m.end("HaveExited", fmt.Sprintf("exit with status %d", status), func(w recording.WaitStatus) bool {
		got, exited := w.Exited()
		return exited && got == status
	})
}

// BeKilledBy matches a *recording.Process that the signal ended (signal(7)).
func (m Matchers) BeKilledBy(signal recording.Signal) types.GomegaMatcher {
	return m.end("BeKilledBy", fmt.Sprintf("be killed by %v", signal), func(w recording.WaitStatus) bool {
		got, killed := w.Killed()
		return killed && got == signal
	})
}

func (m Matchers) end(name, want string, fits func(recording.WaitStatus) bool) types.GomegaMatcher {
	return &matcher[recording.Process]{name: name, want: want, look: func(p *recording.Process) (bool, string) {
		if p.End == nil {
			return false, m.name(p) + " has not ended" + m.because()
		}
		return fits(p.End.Exit.Status), m.cite(p.End)
	}}
}

// because says why the scenario was given up, if it was.
func (m Matchers) because() string {
	if m.r.Trailer.Because == "" {
		return ""
	}
	return ", " + m.r.Trailer.Because
}
