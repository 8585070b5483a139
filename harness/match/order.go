package match

import (
	"github.com/onsi/gomega/types"

	"ipckit/harness/recording"
)

// HappenAfter matches a *recording.Event that comes later than the other one.
func (m Matchers) HappenAfter(other *recording.Event) types.GomegaMatcher {
	return &matcher[recording.Event]{name: "HappenAfter", want: "come after " + m.cite(other), look: func(e *recording.Event) (bool, string) {
		if e.Seq > other.Seq {
			return true, m.cite(e) + " comes " + apart(other, e) + " after"
		}
		return false, m.cite(e) + " comes " + apart(other, e) + " before"
	}}
}
