package report

import (
	"fmt"
	"strings"

	"ipckit/harness/claim"
)

// broken tells where the kit or the machine failed: nothing about the program.
func (t *text) broken() {
	t.byReason(claim.Broken, bad, "# BROKEN", "the kit or the machine failed here, not the program")
}

// notJudged tells what the run says nothing about.
func (t *text) notJudged() {
	t.byReason(claim.NotJudged, warn, "? NOT JUDGED", "no reason was given")
}

// byReason writes one block for each reason: the mark, the reason, the claims.
func (t *text) byReason(o claim.Outcome, tn tone, mark, otherwise string) {
	verdicts := t.outcomes(o)
	reasons, groups := group(verdicts, func(v *claim.Verdict) string { return v.Reason })
	for _, reason := range reasons {
		if t.detail != Brief {
			t.blank()
		}
		words := t.limit(reason)
		if reason == "" {
			words = otherwise
		}
		t.mark(tn, mark, words)
		for _, v := range groups[reason] {
			t.head(plain, spaces(labelIndent)+fill(v.Level.String(), levelWidth), t.title(v), string(v.Claim))
			if t.detail == Full {
				t.again(v)
			}
		}
	}
}

const levelWidth = 6 // of "SHOULD"

// group sorts verdicts into groups by a key; keys in order of appearance.
func group(verdicts []*claim.Verdict, key func(*claim.Verdict) string) ([]string, map[string][]*claim.Verdict) {
	var keys []string
	groups := map[string][]*claim.Verdict{}
	for _, v := range verdicts {
		k := key(v)
		if groups[k] == nil {
			keys = append(keys, k)
		}
		groups[k] = append(groups[k], v)
	}
	return keys, groups
}

// flaky tells what did not come out the same in every repetition.
func (t *text) flaky() {
	for _, v := range t.outcomes(claim.Flaky) {
		t.open(warn, "~ FLAKY "+v.Level.String(), v)
		if t.detail == Brief {
			continue
		}
		t.field("expected", expected(v, t.Claims[v.Claim]))
		t.saw(v)
		t.field("usually", t.Claims[v.Claim].Cause)
		t.again(v)
	}
}

// skipped tells in one line for each cause what was left out because of it.
func (t *text) skipped() {
	causes, groups := group(t.outcomes(claim.Skip), t.cause)
	if len(causes) > 0 && t.detail != Brief {
		t.blank()
	}
	for _, cause := range causes {
		ids := make([]string, len(groups[cause]))
		for i, v := range groups[cause] {
			ids[i] = string(v.Claim)
		}
		t.mark(faint, "-", fmt.Sprintf("skipped %s %s%s: %s",
			count(len(ids), "claim"), dependent(len(ids), cause), t.became(cause), strings.Join(ids, ", ")))
	}
}

// cause returns the claim at the end of a chain of skips: the one to mend.
func (t *text) cause(v *claim.Verdict) string {
	for range t.Verdicts {
		next := t.Verdict(v.DependsOnFailed)
		if next == nil || next.Outcome != claim.Skip {
			break
		}
		v = next
	}
	return string(v.DependsOnFailed)
}

func dependent(n int, cause string) string {
	switch {
	case cause == "":
		return "for a cause that is not named"
	case n == 1:
		return "that depends on " + cause
	}
	return "that depend on " + cause
}

// became says why the cause of a skip did not pass, where it did not just fail.
func (t *text) became(cause string) string {
	v := t.Verdict(claim.ID(cause))
	if v == nil || v.Outcome == claim.Fail {
		return ""
	}
	return ", which is " + words[v.Outcome]
}

var words = map[claim.Outcome]string{
	claim.Pass: "passed", claim.Fail: "failed", claim.Skip: "skipped",
	claim.NotJudged: "not judged", claim.Flaky: "flaky", claim.Broken: "broken",
}

// errata tells, of facts that hold, what the article says instead.
func (t *text) errata() {
	if t.detail == Brief {
		return
	}
	verdicts := t.where(func(v *claim.Verdict) bool {
		return v.Outcome == claim.Pass && v.Level == claim.Fact && t.Claims[v.Claim].Erratum != ""
	})
	if len(verdicts) > 0 {
		t.blank()
	}
	for _, v := range verdicts {
		c := t.Claims[v.Claim]
		here := v.Observed
		if here == "" {
			here = c.Text
		}
		if t.calm() && t.detail == Normal {
			t.mark(good, "✓ FACT", fmt.Sprintf("%s: the article says: %s Here: %s", v.Claim, sentence(c.Erratum), t.limit(sentence(here))))
			continue
		}
		t.head(good, "✓ FACT", t.title(v), string(v.Claim))
		column := width("✓ FACT") + 2
		t.hang(0, "", column, fmt.Sprintf("the article says: %s Here: %s", sentence(c.Erratum), t.limit(sentence(here))))
	}
}

// calm reports whether every verdict passed or is undecided: nothing to mend.
func (t *text) calm() bool { return len(t.kinds(failed)) == 0 && len(t.kinds(missed)) == 0 }

// alternatives tells which of several right ways a program took.
func (t *text) alternatives() {
	verdicts := t.where(func(v *claim.Verdict) bool { return v.Level == claim.May && v.Outcome == claim.Pass })
	if len(verdicts) == 0 || t.detail == Brief {
		return
	}
	t.blank()
	for _, v := range verdicts {
		words := t.title(v)
		if v.Observed != "" {
			words += ": " + t.limit(v.Observed)
		}
		t.head(faint, "· MAY", words, string(v.Claim))
	}
}

// passes lists what held, where everything is wanted.
func (t *text) passes() {
	if t.detail != Full {
		return
	}
	t.blank()
	for _, v := range t.kinds(held) {
		if v.Level != claim.May && (v.Level != claim.Fact || t.Claims[v.Claim].Erratum == "") {
			t.head(good, "✓ "+v.Level.String(), t.title(v), string(v.Claim))
		}
	}
}
