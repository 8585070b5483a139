package recording

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
	"sort"
	"strings"
)

// TranscriptOptions say how a transcript is printed.
type TranscriptOptions struct {
	Width  int          // columns; 0 is 100
	All    bool         // leave nothing out
	Marked map[int]bool // events, by Seq, that are evidence: they get a mark in the margin and are never left out
}

const (
	defaultWidth   = 100
	narrowest      = 60
	whoShare       = 4  // the actor takes a fourth of the width at most
	glossShare     = 50 // per cent of the text's width before the gloss
	glossIndent    = 8  // below the text, it is an eighth of the width further in
	glossStep      = 4  // how far it moves at a time where the text is long
	evidenceMargin = "> "
	emptyMargin    = "  "
	gap            = "  "
)

// Transcript prints the recording for a reader: what was run, then one line per
// event with time, actor, what happened and what that means, then how it ended.
// Events that teach nothing are left out, and counted at the end; a call that
// lasted while others acted has a line of its own where it began.
//
// Nothing that a program wrote reaches w unescaped.
func (r *Recording) Transcript(w io.Writer, options TranscriptOptions) error {
	t := &transcript{r: r, out: bufio.NewWriter(w), width: options.Width, left: map[string]int{}}
	if t.width == 0 {
		t.width = defaultWidth
	}
	t.width = max(t.width, narrowest)
	rows := t.rows(options)
	t.header()
	t.table(rows)
	t.trailer()
	if err := t.out.Flush(); err != nil {
		return fmt.Errorf("write transcript: %w", err)
	}
	return nil
}

type transcript struct {
	r     *Recording
	out   *bufio.Writer // keeps the first error for Flush
	width int
	left  map[string]int // events left out, by reason
}

// row is a line at its place in the order of everything seen.
type row struct {
	Line
	seq    int
	marked bool
}

func (t *transcript) rows(options TranscriptOptions) []row {
	var kept []*Event
	filter := newNoise(t.r)
	for i := range t.r.Events {
		e := &t.r.Events[i]
		if why := filter.why(e); why != shown && !options.All && !options.Marked[e.Seq] {
			t.left[why]++
			continue
		}
		kept = append(kept, e)
	}
	var rows []row
	for i, e := range kept {
		if interleaved(kept[:i], e) {
			rows = append(rows, row{Line: t.r.began(e), seq: e.Call.Enter})
		}
		rows = append(rows, row{Line: t.r.Line(e), seq: e.Seq, marked: options.Marked[e.Seq]})
	}
	slices.SortStableFunc(rows, func(a, b row) int { return cmp.Compare(a.seq, b.seq) })
	return rows
}

// interleaved reports whether others acted while the call lasted, so that its
// beginning deserves a line.
func interleaved(before []*Event, e *Event) bool {
	if e.lasted() < longEnough || e.Call.Fate == Denied {
		return false
	}
	const farthest = 200 // events that are looked at
	for i := len(before) - 1; i >= max(0, len(before)-farthest) && before[i].Seq > e.Call.Enter; i-- {
		if b := before[i]; b.Output == nil && b.Sockets == nil && b.State == nil && b.Mark == nil && (b.PID != e.PID || b.TID != e.TID) {
			return true
		}
	}
	return false
}

// began is the line of a call's beginning.
func (r *Recording) began(e *Event) Line {
	return r.line(e, e.Call.Began, e.Call.entry(false)+" ...", waits(e.Call))
}

// waits says what a call that lasts waits for.
func waits(c *Call) string {
	switch {
	case c.Name == "accept" || c.Name == "accept4":
		return "asleep until a client comes"
	case strings.HasPrefix(c.Name, "wait"):
		return "asleep until a child ends"
	case c.Name == "connect":
		return "asleep until the other side answers"
	case IsRead(c.Name):
		return "asleep until something comes"
	case IsWrite(c.Name):
		return "asleep until there is room"
	case strings.HasSuffix(c.Name, "nanosleep"):
		return "asleep until the time is over, or a signal comes"
	case c.Name == "pause" || c.Name == "rt_sigsuspend" || c.Name == "rt_sigtimedwait":
		return "asleep until a signal comes"
	case slices.Contains(naps, c.Name):
		return "asleep until something comes, or the time is over"
	}
	return ""
}

// header says what was run, where and how.
func (t *transcript) header() {
	h := &t.r.Header
	t.paragraph("", orUnknown(h.Scenario)+": "+h.Did)
	for _, s := range h.Subjects {
		t.paragraph(emptyMargin, subjectText(&s))
	}
	traced := ""
	if !h.Traced {
		traced = "; not traced: no system calls are recorded"
	}
	t.paragraph(emptyMargin, fmt.Sprintf("Linux %s, %s; isolation: %s%s", orUnknown(h.Kernel), orUnknown(h.Arch), orUnknown(h.Isolation), traced))
	fmt.Fprintln(t.out)
}

func orUnknown(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}

// shortSum is how much of a checksum is shown.
const shortSum = 12

func subjectText(s *Subject) string {
	text := s.Name
	if s.Role != s.Name {
		text += " (" + s.Role + ")"
	}
	if s.Path != "" {
		text += gap + quote(s.Path)
	}
	if len(s.Argv) > 1 {
		text += " with the arguments " + quoteAll(s.Argv[1:])
	}
	if s.SHA256 != "" {
		text += gap + "sha256 " + s.SHA256[:min(len(s.SHA256), shortSum)]
	}
	if s.Reference {
		text += gap + "the kit's own program"
	}
	return text
}

// table prints the rows in columns.
func (t *transcript) table(rows []row) {
	who := len("who")
	for i := range rows {
		who = max(who, min(columns(rows[i].Who), t.width/whoShare))
	}
	t.row(emptyMargin, "time, s", who, Line{Who: "who", What: "what", Gloss: "what it means"})
	for i := range rows {
		margin := emptyMargin
		if rows[i].marked {
			margin = evidenceMargin
		}
		t.row(margin, fmt.Sprintf("%.3f", rows[i].At.Seconds()), who, rows[i].Line)
	}
}

// row prints one line. What does not fit goes on below, further in: text of a
// program never begins a line of its own.
func (t *transcript) row(margin, at string, who int, l Line) {
	first := fmt.Sprintf("%s%8s%s%s%s", margin, at, gap, padded(shorten(l.Who, who), who), gap)
	room := t.width - columns(first)
	for i, text := range arrange(l.What, l.Gloss, room) {
		if i > 0 {
			first = strings.Repeat(" ", columns(first))
		}
		fmt.Fprintln(t.out, strings.TrimRight(first+text, " "))
	}
}

// arrange places the gloss beside the text where both fit, else below it.
func arrange(what, gloss string, room int) []string {
	column := room * glossShare / 100
	if gloss == "" {
		return wrap(what, room, continued)
	}
	for at := column; at+columns(gloss) <= room; at += glossStep {
		if columns(what)+len(gap) <= at {
			return []string{padded(what, at) + gloss}
		}
	}
	lines := wrap(what, room, continued)
	indent := strings.Repeat(" ", room/glossIndent)
	for _, part := range wrap(gloss, room-len(indent), continued) {
		lines = append(lines, indent+part)
	}
	return lines
}

// How far in a wrapped text goes on: behind the column of times where it is not
// there already, so that no text looks like a row.
const (
	continued          = "    "
	continuedParagraph = "            "
)

// wrap breaks text into lines of at most room columns, at spaces where there are
// any near the end.
func wrap(text string, room int, continued string) []string {
	var lines []string
	runes, indent := []rune(text), ""
	for len(indent)+len(runes) > room {
		end := breakAt(runes, room-len(indent))
		lines = append(lines, indent+string(runes[:end]))
		for end < len(runes) && runes[end] == ' ' {
			end++
		}
		runes, indent = runes[end:], continued
	}
	return append(lines, indent+string(runes))
}

// breakAt returns where to break a text that is too long.
func breakAt(runes []rune, room int) int {
	for i := room; i > room/2; i-- {
		if runes[i] == ' ' {
			return i
		}
	}
	return room
}

// columns is the width of a line's text, which has no wide characters.
func columns(s string) int { return len([]rune(s)) }

func padded(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-columns(s)))
}

func shorten(s string, width int) string {
	if runes := []rune(s); len(runes) > width {
		return string(runes[:width-2]) + ".."
	}
	return s
}

// trailer says how the recording ended, and what the transcript has left out.
func (t *transcript) trailer() {
	end := &t.r.Trailer
	fmt.Fprintln(t.out)
	if end.Broken != "" {
		t.paragraph("", "The kit or the machine failed, nothing is to be judged: "+end.Broken)
	}
	if end.Unreached != "" {
		t.paragraph("", "The script was not played to its end: it waited for \""+end.Unreached+"\" and gave up: "+orUnknown(end.Because))
	}
	t.paragraph("", fmt.Sprintf("%s in %.2f s.", counted(len(t.r.Events), "event"), end.Wall.Seconds()))
	if end.Dropped > 0 {
		t.paragraph("", counted(end.Dropped, "event")+" more came and were not kept: the recording was full.")
	}
	if end.Cut > 0 {
		t.paragraph("", fmt.Sprintf("%d bytes of payload were not kept; the lengths are true.", end.Cut))
	}
	t.leftOut()
}

func counted(n int, word string) string {
	if n != 1 {
		word += "s"
	}
	return fmt.Sprintf("%d %s", n, word)
}

// leftOut counts what is not shown, by reason.
func (t *transcript) leftOut() {
	total := 0
	var reasons []string
	for why, n := range t.left {
		total += n
		reasons = append(reasons, fmt.Sprintf("%d %s", n, why))
	}
	if total == 0 {
		return
	}
	sort.Strings(reasons)
	t.paragraph("", fmt.Sprintf("Left out: %s that %s little (%s). See all with --all.",
		counted(total, "event"), map[bool]string{true: "teaches", false: "teach"}[total == 1], strings.Join(reasons, "; ")))
}

// longestParagraph bounds text that says what was run and how it ended.
const longestParagraph = 2000

// paragraph prints text of any origin, wrapped.
func (t *transcript) paragraph(margin, text string) {
	for _, part := range wrap(clip(plain(text), longestParagraph), t.width-len(margin), continuedParagraph) {
		fmt.Fprintln(t.out, margin+part)
	}
}
