// Package match holds Gomega matchers over recordings. What they add to plain
// expectations is the text of a failure: one sentence that cites what was seen
// by its event, in words.
//
// It is a tool of the specs in the flow
//
//	subject -> sandbox -> recorder -> recording -> specs -> verdicts -> reports
//
// and reads as English where it is used:
//
//	seen := match.In(t.Recording())
//	t.Expect(client).To(seen.HaveExited(0))
//	t.Expect(call).To(seen.HaveFailedWith(recording.Errno(22)))
//
// Give them no description of your own: a sentence that stands alone becomes
// what the verdict says was observed.
package match

import (
	"fmt"
	"time"

	"github.com/onsi/gomega/types"

	"ipckit/harness/recording"
)

// Matchers are the matchers over one recording.
type Matchers struct{ r *recording.Recording }

// In returns the matchers over the recording.
func In(r *recording.Recording) Matchers { return Matchers{r} }

// matcher looks at a *T of the recording. It says the same thing three times: as
// misuse by the author of a check, as a failure, and as the failure of a negation.
type matcher[T any] struct {
	name string
	want string // what must be, after "it must": "exit with status 0"
	look func(*T) (ok bool, saw string)
	saw  string
}

var (
	_ types.GomegaMatcher = (*matcher[recording.Process])(nil)
	_ types.GomegaMatcher = (*matcher[recording.Event])(nil)
)

// Match reports whether it is so; an error is a mistake in the check.
func (m *matcher[T]) Match(actual any) (bool, error) {
	value, fits := actual.(*T)
	if !fits || value == nil {
		return false, fmt.Errorf("%s wants a %T of the recording, and got %s", m.name, value, given(actual))
	}
	ok, saw := m.look(value)
	m.saw = saw
	return ok, nil
}

func given(actual any) string {
	switch v := actual.(type) {
	case *recording.Process, *recording.Event:
		return fmt.Sprintf("none (%T)", v)
	}
	return fmt.Sprintf("%T", actual)
}

// FailureMessage says what was seen and what must be.
func (m *matcher[T]) FailureMessage(any) string { return m.saw + "; it must " + m.want }

// NegatedFailureMessage says what was seen and what must not be.
func (m *matcher[T]) NegatedFailureMessage(any) string { return m.saw + "; it must not " + m.want }

// cite puts an event into words: `client ends: exited with status 1 (event 40)`,
// and, a call being in C and not in English, `probe: kill(25, 0) = 0 (event 19)`.
func (m Matchers) cite(e *recording.Event) string {
	line, colon := m.r.Line(e), ""
	if e.Call != nil {
		colon = ":"
	}
	return fmt.Sprintf("%s%s %s (event %d)", line.Who, colon, line.What, e.Seq)
}

// name names a process as the lines of the recording do: "client (process 12)".
func (m Matchers) name(p *recording.Process) string {
	line := m.r.Line(&recording.Event{Seq: p.Born.Seq, PID: p.PID})
	return fmt.Sprintf("%s (process %d)", line.Who, p.PID)
}

// apart is the time between two events as people read it.
func apart(from, to *recording.Event) string {
	return (to.At - from.At).Abs().Round(10 * time.Microsecond).String()
}
