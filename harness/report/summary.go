package report

import (
	"fmt"
	"slices"
	"strings"

	"ipckit/harness/claim"
)

// count writes a number and its noun: "1 claim", "2 claims".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// part is a piece of a line with its colour.
type part struct {
	tone tone
	text string
}

func (t *text) join(parts []part, between string) string {
	painted := make([]string, len(parts))
	for i, p := range parts {
		painted[i] = t.paint(p.tone, p.text)
	}
	return strings.Join(painted, between)
}

// headRow is one line of the beginning: role, what was judged, how it did.
type headRow struct {
	role, what string
	parts      []part
}

// heads writes a line for each subject, and one for the claims that are about no
// single one.
func (t *text) heads() {
	rows := t.headRows()
	role, what := 0, 0
	for _, r := range rows {
		role, what = max(role, width(r.role)), max(what, width(r.what))
	}
	for _, r := range rows {
		t.subject(r, role+2, min(what, t.width/3))
	}
}

// subject writes one row in columns, or below each other where they are too
// narrow.
func (t *text) subject(r headRow, column, what int) {
	start := fill(r.role, column) + fill(r.what, what) + "    "
	if counts := t.join(r.parts, "    "); width(r.what) <= what && width(start)+width(counts) <= t.width {
		t.line(start + counts)
		return
	}
	t.hang(0, r.role, column, r.what)
	line := spaces(column)
	for i, p := range r.parts {
		if i > 0 && width(line)+width(p.text) > t.width {
			t.line(line)
			line = spaces(column)
		}
		line += t.paint(p.tone, p.text) + "    "
	}
	t.line(line)
}

func (t *text) headRows() []headRow {
	var rows []headRow
	told := map[string]bool{}
	for _, s := range t.Subjects {
		parts := t.roleParts(claim.Role(s.Role))
		if told[s.Role] {
			parts = []part{{faint, "judged with the one above"}}
		}
		told[s.Role] = true
		rows = append(rows, headRow{s.Role, program(s), parts})
	}
	for _, v := range t.Verdicts {
		if role := string(v.Role); !told[role] {
			told[role] = true
			rows = append(rows, headRow{role, t.unnamed(v.Role), t.roleParts(v.Role)})
		}
	}
	return rows
}

// program returns a subject as it was started.
func program(s claim.Subject) string {
	words := []string{s.Path}
	if s.Path == "" || s.Reference {
		words[0] = "the kit's reference program"
	}
	if len(s.Argv) > 1 {
		words = append(words, s.Argv[1:]...)
	}
	return strings.Join(words, " ")
}

// unnamed says what a role without a subject is.
func (t *text) unnamed(r claim.Role) string {
	switch r {
	case claim.Pair:
		return "server and client together"
	case claim.Kernel:
		return strings.TrimSpace("Linux " + t.Environment.Kernel)
	}
	return "(no program)"
}

// roleParts counts the verdicts of a role, in words and marks.
func (t *text) roleParts(role claim.Role) []part {
	total, counts, kinds := map[claim.Level]int{}, claim.Counts{}, map[claim.Level]map[kind]int{}
	for i := range t.Verdicts {
		v := &t.Verdicts[i]
		if v.Role != role {
			continue
		}
		if kinds[v.Level] == nil {
			kinds[v.Level] = map[kind]int{}
		}
		total[v.Level]++
		counts[v.Outcome]++
		kinds[v.Level][t.kind(v)]++
	}
	var parts []part
	for _, l := range claim.Levels() {
		if total[l] > 0 {
			parts = append(parts, levelPart(l, total[l], kinds[l]))
		}
	}
	if len(parts) == 0 {
		return []part{{warn, "? nothing judged"}}
	}
	return append(parts, undecidedParts(counts)...)
}

// levelPart says it in words; only what held whole has the mark of success.
func levelPart(l claim.Level, total int, kinds map[kind]int) part {
	switch {
	case kinds[failed] > 0:
		return part{bad, fmt.Sprintf("✗ %d of %d %s failed", kinds[failed], total, l)}
	case kinds[missed] > 0:
		return part{warn, fmt.Sprintf("! %d of %d %s not met", kinds[missed], total, l)}
	case kinds[held] < total:
		return part{warn, fmt.Sprintf("? %d of %d %s hold", kinds[held], total, l)}
	case l == claim.May:
		return part{faint, fmt.Sprintf("· %d %s", total, l)}
	}
	return part{good, fmt.Sprintf("✓ %d %s", total, l)}
}

func undecidedParts(counts claim.Counts) []part {
	var parts []part
	for _, u := range []struct {
		outcome claim.Outcome
		tone    tone
		mark    string
	}{{claim.Broken, bad, "#"}, {claim.Flaky, warn, "~"}, {claim.NotJudged, warn, "?"}, {claim.Skip, faint, "-"}} {
		if n := counts[u.outcome]; n > 0 {
			parts = append(parts, part{u.tone, fmt.Sprintf("%s %d %s", u.mark, n, words[u.outcome])})
		}
	}
	return parts
}

// isolation warns where programs could meet each other and the machine.
func (t *text) isolation() {
	e := t.Environment
	if e.Isolation == "" || e.Isolation == "namespaces" {
		return
	}
	why := ""
	if e.IsolationWhy != "" {
		why = ": " + e.IsolationWhy
	}
	t.mark(warn, "! isolation", e.Isolation+why)
}

// topics writes what became of the claims by topic, where not all of them held.
func (t *text) topics() {
	names, groups := group(t.where(func(*claim.Verdict) bool { return true }), func(v *claim.Verdict) string { return v.Claim.Topic() })
	if t.detail == Brief || len(names) < 2 || t.detail == Normal && t.calm() {
		return
	}
	slices.Sort(names)
	rows := [][]string{{"topic", "passed", "failed", "not met", "undecided"}}
	for _, name := range names {
		n := map[kind]int{}
		for _, v := range groups[name] {
			n[t.kind(v)]++
		}
		rows = append(rows, []string{name, number(n[held]), number(n[failed]), number(n[missed]), number(n[undecided])})
	}
	t.blank()
	t.table(0, rows)
}

// number writes a count; none is a point, so that the others stand out.
func number(n int) string {
	if n == 0 {
		return "."
	}
	return fmt.Sprint(n)
}

// foot writes the counts, the time, where the recordings are, and what to do.
func (t *text) foot() {
	if t.detail != Brief {
		t.blank()
	}
	line := fmt.Sprintf("%s in %s", strings.Join(t.counts(), ", "), seconds(t.Wall.Seconds()))
	if t.Recordings != "" {
		line += "; recordings: " + t.Recordings
	}
	t.hang(0, "", 0, line)
	tn, closing := t.closing()
	for _, l := range wrap(closing, t.width) {
		t.line(t.paint(tn, l))
	}
}

func (t *text) counts() []string {
	counts := claim.Counts{}
	for _, v := range t.Verdicts {
		counts[v.Outcome]++
	}
	missed := len(t.kinds(missed))
	all := []string{fmt.Sprintf("%d passed", counts[claim.Pass]), fmt.Sprintf("%d failed", counts[claim.Fail]-missed)}
	if missed > 0 {
		all = append(all, fmt.Sprintf("%d not met (SHOULD)", missed))
	}
	for _, o := range []claim.Outcome{claim.Skip, claim.NotJudged, claim.Flaky, claim.Broken} {
		if counts[o] > 0 {
			all = append(all, fmt.Sprintf("%d %s", counts[o], words[o]))
		}
	}
	return all
}

// closing says in one sentence what the result means and what comes next. It
// follows the exit code, so that the words and the code never disagree.
func (t *text) closing() (tone, string) {
	switch t.ExitCode() {
	case claim.ExitFails:
		return bad, t.next()
	case claim.ExitIncomplete:
		return warn, t.incomplete()
	}
	judged := "Everything that was judged holds"
	if n := len(t.kinds(missed)); n > 0 {
		judged = fmt.Sprintf("Everything that must hold holds; %d SHOULD not met", n)
	}
	if n := len(t.kinds(undecided)); n > 0 {
		return good, fmt.Sprintf("%s; %s could not be judged.", judged, count(n, "claim"))
	}
	return good, judged + "."
}

// next names the first thing to mend: a failure of a program before a claim that
// holds only at times.
func (t *text) next() string {
	for _, v := range t.kinds(failed) {
		if v.Level != claim.Fact {
			return fmt.Sprintf("Next: fix %s%s.", v.Claim, then(v))
		}
	}
	for _, v := range t.outcomes(claim.Flaky) {
		if v.Level == claim.Must {
			return fmt.Sprintf("Next: make %s hold every time%s.", v.Claim, then(v))
		}
	}
	return "Next: fix what failed, then run again."
}

func then(v *claim.Verdict) string {
	if v.Rerun == "" {
		return ", then run again"
	}
	return `, then run the line under "again"`
}

// incomplete says why the run proves nothing yet.
func (t *text) incomplete() string {
	if facts := t.kinds(failed); len(facts) > 0 {
		return fmt.Sprintf("Incomplete: %s does not hold on this machine, so the kit's verdicts cannot be trusted here.", facts[0].Claim)
	}
	counts := t.Summary()
	flaky := counts[claim.Fact][claim.Flaky]
	unjudged := counts[claim.Must][claim.NotJudged] + counts[claim.Must][claim.Skip]
	switch {
	case len(t.outcomes(claim.Broken)) > 0:
		return "Incomplete: the kit or the machine failed; this says nothing about the programs. Run again."
	case flaky > 0:
		return "Incomplete: a fact did not hold every time on this machine. Run again, with less other work on it."
	case unjudged > 0:
		return fmt.Sprintf("Incomplete: %d MUST could not be judged, and that is no success; the reasons stand above.", unjudged)
	}
	return "Incomplete: nothing was judged, and that is no success."
}
