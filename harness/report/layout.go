package report

import (
	"fmt"
	"strings"

	"charm.land/lipgloss/v2"
)

// Columns of the text report.
const (
	minWidth     = 60
	maxWidth     = 200
	defaultWidth = 100
	labelIndent  = 2
	textColumn   = 12 // where the texts behind the labels begin
	roomyWidth   = 90 // from here on excerpts stand under the texts, not under the labels
)

// tone is what a colour says; the mark beside it says the same.
type tone int

const (
	plain tone = iota
	good
	bad
	warn
	faint
	strong
)

var styles = map[tone]lipgloss.Style{
	good:   lipgloss.NewStyle().Foreground(lipgloss.Green),
	bad:    lipgloss.NewStyle().Foreground(lipgloss.Red).Bold(true),
	warn:   lipgloss.NewStyle().Foreground(lipgloss.Yellow),
	faint:  lipgloss.NewStyle().Faint(true),
	strong: lipgloss.NewStyle().Bold(true),
}

// page collects lines of at most width columns.
type page struct {
	strings.Builder
	width int
	color bool
}

func newPage(width int, color bool) *page {
	if width == 0 {
		width = defaultWidth
	}
	return &page{width: max(minWidth, min(width, maxWidth)), color: color}
}

// paint colours text that has its place already.
func (p *page) paint(t tone, s string) string {
	if !p.color || t == plain || s == "" {
		return s
	}
	return styles[t].Render(s)
}

func (p *page) line(s string) { p.WriteString(strings.TrimRight(s, " ") + "\n") }

func (p *page) blank() { p.WriteByte('\n') }

// para writes text behind a label, wrapped under itself.
func (p *page) para(label, text string) { p.hang(labelIndent, label, textColumn, text) }

// hang writes a label at indent and the text from column on, wrapped.
func (p *page) hang(indent int, label string, column int, text string) {
	for _, line := range wrap(text, p.width-column) {
		p.line(p.paint(faint, fill(spaces(indent)+label, column)) + line)
		label = ""
	}
}

// mark writes a mark at the left edge and text wrapped behind it.
func (p *page) mark(t tone, mark, text string) {
	indent := width(mark)
	for _, line := range wrap(text, p.width-indent-2) {
		p.line(p.paint(t, mark) + "  " + line)
		mark = spaces(indent)
	}
}

// command writes a shell command behind a label; where it has to be wrapped, it
// is so that it can still be pasted: between arguments, with a backslash before
// the break; a long argument stays whole.
func (p *page) command(label, text string) {
	lines := []string{""}
	for i, word := range splitArguments(text) {
		last := &lines[len(lines)-1]
		switch {
		case i == 0:
			*last = word
		case textColumn+width(*last)+1+width(word)+2 <= p.width:
			*last += " " + word
		default:
			*last += ` \`
			lines = append(lines, word)
		}
	}
	for _, line := range lines {
		p.line(p.paint(faint, fill(spaces(labelIndent)+label, textColumn)) + line)
		label = ""
	}
}

// head writes the first line of a block: mark and word, title, and the claim's
// id at the right, on a wide page not far from the title.
func (p *page) head(t tone, mark, title, id string) {
	indent := width(mark) + 2
	lines := wrap(title, p.width-indent)
	for i, line := range lines {
		text := fill("", indent) + p.paint(strong, line)
		if i == 0 {
			text = p.paint(t, mark) + "  " + p.paint(strong, line)
		}
		used := indent + width(line) + width(id)
		gap := min(p.width, max(defaultWidth, used+2)) - used
		switch {
		case i < len(lines)-1:
			p.line(text)
		case gap >= 2:
			p.line(text + spaces(gap) + p.paint(faint, id))
		default:
			p.line(text)
			p.line(spaces(max(labelIndent, p.width-width(id))) + p.paint(faint, id))
		}
	}
}

// width returns how many columns s takes.
func width(s string) int {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return lipgloss.Width(s)
		}
	}
	return len(s)
}

func spaces(n int) string { return strings.Repeat(" ", max(0, n)) }

// fill fills s with spaces to n columns.
func fill(s string, n int) string { return s + spaces(n-width(s)) }

// wrap breaks text into lines of at most n columns: at line breaks, at single
// spaces, and inside a word only where the word alone is longer. Runs of spaces
// may be evidence, so no break swallows one.
func wrap(text string, n int) []string {
	var lines []string
	for _, part := range strings.Split(text, "\n") {
		lines = append(lines, wrapLine(part, max(n, 1))...)
	}
	return lines
}

func wrapLine(text string, n int) []string {
	var lines []string
	line, used := "", 0
	for i, word := range splitWords(text) {
		size := width(word)
		if i > 0 && used+1+size <= n {
			line, used = line+" "+word, used+1+size
			continue
		}
		if i > 0 {
			lines = append(lines, line)
		}
		for size > n {
			head := prefix(word, n)
			lines, word = append(lines, head), word[len(head):]
			size -= width(head)
		}
		line, used = word, size
	}
	return append(lines, line)
}

// splitWords splits at single spaces.
func splitWords(s string) []string {
	var words []string
	start := 0
	for i := 1; i+1 < len(s); i++ {
		if s[i] == ' ' && s[i-1] != ' ' && s[i+1] != ' ' {
			words = append(words, s[start:i])
			start = i + 1
		}
	}
	return append(words, s[start:])
}

// splitArguments splits a shell command at spaces outside of quotes.
func splitArguments(s string) []string {
	quote := rune(0)
	return strings.FieldsFunc(s, func(r rune) bool {
		switch {
		case r == quote:
			quote = 0
		case quote == 0 && (r == '\'' || r == '"'):
			quote = r
		}
		return r == ' ' && quote == 0
	})
}

// prefix returns the longest beginning of s, at least one character, that fits n
// columns.
func prefix(s string, n int) string {
	used := 0
	for i, r := range s {
		used += width(string(r))
		if used > n && i > 0 {
			return s[:i]
		}
	}
	return s
}

// table writes rows of short cells as aligned columns.
func (p *page) table(indent int, rows [][]string) {
	widths := columnWidths(rows)
	for _, row := range rows {
		text := spaces(indent)
		for i, cell := range row {
			text += cell + spaces(widths[i]-width(cell)+2)
		}
		p.line(text)
	}
}

func columnWidths(rows [][]string) map[int]int {
	widths := map[int]int{}
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], width(cell))
		}
	}
	return widths
}

// seconds writes a time as the reports do: "6.4 s", "0.31 s".
func seconds(s float64) string {
	if s < 1 {
		return fmt.Sprintf("%.2f s", s)
	}
	return fmt.Sprintf("%.1f s", s)
}
