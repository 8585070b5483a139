package main

import (
	"context"
	"sync"

	"ipckit/fixtures/probes"
	"ipckit/harness/subject"
)

// kitProbes builds the kit's own probes when the first scenario asks for them.
type kitProbes struct {
	find    func() (subject.Subject, error)
	cleanup func()
}

func newProbes(ctx context.Context) *kitProbes {
	p := &kitProbes{cleanup: func() {}}
	p.find = sync.OnceValues(func() (subject.Subject, error) {
		path, cleanup, err := probes.Build(ctx)
		p.cleanup = cleanup
		if err != nil {
			return subject.Subject{}, err
		}
		return subject.Open(subject.Probe, path, nil, nil)
	})
	return p
}

// close removes what was built for this run only; no scenario runs any more.
func (p *kitProbes) close() { p.cleanup() }
