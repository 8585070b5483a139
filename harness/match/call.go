package match

import (
	"fmt"

	"github.com/onsi/gomega/types"

	"ipckit/harness/recording"
)

// HaveSucceeded matches the *recording.Event of a system call that returned to
// the program without an error.
func (m Matchers) HaveSucceeded() types.GomegaMatcher {
	return m.call("HaveSucceeded", "succeed", (*recording.Call).OK)
}

// HaveFailedWith matches the *recording.Event of a system call that returned this
// error (errno(3)).
func (m Matchers) HaveFailedWith(errno recording.Errno) types.GomegaMatcher {
	return m.call("HaveFailedWith", fmt.Sprintf("fail with %v", errno), func(c *recording.Call) bool {
		return errno != 0 && c.Errno == errno && c.Fate == recording.Returned
	})
}

func (m Matchers) call(name, want string, fits func(*recording.Call) bool) types.GomegaMatcher {
	return &matcher[recording.Event]{name: name, want: want, look: func(e *recording.Event) (bool, string) {
		return e.Call != nil && fits(e.Call), m.cite(e)
	}}
}
