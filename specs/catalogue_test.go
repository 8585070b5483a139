package specs_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"ipckit/harness/claim"
	"ipckit/harness/judge"
	"ipckit/harness/scenario"
	"ipckit/specs"
)

// eachClaim runs a test on every claim.
func eachClaim(t *testing.T, test func(*testing.T, judge.Spec)) {
	t.Helper()
	all := specs.All()
	if len(all) == 0 {
		t.Fatal("the catalogue is empty")
	}
	for _, s := range all {
		t.Run(string(s.ID), func(t *testing.T) { test(t, s) })
	}
}

// TestClaimsAreWhole demands everything that a reader is told of a claim.
func TestClaimsAreWhole(t *testing.T) {
	id := regexp.MustCompile(`^[a-z][a-z0-9-]*(\.[a-z0-9-]+)+$`)
	seen := map[string]claim.ID{}
	eachClaim(t, func(t *testing.T, s judge.Spec) {
		if !id.MatchString(string(s.ID)) {
			t.Error("the id has other characters than a-z, 0-9, dot and hyphen, or no topic")
		}
		for what, text := range map[string]string{"title": s.Title, "text": s.Text, "why": s.Why} {
			if strings.TrimSpace(text) != text || text == "" {
				t.Errorf("%s %q is empty, or has spaces around it", what, text)
			}
			if other, twice := seen[text]; twice {
				t.Errorf("its %s is that of %s", what, other)
			}
			seen[text] = s.ID
		}
		if (s.Level == claim.Must || s.Level == claim.Should) && s.Cause == "" {
			t.Error("no usual cause of a failure")
		}
		if s.Check == nil || len(s.On) == 0 || len(s.Read) == 0 || s.File == "" || s.Line == 0 {
			t.Error("no check, no scenario, nothing to read, or no place in the source")
		}
		if !slices.Contains(claim.Levels(), s.Level) {
			t.Errorf("level %q", s.Level)
		}
		if (s.Level == claim.Fact) != (s.Role == claim.Kernel) {
			t.Errorf("a %v about the %s: facts are about the kernel, and nothing else is", s.Level, s.Role)
		}
	})
}

// TestPunctuation keeps texts fit for the sentences that reports make of them:
// "the article says: <erratum>.".
func TestPunctuation(t *testing.T) {
	eachClaim(t, func(t *testing.T, s judge.Spec) {
		for what, text := range map[string]string{"text": s.Text, "why": s.Why, "cause": s.Cause} {
			if text == "" {
				continue
			}
			if !strings.HasSuffix(text, ".") {
				t.Errorf("%s does not end with a full stop: %q", what, text)
			}
			if strings.Contains(text, "  ") || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) {
				t.Errorf("%s has double spaces or more than plain characters: %q", what, text)
			}
		}
		for what, text := range map[string]string{"title": s.Title, "erratum": s.Erratum} {
			if strings.HasSuffix(text, ".") {
				t.Errorf("%s ends with a full stop: %q", what, text)
			}
		}
		if strings.HasPrefix(s.Erratum, "the article") {
			t.Errorf(`the erratum does not read after "the article says: ": %q`, s.Erratum)
		}
		if s.Erratum != "" && s.Source == claim.Beyond {
			t.Error("an erratum, but not from the article")
		}
	})
}

// TestReferences checks the form of what there is to read. A man page has a
// section from 1 to 8, which may have a suffix.
func TestReferences(t *testing.T) {
	page := regexp.MustCompile(`^[A-Za-z0-9_.-]+\([1-8][a-z]*\)$`)
	other := regexp.MustCompile(`^(POSIX [a-z_]+\(\)|RFC [0-9]+(, section [0-9.]*[0-9])?)$`)
	eachClaim(t, func(t *testing.T, s judge.Spec) {
		for _, place := range s.Read {
			if !page.MatchString(place) && !other.MatchString(place) {
				t.Errorf("%q is no man page such as accept(2), nor POSIX accept(), nor RFC 9293, section 3.5", place)
			}
		}
	})
}

// TestNeeds: a need exists, is of a program that is there whenever the claim is
// judged, and does not lead back.
func TestNeeds(t *testing.T) {
	byID := map[claim.ID]judge.Spec{}
	for _, s := range specs.All() {
		byID[s.ID] = s
	}
	eachClaim(t, func(t *testing.T, s judge.Spec) {
		for _, id := range s.Needs {
			need, known := byID[id]
			switch {
			case !known:
				t.Errorf("it needs %s, which is no claim", id)
			case !fits(s.Role, need.Role):
				t.Errorf("a claim about the %s needs %s, one about the %s", s.Role, id, need.Role)
			case need.Level == claim.May:
				t.Errorf("it needs %s, which is never a fault", id)
			case s.Level == claim.Must && need.Level != claim.Must:
				t.Errorf("a MUST needs %s, a %v: where that is missed, the MUST would be skipped, and the program conform", id, need.Level)
			}
		}
		if path := circle(byID, s.ID, s.ID, nil); path != nil {
			t.Errorf("its needs lead back: %v", path)
		}
	})
}

// fits reports whether a claim about one may need a claim about the other.
func fits(role, need claim.Role) bool {
	return role == need || role == claim.Pair && (need == claim.Server || need == claim.Client)
}

// circle returns the way from one claim to the other by their needs, or nil.
func circle(byID map[claim.ID]judge.Spec, from, to claim.ID, gone []claim.ID) []claim.ID {
	for _, id := range byID[from].Needs {
		if id == to {
			return append(gone, from, id)
		}
		if slices.Contains(gone, id) {
			continue
		}
		if path := circle(byID, id, to, append(slices.Clone(gone), from)); path != nil {
			return path
		}
	}
	return nil
}

// TestScenarios: what claims are judged on exists, and nothing is recorded that
// no claim is judged on.
func TestScenarios(t *testing.T) {
	used := map[scenario.Name]bool{}
	eachClaim(t, func(t *testing.T, s judge.Spec) {
		for _, name := range s.On {
			used[name] = true
			if _, err := scenario.Find(name); err != nil {
				t.Error(err)
			}
		}
		if len(slices.Compact(slices.Sorted(slices.Values(s.On)))) != len(s.On) {
			t.Errorf("a scenario is named twice: %v", s.On)
		}
	})
	for _, s := range scenario.All() {
		if !used[s.Name] {
			t.Errorf("no claim is judged on the scenario %s", s.Name)
		}
	}
}

// TestTextsCanBeRead bounds what a reader has to hold in mind: a student who has
// never heard of a zombie reads this at night.
func TestTextsCanBeRead(t *testing.T) {
	const mostSentences, longest, average = 3, 40, 25
	eachClaim(t, func(t *testing.T, s judge.Spec) {
		for what, text := range map[string]string{"text": s.Text, "why": s.Why, "cause": s.Cause} {
			all := sentences(text)
			if len(all) > mostSentences {
				t.Errorf("%s has %d sentences", what, len(all))
			}
			words := 0
			for _, one := range all {
				n := len(strings.Fields(one))
				if words += n; n > longest {
					t.Errorf("%s has a sentence of %d words: %q", what, n, one)
				}
			}
			if len(all) > 0 && words > average*len(all) {
				t.Errorf("%s has %d words in %d sentences: %q", what, words, len(all), text)
			}
		}
	})
}

// sentences parts a text where a full stop, question mark or colon is followed by
// a space and a capital letter.
func sentences(text string) []string {
	var all []string
	runes := []rune(text)
	begin := 0
	for i := 1; i+2 < len(runes); i++ {
		if strings.ContainsRune(".?!", runes[i]) && runes[i+1] == ' ' && unicode.IsUpper(runes[i+2]) {
			all = append(all, string(runes[begin:i+1]))
			begin = i + 2
		}
	}
	if begin < len(runes) {
		all = append(all, string(runes[begin:]))
	}
	return all
}

func TestSentences(t *testing.T) {
	got := sentences("See wait(2). It asks: why? A... b, e.g. this. End.")
	if want := []string{"See wait(2).", "It asks: why?", "A... b, e.g. this.", "End."}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}
