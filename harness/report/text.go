package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"ipckit/harness/claim"
	"ipckit/harness/recording"
)

// Detail says how much the text report tells.
type Detail int

// The levels of detail.
const (
	Normal Detail = iota // every claim that needs attention, explained
	Brief                // the same claims, one line each
	Full                 // nothing shortened, the failed assertions, and what passed
)

// TextOptions say how the text report looks.
type TextOptions struct {
	Width  int    // columns, 60 to 200; 0 is 100
	Color  bool   // the marks and words say everything without it
	Detail Detail //
}

// Text writes the result for a person: who was judged, what does not hold and
// what to do about it, what could not be judged, and what comes next.
func Text(w io.Writer, result *claim.Result, options TextOptions) error {
	t := &text{page: newPage(options.Width, options.Color), Result: clean(result), detail: options.Detail}
	t.write()
	_, err := io.WriteString(w, t.String())
	return err
}

// Block returns the explanation of one verdict as the text report has it.
func Block(result *claim.Result, id claim.ID, options TextOptions) string {
	t := &text{page: newPage(options.Width, options.Color), Result: clean(result), detail: options.Detail}
	if v := t.Verdict(id); v != nil {
		t.explain(v)
	}
	return t.String()
}

type text struct {
	*page
	*claim.Result
	detail Detail
}

// The text report's String is that of its page.
func (t *text) String() string { return t.page.String() }

func (t *text) write() {
	t.heads()
	t.isolation()
	t.failures()
	t.misses()
	t.broken()
	t.flaky()
	t.notJudged()
	t.skipped()
	t.errata()
	t.alternatives()
	t.passes()
	t.topics()
	t.foot()
}

// Limits of the Normal level of detail; what is left out is said.
const (
	mostText  = 1000 // characters of one field
	mostLines = 24   // lines of one excerpt
)

// kind is what a verdict means to the reader: its outcome at its level.
type kind int

const (
	held kind = iota
	failed
	missed // a SHOULD that is not met
	undecided
)

func (t *text) kind(v *claim.Verdict) kind {
	switch {
	case v.Outcome == claim.Pass:
		return held
	case v.Outcome != claim.Fail:
		return undecided
	case v.Level == claim.Must || v.Level == claim.Fact || v.Level == claim.Should && t.Strict:
		return failed
	}
	return missed
}

// where returns the verdicts for which keep holds, by level, in their order.
func (t *text) where(keep func(*claim.Verdict) bool) []*claim.Verdict {
	var kept []*claim.Verdict
	for _, level := range []claim.Level{claim.Must, claim.Fact, claim.Should, claim.May} {
		for i := range t.Verdicts {
			if v := &t.Verdicts[i]; v.Level == level && keep(v) {
				kept = append(kept, v)
			}
		}
	}
	return kept
}

func (t *text) kinds(k kind) []*claim.Verdict {
	return t.where(func(v *claim.Verdict) bool { return t.kind(v) == k })
}

func (t *text) outcomes(o claim.Outcome) []*claim.Verdict {
	return t.where(func(v *claim.Verdict) bool { return v.Outcome == o })
}

// title returns the claim in plain words.
func (t *text) title(v *claim.Verdict) string {
	c := t.Claims[v.Claim]
	for _, s := range []string{c.Title, v.Message, c.Text} {
		if s != "" {
			return s
		}
	}
	return string(v.Claim)
}

func (t *text) failures() {
	for _, v := range t.kinds(failed) {
		t.open(bad, "✗ "+v.Level.String(), v)
		if t.detail != Brief {
			t.explain(v)
		}
	}
}

func (t *text) misses() {
	for _, v := range t.kinds(missed) {
		t.open(warn, "! "+v.Level.String(), v)
		switch t.detail {
		case Full:
			t.explain(v)
		case Normal:
			t.sketch(v)
		}
	}
}

// open begins a block with its head.
func (t *text) open(tn tone, mark string, v *claim.Verdict) {
	if t.detail != Brief {
		t.blank()
	}
	t.head(tn, mark, t.title(v), string(v.Claim))
}

// explain tells a failure from what was done to what to do.
func (t *text) explain(v *claim.Verdict) {
	c := t.Claims[v.Claim]
	t.field("did", v.Did)
	t.field("expected", expected(v, c))
	t.saw(v)
	t.excerpt(v)
	t.field("why", c.Why)
	t.field("usually", c.Cause)
	t.erratum(c)
	t.field("read", reading(c))
	t.look(v)
	t.again(v)
}

// sketch is explain for what is no fault: shorter.
func (t *text) sketch(v *claim.Verdict) {
	c := t.Claims[v.Claim]
	t.field("expected", expected(v, c))
	t.saw(v)
	t.field("usually", c.Cause)
	t.erratum(c)
	t.again(v)
}

func (t *text) field(label, s string) {
	if s != "" {
		t.para(label, t.limit(s))
	}
}

func expected(v *claim.Verdict, c claim.Claim) string {
	if v.Expected != "" {
		return v.Expected
	}
	return c.Text
}

// saw writes what was observed. The failed assertion is told only where nothing
// else is, or all of it is wanted.
func (t *text) saw(v *claim.Verdict) {
	t.field("saw", v.Observed)
	t.field("because", v.Reason)
	if v.Observed == "" && v.Reason == "" || t.detail == Full {
		t.field("details", v.Details)
	}
}

func (t *text) erratum(c claim.Claim) {
	if c.Erratum != "" {
		t.field("erratum", "the article says: "+sentence(c.Erratum)+" On Linux: "+sentence(c.Text))
	}
}

// sentence returns s with a full stop.
func sentence(s string) string {
	if s == "" || strings.ContainsAny(s[len(s)-1:], ".!?") {
		return s
	}
	return s + "."
}

// reading says where to read on: references, and the place in the article.
func reading(c claim.Claim) string {
	places := slices.Clone(c.Read)
	if c.Source != claim.Beyond {
		places = append(places, c.Source.String())
	}
	return strings.Join(places, "; ")
}

// look says where the whole recording can be seen.
func (t *text) look(v *claim.Verdict) {
	if t.Recordings == "" || len(v.Evidence) == 0 {
		return
	}
	file := strings.TrimSuffix(t.Recordings, "/") + "/" + v.Evidence[0].Recording + recording.Extension
	t.command("look", fmt.Sprintf("ipckit show %s --claim %s", quoted(file), v.Claim))
}

// quoted returns s as one argument of a shell command.
func quoted(s string) string {
	if !strings.ContainsAny(s, " '\"\\$`&|;<>()*?[]{}#!") {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

func (t *text) again(v *claim.Verdict) {
	if v.Rerun != "" {
		t.command("again", v.Rerun)
	}
}

// limit shortens a long text, and says so.
func (t *text) limit(s string) string {
	all := []rune(s)
	if t.detail == Full || len(all) <= mostText {
		return s
	}
	return fmt.Sprintf("%s\n(showing %d of %d characters; the JSON report has all)", string(all[:mostText]), mostText, len(all))
}

// excerpt writes the recorded lines that prove it as a table: time, who, what,
// gloss. A gloss that finds no room beside stands below.
func (t *text) excerpt(v *claim.Verdict) {
	lines := v.Excerpt
	if t.detail != Full && len(lines) > mostLines {
		lines = lines[:mostLines]
	}
	columns := t.columns(lines)
	from := ""
	for i, l := range lines {
		if l.Recording != from && (i > 0 || several(lines)) {
			t.line(spaces(columns.indent) + t.paint(faint, "in "+l.Recording+":"))
		}
		from = l.Recording
		t.row(columns, l)
	}
	if cut := len(v.Excerpt) - len(lines); cut > 0 {
		t.hang(columns.indent, "", columns.indent, fmt.Sprintf("(showing %d of %d lines; the JSON report has all)", len(lines), len(v.Excerpt)))
	}
}

func several(lines []claim.Line) bool {
	return slices.ContainsFunc(lines, func(l claim.Line) bool { return l.Recording != lines[0].Recording })
}

// columns are the places of an excerpt's cells.
type columns struct {
	indent, time, who, what int // widths
	gloss                   int // column where glosses begin; 0: below
}

const (
	leastWhat  = 24
	leastGloss = 24
	mostWho    = 16
)

func (t *text) columns(lines []claim.Line) columns {
	c := columns{indent: 4}
	if t.width >= roomyWidth {
		c.indent = textColumn + 2
	}
	what, gloss := 0, 0
	for _, l := range lines {
		c.time = max(c.time, len(clock(l)))
		c.who = max(c.who, min(width(l.Who), mostWho))
		what, gloss = max(what, width(l.What)), max(gloss, width(l.Gloss))
	}
	room := t.width - c.indent - c.time - 2 - c.who - 2
	c.what = room
	if spare := room - 2 - min(gloss, leastGloss); gloss > 0 && spare >= min(what, leastWhat) {
		c.what = min(what, spare)
		c.gloss = t.width - room + c.what + 2
	}
	return c
}

func clock(l claim.Line) string { return fmt.Sprintf("%.3f", l.At.Seconds()) }

func (t *text) row(c columns, l claim.Line) {
	who, what, gloss := wrap(l.Who, c.who), t.hanging(l.What, c.what), []string(nil)
	if l.Gloss != "" && c.gloss > 0 {
		gloss = wrap(l.Gloss, t.width-c.gloss)
	} else if l.Gloss != "" {
		what = append(what, t.hanging("  ("+l.Gloss+")", c.what)...)
	}
	at := fmt.Sprintf("%*s", c.time, clock(l))
	for i := range max(len(who), len(what), len(gloss)) {
		text := spaces(c.indent) + t.paint(faint, at) + "  " + fill(cell(who, i), c.who) + "  "
		if c.gloss > 0 {
			text += fill(cell(what, i), c.what) + "  " + t.paint(faint, cell(gloss, i))
		} else {
			text += cell(what, i)
		}
		t.line(text)
		at = spaces(c.time)
	}
}

// hanging wraps text with its second and later lines set in by two.
func (t *text) hanging(s string, n int) []string {
	lines := wrap(t.limit(s), n)
	if len(lines) == 1 {
		return lines
	}
	lines = wrap(t.limit(s), n-2)
	for i := 1; i < len(lines); i++ {
		lines[i] = "  " + lines[i]
	}
	return lines
}

func cell(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return ""
}
