package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"ipckit/harness/judge"
)

// progress is a live line on a terminal. On anything else it writes nothing.
type progress struct {
	to   io.Writer
	mu   sync.Mutex
	last judge.Progress
	quit chan struct{}
	done chan struct{}
}

// tick is how often the line is drawn: its clock shows tenths.
const tick = 100 * time.Millisecond

// newProgress begins to draw, if it is wanted and can be seen. The line is gone
// after stop.
func (a *app) newProgress(wanted bool) *progress {
	p := &progress{to: a.stderr, quit: make(chan struct{}), done: make(chan struct{})}
	if _, ok := terminal(a.stderr); !ok || !wanted {
		close(p.done)
		return p
	}
	go p.draw()
	return p
}

// update takes the news; judge calls it from several goroutines.
func (p *progress) update(news judge.Progress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = news
}

func (p *progress) draw() {
	const back, erase = "\r", "\x1b[K"
	defer close(p.done)
	ticks := time.NewTicker(tick)
	defer ticks.Stop()
	for {
		select {
		case <-p.quit:
			fmt.Fprint(p.to, back+erase)
			return
		case now := <-ticks.C:
			p.mu.Lock()
			line := progressLine(p.last, now, columns(p.to))
			p.mu.Unlock()
			fmt.Fprint(p.to, back+line+erase)
		}
	}
}

// stop erases the line.
func (p *progress) stop() {
	close(p.quit)
	<-p.done
}

// progressLine says how far a run has come, in one line that does not wrap.
func progressLine(p judge.Progress, now time.Time, width int) string {
	if p.Total == 0 {
		return "starting"
	}
	parts := []string{fmt.Sprintf("%d of %d scenarios recorded", p.Done, p.Total)}
	if p.Running > 0 {
		parts = append(parts, fmt.Sprintf("%d running", p.Running))
	}
	if left := p.Total - p.Done - p.Running; left > 0 {
		parts = append(parts, fmt.Sprintf("%d waiting", left))
	}
	line := strings.Join(parts, ", ")
	if p.Longest != "" {
		line += fmt.Sprintf("; %s %.1f s", p.Longest, now.Sub(p.Since).Seconds())
	}
	if width > 1 && len(line) >= width {
		line = line[:width-1]
	}
	return line
}
