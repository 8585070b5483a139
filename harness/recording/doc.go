// Package recording holds what one run of a scenario showed: typed events in
// the order in which they were seen, between a header that says what was run
// where and a trailer that says how it ended.
//
// It stands in the middle of the flow
//
//	subject -> sandbox -> recorder -> recording -> specs -> verdicts -> reports
//
// The recorder is its only writer; everything behind it (checks, reports, the
// transcript) reads it and nothing else. A recording is plain data: it can be
// stored, mailed, drawn, compared and judged on another machine, so the package
// imports the standard library only.
//
// On disk it is JSON Lines: a header object, one object per event, a trailer
// object. See [Write] and [Read].
package recording

//go:generate go run ./gen
