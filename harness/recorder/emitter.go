package recorder

import (
	"bufio"
	"io"
	"sync"
	"time"

	"ipckit/harness/recording"
)

// Caps of one recording. What is beyond them is counted in the trailer.
const (
	payloadPerCall = 4 << 10  // bytes kept of one transfer
	payloadTotal   = 16 << 20 // bytes kept in all
	mostTransfers  = 100_000  // events that carry bytes
	mostEvents     = 500_000  // of all kinds
)

// emitter numbers events, puts the time on them, and hands them to a writer that
// encodes them beside the tracer. Its queue is bounded: where the reader is
// slower than the program, the program is slowed, and memory does not grow.
type emitter struct {
	began time.Time
	wake  chan struct{} // tells the script that something happened

	mu        sync.Mutex
	seq       int
	transfers int
	events    int
	kept      int64
	dropped   int
	cut       int64
	closed    bool

	queue chan []*recording.Event
	batch []*recording.Event
	done  chan struct{}
	err   error
}

const (
	batchSize  = 64
	queueSize  = 64
	flushEvery = 2 * time.Millisecond
)

func newEmitter(out io.Writer, began time.Time) *emitter {
	e := &emitter{began: began, wake: make(chan struct{}, 1), queue: make(chan []*recording.Event, queueSize), done: make(chan struct{})}
	go e.write(out)
	go e.tick()
	return e
}

func (e *emitter) write(out io.Writer) {
	defer close(e.done)
	buffered := bufio.NewWriterSize(out, 64<<10)
	w := recording.NewWriter(buffered)
	for batch := range e.queue {
		for _, event := range batch {
			if e.err == nil {
				e.err = w.Event(event)
			}
		}
		if len(e.queue) == 0 && e.err == nil {
			e.err = buffered.Flush()
		}
	}
}

// tick hands over what waits in a batch that does not fill.
func (e *emitter) tick() {
	ticker := time.NewTicker(flushEvery)
	defer ticker.Stop()
	for range ticker.C {
		e.mu.Lock()
		if e.closed {
			e.mu.Unlock()
			return
		}
		e.flush()
		e.mu.Unlock()
	}
}

// flush hands the batch over; e.mu is held, so that order is kept.
func (e *emitter) flush() {
	if len(e.batch) > 0 {
		e.queue <- e.batch
		e.batch = nil
	}
}

func (e *emitter) now() time.Duration { return time.Since(e.began) }

// number takes the next number, for an entry that is no event by itself.
func (e *emitter) number() (int, time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.seq++
	return e.seq, e.now()
}

// emit adds an event. Events that carry bytes are dropped first when a flood
// comes; what a program is and how it ends is always kept.
func (e *emitter) emit(event *recording.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return
	}
	e.seq++
	event.Seq, event.At = e.seq, e.now()
	if transfers(event) {
		e.transfers++
		if e.transfers > mostTransfers {
			e.dropped++
			return
		}
	}
	if e.events++; e.events > mostEvents {
		e.dropped++
		return
	}
	e.batch = append(e.batch, event)
	if len(e.batch) == batchSize {
		e.flush()
	}
	e.poke()
}

func (e *emitter) poke() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

func transfers(event *recording.Event) bool {
	switch {
	case event.Call != nil:
		return recording.IsRead(event.Call.Name) || recording.IsWrite(event.Call.Name)
	case event.Output != nil:
		return true
	case event.Peer != nil:
		return event.Peer.Data != nil
	}
	return false
}

// keep returns how many of n payload bytes may be kept.
func (e *emitter) keep(n int) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	kept := min(n, payloadPerCall, int(payloadTotal-e.kept))
	if kept < 0 || n < 0 {
		kept = 0
	}
	e.kept += int64(kept)
	e.cut += int64(max(n, 0) - kept)
	return kept
}

// data copies a payload within the caps.
func (e *emitter) data(b []byte) recording.Data {
	return recording.Data{Bytes: append([]byte(nil), b[:e.keep(len(b))]...), Len: len(b)}
}

// close ends the events and fills in the trailer's counts.
func (e *emitter) close(t *recording.Trailer) error {
	e.mu.Lock()
	e.flush()
	e.closed = true
	e.mu.Unlock()
	close(e.queue)
	<-e.done
	t.Dropped, t.Cut, t.Wall = e.dropped, e.cut, e.now()
	t.Events = min(e.events, mostEvents) - max(0, e.transfers-mostTransfers)
	return e.err
}
