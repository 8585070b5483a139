// Package report writes the result of a run for its readers: [Text] for a
// person at a terminal, [JSON] for programs, [Sink] for files.
//
// It stands at the end of the flow
//
//	subject -> sandbox -> recorder -> recording -> specs -> verdicts -> reports
//
// Its writers are pure functions from a [claim.Result] to an io.Writer: no
// clock, no terminal, no environment; the same result gives the same bytes.
// What a program said, was called or made a check say may be an attack on the
// terminal or on the service that reads the log. It enters through one place,
// clean, where [Safe] makes all of it visible text.
package report
