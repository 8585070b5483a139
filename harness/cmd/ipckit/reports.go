package main

import (
	"slices"
	"strings"

	"ipckit/harness/claim"
	"ipckit/harness/report"
)

// reports are those that the user asks for.
type reports struct {
	wanted []wanted
	sinks  []*report.Sink
}

type wanted struct{ format, target string }

// stdoutTarget names standard output.
const stdoutTarget = "-"

// parseReports reads the values of --report.
func parseReports(values []string) (*reports, error) {
	r := &reports{}
	for _, value := range values {
		format, target, ok := strings.Cut(value, "=")
		if target == "/dev/stdout" {
			target = stdoutTarget
		}
		switch {
		case !ok || target == "":
			return nil, usage("--report %q: use FORMAT=FILE, such as json=result.json", value)
		case !slices.Contains(report.Formats(), format):
			return nil, usage("--report %q: unknown format %q: use %s", value, format, strings.Join(report.Formats(), " or "))
		case slices.ContainsFunc(r.wanted, func(w wanted) bool { return w.target == target }):
			return nil, usage("--report: two reports are to be written to %q", target)
		}
		r.wanted = append(r.wanted, wanted{format, target})
	}
	return r, nil
}

// open prepares all of them, or none.
func (r *reports) open() error {
	for _, w := range r.wanted {
		sink, err := report.OpenSink(w.format, w.target)
		if err != nil {
			r.abort()
			return usage("--report: %v", err)
		}
		r.sinks = append(r.sinks, sink)
	}
	return nil
}

// onStdout reports whether one of them takes standard output.
func (r *reports) onStdout() bool {
	return slices.ContainsFunc(r.wanted, func(w wanted) bool { return w.target == stdoutTarget })
}

// write writes all of them and returns the first error.
func (r *reports) write(result *claim.Result) (first error) {
	for _, sink := range r.sinks {
		if err := sink.Write(result); err != nil && first == nil {
			first = err
		}
	}
	return first
}

// abort leaves no trace of those that were not written.
func (r *reports) abort() {
	for _, sink := range r.sinks {
		sink.Abort()
	}
}
