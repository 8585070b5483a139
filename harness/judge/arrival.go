package judge

import (
	"bytes"
	"slices"

	"ipckit/harness/recording"
	"ipckit/harness/subject"
)

// doings are calls by which a program begins what its role is about. One that
// ended without any of them, and not well, was never really started: a library
// is missing, a script has a syntax error.
var doings = []string{"socket", "nanosleep", "clock_nanosleep", "pause", "kill", "wait4", "waitid"}

// deadOnArrival returns a *StartError if a program of the recording that the
// user gave ended at once.
func (r *run) deadOnArrival(made *recording.Recording) error {
	for _, s := range made.Header.Subjects {
		given, ok := r.programs.Given[subject.Role(s.Role)]
		if !ok || given.Builtin != "" {
			continue
		}
		p := made.Process(s.Name)
		if p == nil && made.Trailer.Unreached == s.Role+" starts" {
			return &StartError{Role: given.Role, Path: given.Given, Refused: made.Trailer.Because}
		}
		if p != nil && endedAtOnce(made, p) {
			return &StartError{Role: given.Role, Path: given.Given, Status: p.End.Exit.Status, Said: lastWords(made.Terminal(s.Name))}
		}
	}
	return nil
}

func endedAtOnce(r *recording.Recording, p *recording.Process) bool {
	if p.End == nil || p.End.Exit.Status == 0 || len(p.Children) > 0 {
		return false
	}
	return !slices.ContainsFunc(r.Events, func(e recording.Event) bool {
		return e.PID == p.PID && e.Call != nil && slices.Contains(doings, e.Call.Name)
	})
}

// lastWords returns the last lines of what a program wrote, escaped.
func lastWords(said []byte) string {
	const most = 300
	said = bytes.TrimSpace(said)
	if cut := len(said) - most; cut > 0 {
		said = append([]byte("..."), said[cut:]...)
	}
	return recording.Escape(said)
}
