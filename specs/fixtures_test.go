package specs_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ipckit/fixtures"
	"ipckit/harness/claim"
	"ipckit/harness/judge"
	"ipckit/harness/recorder"
	"ipckit/harness/subject"
	"ipckit/reference"
	"ipckit/specs"
)

// places bounds how many fixtures are judged at the same time: each opens up to
// six cages.
var places = make(chan struct{}, 10)

// judged runs programs of the given roles and returns the verdicts on all claims
// about them.
func judgedPrograms(t *testing.T, paths map[string]string) *claim.Result {
	t.Helper()
	places <- struct{}{}
	defer func() { <-places }()
	programs := judge.Programs{Given: map[subject.Role]subject.Subject{}, Reference: map[subject.Role]subject.Subject{}}
	for name := range reference.Programs {
		programs.Reference[subject.Role(name)] = subject.Builtin(subject.Role(name), name)
	}
	for role, path := range paths {
		s, err := subject.Open(subject.Role(role), path, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		programs.Given[s.Role] = s
	}
	about := slices.DeleteFunc(specs.All(), func(s judge.Spec) bool {
		_, given := paths[string(s.Role)]
		pair := s.Role == claim.Pair && (paths["server"] != "" || paths["client"] != "")
		return !given && !pair
	})
	result, err := judge.Run(t.Context(), about, about, programs, judge.Options{Isolation: recorder.Auto, Scale: 1, Seed: 1, Keep: kept(t)})
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// kept returns a folder for the recordings, where the developer asks for them.
func kept(t *testing.T) string {
	base := os.Getenv("IPCKIT_KEEP")
	if base == "" {
		return ""
	}
	folder := filepath.Join(base, strings.ReplaceAll(t.Name(), "/", "-"))
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	return folder
}

func built(t *testing.T, err error) {
	t.Helper()
	if errors.Is(err, fixtures.ErrNoToolchain) && os.Getenv("CI") == "" {
		t.Skip("NOT JUDGED: ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestCorrectProgramsPass demands of every correct program that it meets every
// MUST, and every SHOULD but those that it says it misses.
func TestCorrectProgramsPass(t *testing.T) {
	programs, err := fixtures.Programs()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range programs {
		t.Run(p.Name, func(t *testing.T) {
			t.Parallel()
			paths, err := p.Build(t.TempDir())
			built(t, err)
			misses := map[claim.ID]bool{}
			for _, m := range p.Misses {
				misses[claim.ID(m.Claim)] = true
			}
			result := judgedPrograms(t, paths)
			for _, v := range result.Verdicts {
				expectCorrect(t, result, v, misses)
			}
		})
	}
}

func expectCorrect(t *testing.T, result *claim.Result, v claim.Verdict, misses map[claim.ID]bool) {
	t.Helper()
	switch {
	case misses[v.Claim]:
		if v.Outcome != claim.Fail || v.Level != claim.Should {
			t.Errorf("%s %s: %s, though the program is said to miss it", v.Level, v.Claim, v.Outcome)
		}
	case v.Outcome == claim.Skip && v.Level != claim.Must && misses[root(result, v)]:
	case v.Outcome != claim.Pass:
		t.Errorf("%s %s: %s: %s%s\n%s", v.Level, v.Claim, v.Outcome, v.Observed, v.Reason, v.Details)
	}
}

// root follows skipped claims to the one that failed.
func root(result *claim.Result, v claim.Verdict) claim.ID {
	for v.Outcome == claim.Skip {
		v = *result.Verdict(v.DependsOnFailed)
	}
	return v.Claim
}

// TestMutantsFail demands of every mutant that it fails each claim that it names,
// and no MUST that it does not name.
func TestMutantsFail(t *testing.T) {
	mutants, err := fixtures.Mutants()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range mutants {
		t.Run(m.Name, func(t *testing.T) {
			t.Parallel()
			path, err := m.Build(t.TempDir())
			built(t, err)
			result := judgedPrograms(t, map[string]string{m.Role: path})
			for _, id := range m.Violates {
				if v := result.Verdict(claim.ID(id)); v == nil || v.Outcome != claim.Fail {
					t.Errorf("%s is not failed: %+v", id, v)
				}
			}
			for _, v := range result.Verdicts {
				if v.Level == claim.Must && !slices.Contains(m.Violates, string(v.Claim)) && v.Outcome != claim.Pass && v.Outcome != claim.Skip {
					t.Errorf("MUST %s: %s, though the mutant does not name it: %s%s\n%s", v.Claim, v.Outcome, v.Observed, v.Reason, v.Details)
				}
			}
		})
	}
}

// TestEveryViolationIsAClaim keeps the ids in the fixtures and in the catalogue
// the same.
func TestEveryViolationIsAClaim(t *testing.T) {
	known := map[string]bool{}
	for _, s := range specs.All() {
		known[string(s.ID)] = true
	}
	mutants, err := fixtures.Mutants()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range mutants {
		for _, id := range m.Violates {
			if !known[id] {
				t.Errorf("%s names %q, which is no claim", m.Name, id)
			}
		}
	}
}
