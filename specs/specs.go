// Package specs says what must hold: it declares every claim of the catalogue,
// with the scenarios that it is judged on and the check that judges it. One file
// holds one topic.
//
// In the flow
//
//	subject -> sandbox -> recorder -> recording -> specs -> verdicts -> reports
//
// a check sees recordings and nothing else: no program, no cage, no clock. It
// judges by what happened (bytes came back on a connection, a signal was
// delivered, a status was collected), never by the name of one call where
// languages differ, and an absence only where its presence was shown.
package specs

import (
	"fmt"
	"runtime"
	"slices"

	"ipckit/harness/judge"
)

var all []judge.Spec

// All returns the catalogue, in the order of its files.
func All() []judge.Spec { return slices.Clone(all) }

// add declares a claim where it is called.
func add(s judge.Spec) bool {
	_, s.File, s.Line, _ = runtime.Caller(1)
	if slices.ContainsFunc(all, func(other judge.Spec) bool { return other.ID == s.ID }) {
		panic(fmt.Sprintf("claim declared twice: %s", s.ID))
	}
	all = append(all, s)
	return true
}
