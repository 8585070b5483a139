package judge_test

import (
	"regexp"
	"testing"

	"ipckit/harness/claim"
	"ipckit/harness/judge"
)

func TestCatalogueNamesWhatTheClaimsSay(t *testing.T) {
	spec := judge.Spec{Claim: claim.Claim{ID: "a.b", Text: "It holds."}, File: "a.go", Line: 1}
	name := judge.Catalogue([]judge.Spec{spec})
	if !regexp.MustCompile(`^sha256:[0-9a-f]{64}$`).MatchString(name) {
		t.Errorf("name %q", name)
	}
	moved := spec
	moved.File, moved.Line, moved.Check = "b.go", 2, func(*judge.T) {}
	if got := judge.Catalogue([]judge.Spec{moved}); got != name {
		t.Error("a claim that only moved in the source changed the name")
	}
	changed := spec
	changed.Text = "It does not hold."
	if got := judge.Catalogue([]judge.Spec{changed}); got == name {
		t.Error("another text, the same name")
	}
}
