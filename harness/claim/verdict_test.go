package claim_test

import (
	"testing"

	"ipckit/harness/claim"
)

// The contract's table, cell by cell: what one verdict beside a passing MUST
// asks for.
func TestExitCodeTable(t *testing.T) {
	type row map[claim.Level]int
	for outcome, want := range map[claim.Outcome]row{
		claim.Pass:      {claim.Must: 0, claim.Should: 0, claim.Fact: 0, claim.May: 0},
		claim.Fail:      {claim.Must: 1, claim.Should: 0, claim.Fact: 3, claim.May: 0},
		claim.Flaky:     {claim.Must: 1, claim.Should: 0, claim.Fact: 3, claim.May: 0},
		claim.Broken:    {claim.Must: 3, claim.Should: 3, claim.Fact: 3, claim.May: 0},
		claim.NotJudged: {claim.Must: 3, claim.Should: 0, claim.Fact: 0, claim.May: 0},
	} {
		for _, level := range claim.Levels() {
			r := results(verdict("held", claim.Must, claim.Pass), verdict("cell", level, outcome))
			if got := r.ExitCode(); got != want[level] {
				t.Errorf("%s %s: exit code %d, want %d", level, outcome, got, want[level])
			}
			r.Strict = true
			strict := want[level]
			if level == claim.Should && outcome == claim.Fail {
				strict = 1
			}
			if got := r.ExitCode(); got != strict {
				t.Errorf("%s %s, strict: exit code %d, want %d", level, outcome, got, strict)
			}
		}
	}
}

// A skip asks for what its cause asks for, through any chain.
func TestExitCodeOfSkips(t *testing.T) {
	held := verdict("held", claim.Must, claim.Pass)
	for _, c := range []struct {
		name  string
		cause claim.Verdict
		skip  claim.Level
		want  int
	}{
		{"a MUST failed", verdict("cause", claim.Must, claim.Fail), claim.Should, 1},
		{"a MUST was not judged", verdict("cause", claim.Must, claim.NotJudged), claim.May, 3},
		{"a SHOULD failed", verdict("cause", claim.Should, claim.Fail), claim.Must, 0},
		{"a SHOULD is broken", verdict("cause", claim.Should, claim.Broken), claim.Must, 3},
		{"a FACT failed", verdict("cause", claim.Fact, claim.Fail), claim.Must, 3},
		{"the cause is not there", verdict("other", claim.Should, claim.Pass), claim.Must, 3},
		{"the cause is not there, of a SHOULD", verdict("other", claim.Should, claim.Pass), claim.Should, 0},
		{"the cause passed", verdict("cause", claim.Must, claim.Pass), claim.Must, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			direct := results(held, skip("first", c.skip, "cause"), c.cause)
			chain := results(held, skip("first", c.skip, "second"), skip("second", claim.Should, "third"), skip("third", claim.May, "cause"), c.cause)
			for name, r := range map[string]*claim.Result{"direct": direct, "through others": chain} {
				if got := r.ExitCode(); got != c.want {
					t.Errorf("%s: exit code %d, want %d", name, got, c.want)
				}
			}
		})
	}
}

func TestExitCodeOfCircle(t *testing.T) {
	r := results(verdict("held", claim.Must, claim.Pass), skip("a", claim.Must, "b"), skip("b", claim.Should, "a"))
	if got := r.ExitCode(); got != claim.ExitIncomplete {
		t.Errorf("exit code %d, want %d", got, claim.ExitIncomplete)
	}
}

func TestExitCodeOfSeveral(t *testing.T) {
	for _, c := range []struct {
		name     string
		verdicts []claim.Verdict
		want     int
	}{
		{"no verdicts", nil, 3},
		{"nothing judged, though nothing asks for 3", []claim.Verdict{verdict("a", claim.Should, claim.NotJudged), verdict("b", claim.May, claim.Broken)}, 3},
		{"one judged", []claim.Verdict{verdict("a", claim.Should, claim.NotJudged), verdict("b", claim.Fact, claim.Pass)}, 0},
		{"a missed SHOULD is judged", []claim.Verdict{verdict("a", claim.Should, claim.Fail)}, 0},
		{"failure before broken", []claim.Verdict{verdict("a", claim.Must, claim.Fail), verdict("b", claim.Must, claim.Broken)}, 1},
		{"failure after broken", []claim.Verdict{verdict("b", claim.Must, claim.Broken), verdict("a", claim.Must, claim.Flaky)}, 1},
		{"failure after a fact", []claim.Verdict{verdict("b", claim.Fact, claim.Fail), verdict("a", claim.Must, claim.Fail)}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := results(c.verdicts...).ExitCode(); got != c.want {
				t.Errorf("exit code %d, want %d", got, c.want)
			}
		})
	}
}

func TestSummaryCountsEveryVerdictOnce(t *testing.T) {
	r := &claim.Result{}
	for _, l := range claim.Levels() {
		for i, o := range claim.Outcomes() {
			for range i + 1 {
				r.Verdicts = append(r.Verdicts, verdict("x", l, o))
			}
		}
	}
	sum := r.Summary()
	for _, l := range claim.Levels() {
		for i, o := range claim.Outcomes() {
			if sum[l][o] != i+1 {
				t.Errorf("%s %s: %d, want %d", l, o, sum[l][o], i+1)
			}
		}
	}
}

func TestID(t *testing.T) {
	id := claim.ID("accept.new-descriptor")
	for glob, want := range map[string]bool{"accept.*": true, "*": true, "accept.new-descriptor": true, "accept": false, "listen.*": false, "[": false} {
		if got := id.Match(glob); got != want {
			t.Errorf("Match(%q) = %v", glob, got)
		}
	}
	if id.Topic() != "accept" || claim.ID("plain").Topic() != "plain" {
		t.Error("Topic")
	}
}

func TestParseLevel(t *testing.T) {
	for _, l := range claim.Levels() {
		for _, name := range []string{string(l), l.String()} {
			if got, err := claim.ParseLevel(name); got != l || err != nil {
				t.Errorf("ParseLevel(%q) = %q, %v", name, got, err)
			}
		}
	}
	if _, err := claim.ParseLevel("perhaps"); err == nil {
		t.Error("an unknown level is accepted")
	}
}

func results(verdicts ...claim.Verdict) *claim.Result { return &claim.Result{Verdicts: verdicts} }

func verdict(id claim.ID, l claim.Level, o claim.Outcome) claim.Verdict {
	return claim.Verdict{Claim: id, Level: l, Outcome: o}
}

func skip(id claim.ID, l claim.Level, on claim.ID) claim.Verdict {
	v := verdict(id, l, claim.Skip)
	v.DependsOnFailed = on
	return v
}
