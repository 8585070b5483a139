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

func TestCatalogueSeesEveryChange(t *testing.T) {
	base := claim.Claim{
		ID: "a.b", Level: claim.Must, Role: claim.Server, Title: "t", Text: "It holds.", Source: claim.Article("s"), Erratum: "e",
		Why: "w", Cause: "c", Read: []string{"r(2)"}, Needs: []claim.ID{"x.y"},
	}
	names := map[string]string{judge.Catalogue([]judge.Spec{{Claim: base}}): "the claim itself"}
	for what, change := range map[string]func(*claim.Claim){
		"id": func(c *claim.Claim) { c.ID = "a.c" }, "level": func(c *claim.Claim) { c.Level = claim.Should },
		"role": func(c *claim.Claim) { c.Role = claim.Client }, "title": func(c *claim.Claim) { c.Title = "u" },
		"source": func(c *claim.Claim) { c.Source = claim.Beyond }, "erratum": func(c *claim.Claim) { c.Erratum = "" },
		"why": func(c *claim.Claim) { c.Why = "v" }, "cause": func(c *claim.Claim) { c.Cause = "d" },
		"read": func(c *claim.Claim) { c.Read = nil }, "needs": func(c *claim.Claim) { c.Needs = nil },
	} {
		changed := base
		change(&changed)
		name := judge.Catalogue([]judge.Spec{{Claim: changed}})
		if before, known := names[name]; known {
			t.Errorf("another %s has the name of %s", what, before)
		}
		names[name] = "another " + what
	}
}

func TestClaimsKeepTheirOrder(t *testing.T) {
	got := judge.Claims([]judge.Spec{{Claim: claim.Claim{ID: "b.a"}}, {Claim: claim.Claim{ID: "a.a"}}})
	if len(got) != 2 || got[0].ID != "b.a" || got[1].ID != "a.a" {
		t.Errorf("%+v", got)
	}
}
