package recording

import "time"

type Line struct {
	Event            int
	At               time.Duration
	Who, What, Gloss string
}

func (r *Recording) Line(e *Event) Line { return Line{Event: e.Seq, At: e.At, What: string(e.Kind)} }
