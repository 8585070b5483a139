package specs_test

import (
	"strings"
	"testing"

	"github.com/onsi/ginkgo/v2/types"

	"ipckit/harness/claim"
)

// TestGinkgoOutcomes is the contract's table of outcomes under Ginkgo, cell by
// cell.
func TestGinkgoOutcomes(t *testing.T) {
	const pass, fail, skip = types.SpecStatePassed, types.SpecStateFailed, types.SpecStateSkipped
	for _, row := range []struct {
		outcome                 claim.Outcome
		strict, told            bool
		must, should, may, fact types.SpecState
		begins                  string // how a failed MUST and a missed SHOULD begin
	}{
		{outcome: claim.Pass, must: pass, should: pass, may: pass, fact: pass},
		{outcome: claim.Fail, must: fail, should: skip, may: skip, fact: fail},
		{outcome: claim.Fail, strict: true, must: fail, should: fail, may: skip, fact: fail},
		{outcome: claim.Flaky, must: fail, should: skip, may: skip, fact: fail, begins: "FLAKY: "},
		{outcome: claim.Broken, must: fail, should: fail, may: skip, fact: fail, begins: "BROKEN: "},
		{outcome: claim.NotJudged, must: fail, should: skip, may: skip, fact: skip, begins: "NOT JUDGED: "},
		{outcome: claim.Skip, told: true, must: skip, should: skip, may: skip, fact: skip, begins: "depends on "},
		{outcome: claim.Skip, must: fail, should: skip, may: skip, fact: skip, begins: "depends on "},
	} {
		for level, want := range map[claim.Level]types.SpecState{claim.Must: row.must, claim.Should: row.should, claim.May: row.may, claim.Fact: row.fact} {
			v := claim.Verdict{Level: level, Outcome: row.outcome, Message: "m", Observed: "o\x1b[2J", Reason: "r", DependsOnFailed: "x.y"}
			got, text := spoken(v, row.strict, row.told)
			if got != want {
				t.Errorf("%s %s (strict %v, cause told %v): %v, want %v", level, row.outcome, row.strict, row.told, got, want)
			}
			if !strings.HasPrefix(text, row.begins) || strings.ContainsRune(text, '\x1b') {
				t.Errorf("%s %s says %q", level, row.outcome, text)
			}
		}
	}
	if _, text := spoken(claim.Verdict{Level: claim.Should, Outcome: claim.Fail}, false, false); !strings.HasPrefix(text, shouldNotMet) {
		t.Errorf("a missed SHOULD says %q", text)
	}
}
