package recording

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Bounds for what a reader takes: recordings may come from strangers.
const (
	MaxLine   = 1 << 20   // bytes of one line
	MaxEvents = 2_000_000 // events of one recording
)

// ErrNotARecording says that the first line is no header of this format.
var ErrNotARecording = errors.New("not a recording")

// ErrTruncated says that the trailer is missing: the writer was cut off.
var ErrTruncated = errors.New("truncated recording")

// line is one line of the file: exactly one of a header, a trailer, an event.
type line struct {
	Header  *Header  `json:"header,omitempty"`
	Trailer *Trailer `json:"trailer,omitempty"`
	*Event
}

// A Writer writes a recording as it happens: one header, events, one trailer.
type Writer struct {
	out *json.Encoder
}

// NewWriter returns a writer to w. It does not buffer.
func NewWriter(w io.Writer) *Writer {
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	return &Writer{out: out}
}

// Header writes the first line.
func (w *Writer) Header(h *Header) error { return w.out.Encode(line{Header: h}) }

// Event writes one event.
func (w *Writer) Event(e *Event) error { return w.out.Encode(e) }

// Trailer writes the last line.
func (w *Writer) Trailer(t *Trailer) error { return w.out.Encode(line{Trailer: t}) }

// Write writes the whole recording.
func Write(w io.Writer, r *Recording) error {
	buffered := bufio.NewWriter(w)
	out := NewWriter(buffered)
	if err := out.Header(&r.Header); err != nil {
		return fmt.Errorf("write recording: %w", err)
	}
	for i := range r.Events {
		if err := out.Event(&r.Events[i]); err != nil {
			return fmt.Errorf("write recording: %w", err)
		}
	}
	if err := out.Trailer(&r.Trailer); err != nil {
		return fmt.Errorf("write recording: %w", err)
	}
	return buffered.Flush()
}

// Read reads a whole recording. Everything about the input is checked: a file
// that is no recording is [ErrNotARecording], one without its end is
// [ErrTruncated] (with what could be read), and sizes are bounded.
func Read(in io.Reader) (*Recording, error) {
	return Follow(in, func(*Recording, *Event) {})
}

// Follow reads a recording like [Read] while it is being written, and calls
// each for every event as it comes; the header is set by then.
func Follow(in io.Reader, each func(*Recording, *Event)) (*Recording, error) {
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 0, 64<<10), MaxLine)
	r := &Recording{}
	if err := r.readHeader(lines); err != nil {
		return nil, err
	}
	for number := 2; lines.Scan(); number++ {
		done, err := r.readLine(lines.Bytes())
		if cutOff(err, lines) {
			break
		}
		if err != nil {
			return r, fmt.Errorf("read recording: line %d: %w", number, err)
		}
		if done {
			return r, nil
		}
		each(r, &r.Events[len(r.Events)-1])
	}
	if err := lines.Err(); err != nil {
		return r, fmt.Errorf("read recording: %w", err)
	}
	return r, fmt.Errorf("read recording: %w: no trailer after %d events", ErrTruncated, len(r.Events))
}

// cutOff reports whether err is that the file ends in the middle of a line.
func cutOff(err error, lines *bufio.Scanner) bool {
	var syntax *json.SyntaxError
	return errors.As(err, &syntax) && syntax.Offset == int64(len(lines.Bytes())) && !lines.Scan()
}

func (r *Recording) readHeader(lines *bufio.Scanner) error {
	if !lines.Scan() {
		if err := lines.Err(); err != nil && !errors.Is(err, bufio.ErrTooLong) {
			return fmt.Errorf("read recording: %w", err)
		}
		return fmt.Errorf("read recording: %w: no header", ErrNotARecording)
	}
	var first line
	if json.Unmarshal(lines.Bytes(), &first) != nil || first.Header == nil {
		return fmt.Errorf("read recording: %w: the first line is no header", ErrNotARecording)
	}
	if first.Header.Format != Format {
		return fmt.Errorf("read recording: %w: format %q, this kit reads %q", ErrNotARecording, Escape([]byte(first.Header.Format)), Format)
	}
	r.Header = *first.Header
	r.Name = r.Header.Scenario
	return nil
}

func (r *Recording) readLine(text []byte) (done bool, err error) {
	var l line
	if err := json.Unmarshal(text, &l); err != nil {
		return false, err
	}
	if l.Trailer != nil {
		r.Trailer = *l.Trailer
		return true, nil
	}
	if l.Event == nil || l.Kind == "" {
		return false, errors.New("neither an event nor a trailer")
	}
	if len(r.Events) == MaxEvents {
		return false, fmt.Errorf("more than %d events", MaxEvents)
	}
	if n := len(r.Events); n > 0 && l.Seq <= r.Events[n-1].Seq {
		return false, fmt.Errorf("event %d after event %d", l.Seq, r.Events[n-1].Seq)
	}
	if err := l.check(); err != nil {
		return false, err
	}
	r.Events = append(r.Events, *l.Event)
	return false, nil
}

// check demands that the details of a known kind are there.
func (e *Event) check() error {
	present, known := map[Kind]bool{
		KindExec: e.Exec != nil, KindSpawn: e.Spawn != nil, KindCall: e.Call != nil, KindSignal: e.Signal != nil,
		KindStop: e.Stop != nil, KindExit: e.Exit != nil, KindState: e.State != nil, KindSockets: e.Sockets != nil,
		KindOutput: e.Output != nil, KindPeer: e.Peer != nil, KindMark: e.Mark != nil, KindNote: e.Note != nil,
	}[e.Kind]
	if known && !present {
		return fmt.Errorf("event %d: kind %q without its details", e.Seq, e.Kind)
	}
	return nil
}

// Extension is the ending of a recording's file name.
const Extension = ".jsonl"

// ReadFile reads the recording in the named file.
func ReadFile(path string) (*Recording, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r, err := Read(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	r.Name = strings.TrimSuffix(filepath.Base(path), Extension)
	return r, nil
}
