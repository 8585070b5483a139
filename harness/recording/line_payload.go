package recording

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

const (
	shownBytes = 60 // of a payload in a line
	shownPath  = 200
	longRun    = 8 // NUL bytes in a row that are counted instead of shown
)

// payload quotes bytes, escaped; long runs of NUL are counted ("War and Peace"
// and 244 × \x00), and what is left out is said.
func payload(d *Data) string {
	var parts []string
	rest, room := d.Bytes, shownBytes
	for len(rest) > 0 && room > 0 {
		if run := nulRun(rest); run >= longRun {
			parts = append(parts, fmt.Sprintf(`%d %s \x00`, run, sign))
			rest, room = rest[run:], room-1
			continue
		}
		n := min(untilRun(rest), room)
		parts = append(parts, `"`+Escape(rest[:n])+`"`)
		rest, room = rest[n:], room-n
	}
	if len(parts) == 0 {
		parts = []string{`""`}
	}
	text := strings.Join(parts, " and ")
	if shown := len(d.Bytes) - len(rest); shown < d.Len {
		text += fmt.Sprintf(" (first %d of %d bytes)", shown, d.Len)
	}
	return text
}

func nulRun(b []byte) int {
	n := 0
	for n < len(b) && b[n] == 0 {
		n++
	}
	return n
}

// untilRun returns how many bytes stand before the next long run of NUL.
func untilRun(b []byte) int {
	if i := strings.Index(string(b), strings.Repeat("\x00", longRun)); i >= 0 {
		return i
	}
	return len(b)
}

// quote quotes foreign text, escaped and bounded.
func quote(s string) string {
	if len(s) <= shownPath {
		return `"` + Escape([]byte(s)) + `"`
	}
	return fmt.Sprintf(`"%s" (first %d of %d bytes)`, Escape([]byte(s[:shownPath])), shownPath, len(s))
}

// asked writes a time that a program asked for: "1 s", "0.5 s", "20 ms".
func asked(d time.Duration) string {
	if d.Abs() >= 100*time.Millisecond || d == 0 {
		return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) + " s"
	}
	return strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'f', -1, 64) + " ms"
}

// measured writes a time that passed: "1.00 s", "12 ms".
func measured(d time.Duration) string {
	if d >= time.Second {
		return strconv.FormatFloat(d.Seconds(), 'f', 2, 64) + " s"
	}
	return strconv.FormatInt(d.Milliseconds(), 10) + " ms"
}

func bytesWord(n int) string {
	if n == 1 {
		return "1 byte"
	}
	return fmt.Sprintf("%d bytes", n)
}
