package front

import (
	"context"
	"sync"

	"ipckit/fixtures/probes"
	"ipckit/harness/subject"
)

// Probe returns a function that compiles the kit's probes when it is first
// called, and one that removes what a compiler left behind.
func Probe(ctx context.Context) (probe func() (subject.Subject, error), cleanup func()) {
	remove := func() {}
	probe = sync.OnceValues(func() (subject.Subject, error) {
		path, clean, err := probes.Build(ctx)
		remove = clean
		if err != nil {
			return subject.Subject{}, err
		}
		return subject.Open(subject.Probe, path, nil, nil)
	})
	return probe, func() { remove() }
}
