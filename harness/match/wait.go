package match

import (
	"fmt"

	"github.com/onsi/gomega/types"

	"ipckit/harness/recording"
)

// HaveReaped matches a *recording.Process that collected the child's status by a
// wait call, so that the child left the process table (wait(2)).
func (m Matchers) HaveReaped(child *recording.Process) types.GomegaMatcher {
	want := "collect " + m.name(child)
	return &matcher[recording.Process]{name: "HaveReaped", want: want, look: func(p *recording.Process) (bool, string) {
		if child.Collected == nil {
			return false, fmt.Sprintf("no wait call of %s collected it", m.name(p))
		}
		return child.Collected.PID == p.PID, m.cite(child.Collected)
	}}
}
