package report

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"ipckit/harness/claim"
)

// ClaimsText lists claims by topic, one line each. Where options give a width
// the titles are wrapped to it; else a line is as long as it is, which suits
// grep.
func ClaimsText(w io.Writer, claims []claim.Claim, options TextOptions) error {
	p := newPage(options.Width, options.Color)
	column := titleColumn(claims)
	for i, topic := range topics(claims) {
		if i > 0 {
			p.blank()
		}
		p.line(p.paint(strong, topic))
		for _, c := range claims {
			if c.ID.Topic() != topic {
				continue
			}
			head := p.paint(levelTone(c.Level), fill(spaces(labelIndent)+c.Level.String(), idColumn)) + fill(string(c.ID), column-idColumn)
			for _, line := range titleLines(c.Title, options.Width, p.width, column) {
				p.line(head + line)
				head = spaces(column)
			}
		}
	}
	_, err := io.WriteString(w, p.String())
	return err
}

// idColumn is where the ids of a list begin, behind the longest level.
const idColumn = labelIndent + len("SHOULD") + 2

func titleColumn(claims []claim.Claim) int {
	column := 0
	for _, c := range claims {
		column = max(column, idColumn+width(string(c.ID))+2)
	}
	return column
}

// titleLines breaks a title for the room that is left of the page.
func titleLines(title string, asked, page, column int) []string {
	const least = 20
	if asked == 0 || page-column < least {
		return []string{title}
	}
	return wrap(title, page-column)
}

// topics returns the topics in the order in which the claims first name them.
func topics(claims []claim.Claim) []string {
	var topics []string
	for _, c := range claims {
		if !slices.Contains(topics, c.ID.Topic()) {
			topics = append(topics, c.ID.Topic())
		}
	}
	return topics
}

func levelTone(l claim.Level) tone {
	switch l {
	case claim.Must:
		return strong
	case claim.May:
		return faint
	}
	return plain
}

// ClaimsJSON writes the claims as an array.
func ClaimsJSON(w io.Writer, claims []claim.Claim) error {
	list := make([]claim.Claim, len(claims))
	for i, c := range claims {
		c.Read, c.Needs = append([]string{}, c.Read...), append([]claim.ID{}, c.Needs...) // [], not null
		list[i] = c
	}
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	out.SetIndent("", "  ")
	return out.Encode(list)
}

// ClaimsMarkdown writes the claims as a table.
func ClaimsMarkdown(w io.Writer, claims []claim.Claim) error {
	var b strings.Builder
	b.WriteString("| level | claim | what must hold | source |\n|---|---|---|---|\n")
	for _, c := range claims {
		text := c.Text
		if c.Erratum != "" {
			text += " (The article says: " + c.Erratum + ")"
		}
		fmt.Fprintf(&b, "| %s | `%s` | %s | %s |\n", c.Level, c.ID, tableText(text), tableText(c.Source.String()))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// markdown escapes what a table cell would not show as it is.
var markdown = strings.NewReplacer(`\`, `\\`, "|", `\|`, "*", `\*`, "_", `\_`, "`", "\\`", "<", "&lt;", "\n", " ")

func tableText(s string) string { return markdown.Replace(s) }

// Explanation is a claim with what is known about it beside its words.
type Explanation struct {
	claim.Claim
	Did      []string   // what is done to see it, for each scenario
	NeededBy []claim.ID // the claims that are not judged where it does not hold
}

// Explain writes what a person may want to know about one claim.
func Explain(w io.Writer, e Explanation, options TextOptions) error {
	p := newPage(options.Width, options.Color)
	p.head(levelTone(e.Level), e.Level.String(), e.Title, string(e.ID))
	p.blank()
	for _, field := range []struct{ label, text string }{
		{"holds", e.Text},
		{"about", about(e.Role)},
		{"source", e.Source.String()},
		{"erratum", erratum(e.Erratum)},
		{"why", e.Why},
		{"usually", e.Cause},
		{"the kit", strings.Join(e.Did, "\n")},
		{"read", strings.Join(e.Read, "; ")},
		{"needs", ids(e.Needs)},
		{"needed by", ids(e.NeededBy)},
	} {
		if field.text != "" {
			p.para(field.label, field.text)
		}
	}
	_, err := io.WriteString(w, p.String())
	return err
}

func erratum(text string) string {
	if text == "" {
		return ""
	}
	return "the article says: " + text
}

func about(role claim.Role) string {
	switch role {
	case claim.Kernel:
		return "the kernel, whatever the program: shown with probes of the kit's own"
	case claim.Pair:
		return "a server and a client together"
	}
	return "the " + string(role)
}

func ids(list []claim.ID) string {
	words := make([]string, len(list))
	for i, id := range list {
		words[i] = string(id)
	}
	return strings.Join(words, "\n")
}
