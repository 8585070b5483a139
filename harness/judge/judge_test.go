package judge

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/onsi/gomega"

	"ipckit/harness/claim"
	"ipckit/harness/recording"
	"ipckit/harness/scenario"
)

func TestOutcomes(t *testing.T) {
	broken := made(one)
	broken.Trailer.Broken = "the disk is full"
	unreached := made(one)
	unreached.Trailer.Unreached, unreached.Trailer.Because = "server listens on port 9876", "the program ended"
	for _, row := range []struct {
		name, reason string
		level        claim.Level
		recordings   Recordings
		check        func(*T)
		want         claim.Verdict
	}{
		{
			name: "pass", reason: "a check that comes to its end has found nothing",
			check: func(t *T) { t.Expected("%d", 1); t.Observed("%d", 1) },
			want:  claim.Verdict{Outcome: claim.Pass, Did: "did one", Expected: "1", Observed: "1"},
		}, {
			name: "failed expectation", reason: "it ends the check at once",
			check: func(t *T) {
				t.Observed("two")
				t.Expect(2).To(gomega.Equal(1), "the number")
				t.Observed("more")
			},
			want: claim.Verdict{Outcome: claim.Fail, Did: "did one", Observed: "two", Details: "the number\nExpected\n    <int>: 2\nto equal\n    <int>: 1"},
		}, {
			name: "failed expectation in one sentence", reason: "the sentence is what was seen",
			check: func(t *T) { t.Observed("something else"); t.Expect(2).To(sentence{}) },
			want:  claim.Verdict{Outcome: claim.Fail, Did: "did one", Observed: "it was 2", Details: "it was 2"},
		}, {
			name: "holds not", reason: "it ends the check at once",
			check: func(t *T) { t.Observed("two"); t.Holds(true); t.Holds(false); t.Observed("more") },
			want:  claim.Verdict{Outcome: claim.Fail, Did: "did one", Observed: "two"},
		}, {
			name: "not reached", reason: "the program kept the script from its end",
			recordings: Recordings{one: {Recording: unreached}}, check: (*T).Reached,
			want: claim.Verdict{Outcome: claim.Fail, Did: "did one", Observed: "waited until server listens on port 9876: given up, for the program ended"},
		}, {
			name: "reached", reason: "nothing kept it", check: (*T).Reached,
			want: claim.Verdict{Outcome: claim.Pass, Did: "did one"},
		}, {
			name: "absence without presence", reason: "nothing is proven by what did not happen in a run in which nothing happened",
			check: func(t *T) { t.Presence(false, "a client of %d", 3); t.Holds(false) },
			want:  claim.Verdict{Outcome: claim.NotJudged, Did: "did one", Reason: "not seen: a client of 3"},
		}, {
			name: "presence", reason: "the check goes on",
			check: func(t *T) { t.Presence(true, "a client"); t.Holds(false) },
			want:  claim.Verdict{Outcome: claim.Fail, Did: "did one"},
		}, {
			name: "not judged", reason: "the check says why",
			check: func(t *T) { t.NotJudged("one user id only") },
			want:  claim.Verdict{Outcome: claim.NotJudged, Did: "did one", Reason: "one user id only"},
		}, {
			name: "panic", reason: "a defect of the check is the kit's, not the program's",
			check: func(t *T) { var r *recording.Event; t.Evidence(&recording.Event{Seq: r.Seq}) },
			want:  claim.Verdict{Outcome: claim.Broken, Did: "did one", Reason: "the check of a.b failed: runtime error: invalid memory address or nil pointer dereference"},
		}, {
			name: "another scenario", reason: "a check may look only where its claim is declared",
			check: func(t *T) { t.Recording("two") },
			want:  claim.Verdict{Outcome: claim.Broken, Did: "did one", Reason: `the check of a.b failed: the claim is not declared on the scenario "two"`},
		}, {
			name: "no recording", reason: "nothing was recorded", recordings: Recordings{}, check: fails,
			want: claim.Verdict{Outcome: claim.NotJudged, Reason: "there is no recording of the scenario one"},
		}, {
			name: "cannot", reason: "a lack on the machine", recordings: Recordings{one: {Err: fmt.Errorf("%w: no C compiler", ErrCannot)}}, check: fails,
			want: claim.Verdict{Outcome: claim.NotJudged, Reason: "cannot be judged here: no C compiler"},
		}, {
			name: "recording failed", reason: "the kit's failure", recordings: Recordings{one: {Err: errors.New("no ptrace")}}, check: fails,
			want: claim.Verdict{Outcome: claim.Broken, Reason: "no ptrace"},
		}, {
			name: "recording broken", reason: "the kit's failure, half way", recordings: Recordings{one: {Recording: broken}}, check: fails,
			want: claim.Verdict{Outcome: claim.Broken, Reason: "the disk is full"},
		}, {
			name: "MAY never fails", reason: "neither way was seen", level: claim.May,
			check: func(t *T) { t.Observed("neither"); t.Holds(false) },
			want:  claim.Verdict{Outcome: claim.NotJudged, Did: "did one", Observed: "neither", Reason: "neither alternative was seen"},
		}, {
			name: "MAY passes", reason: "it says which way was seen", level: claim.May,
			check: func(t *T) { t.Observed("this one") },
			want:  claim.Verdict{Outcome: claim.Pass, Did: "did one", Observed: "this one"},
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := spec("a.b", row.check)
			if row.level != "" {
				s.Level = row.level
			}
			if row.recordings == nil {
				row.recordings = ordinary()
			}
			want := row.want
			want.Claim, want.Level, want.Role, want.Message, want.Evidence = s.ID, s.Level, s.Role, s.Title, []claim.Evidence{}
			got := Judge([]Spec{s}, row.recordings)
			if diff := cmp.Diff([]claim.Verdict{want}, got, ignoreTime); diff != "" {
				t.Errorf("%s (-want +got):\n%s", row.reason, diff)
			}
		})
	}
}

var ignoreTime = cmpopts.IgnoreFields(claim.Verdict{}, "Duration", "DurationMS")

// sentence is a matcher that never matches and says so in one line.
type sentence struct{}

func (sentence) Match(any) (bool, error)          { return false, nil }
func (sentence) FailureMessage(actual any) string { return fmt.Sprintf("it was %v", actual) }
func (sentence) NegatedFailureMessage(any) string { return "" }

func TestSkips(t *testing.T) {
	cannot := func(t *T) { t.NotJudged("no") }
	panics := func(t *T) { panic("no") }
	for _, row := range []struct {
		name  string
		specs []Spec
		want  []string // outcome, and for a skip on what and why
	}{
		{"met", []Spec{spec("a", passes), spec("b", passes, "a")}, []string{"pass", "pass"}},
		{"failed", []Spec{spec("a", fails), spec("b", passes, "a")}, []string{"fail", "skip on a: a does not hold"}},
		{"not judged", []Spec{spec("a", cannot), spec("b", passes, "a")}, []string{"not-judged", "skip on a: a was not judged"}},
		{"broken", []Spec{spec("a", panics), spec("b", passes, "a")}, []string{"broken", "skip on a: a could not be judged"}},
		{"a chain", []Spec{spec("a", fails), spec("b", passes, "a"), spec("c", passes, "b")}, []string{"fail", "skip on a: a does not hold", "skip on b: b was skipped"}},
		{"declared before its need", []Spec{spec("b", passes, "a"), spec("a", fails)}, []string{"skip on a: a does not hold", "fail"}},
		{"the first unmet of several", []Spec{spec("a", passes), spec("b", fails), spec("c", fails), spec("d", passes, "a", "c", "b")},
			[]string{"pass", "fail", "fail", "skip on c: c does not hold"}},
		{"a need outside", []Spec{spec("b", passes, "elsewhere")}, []string{"pass"}},
		{"itself", []Spec{spec("a", passes, "a")}, []string{"broken: what a needs leads back to it"}},
		{"a circle", []Spec{spec("a", passes, "b"), spec("b", passes, "c"), spec("c", passes, "a"), spec("d", passes, "a"), spec("e", passes)},
			[]string{"broken: what a needs leads back to it", "broken: what b needs leads back to it", "broken: what c needs leads back to it",
				"skip on a: a could not be judged", "pass"}},
		{"a diamond is no circle", []Spec{spec("a", passes), spec("b", passes, "a"), spec("c", passes, "a"), spec("d", passes, "b", "c")}, []string{"pass", "pass", "pass", "pass"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			var got []string
			for i, v := range Judge(row.specs, ordinary()) {
				if v.Claim != row.specs[i].ID {
					t.Errorf("verdict %d is on %s, not on %s", i, v.Claim, row.specs[i].ID)
				}
				got = append(got, told(v))
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func told(v claim.Verdict) string {
	switch {
	case v.Outcome == claim.Skip:
		return fmt.Sprintf("skip on %s: %s", v.DependsOnFailed, v.Reason)
	case v.Outcome == claim.Broken && strings.Contains(v.Reason, "needs"):
		return fmt.Sprintf("broken: %s", v.Reason)
	}
	return string(v.Outcome)
}

func TestEachCheckRunsOnce(t *testing.T) {
	runs := 0
	counted := spec("a", func(*T) { runs++ })
	Judge([]Spec{spec("b", passes, "a"), spec("c", passes, "a"), counted}, ordinary())
	if runs != 1 {
		t.Errorf("a check that two claims depend on ran %d times", runs)
	}
}

func TestEvidence(t *testing.T) {
	const two scenario.Name = "two"
	recordings := ordinary()
	recordings[two] = Recorded{Recording: made(two, starts(7, "server"), ends(7, 0))}
	s := spec("a.b", func(t *T) {
		first, second := t.Recording(), t.Recording(two)
		t.EvidenceIn(second, &second.Events[1])
		t.Evidence(&first.Events[2], nil, &first.Events[0])
		t.Evidence(&first.Events[2])
		t.Evidence()
		t.Holds(false)
	})
	s.On = append(s.On, two)
	v := Judge([]Spec{s}, recordings)[0]
	wantEvidence := []claim.Evidence{{Recording: "one", Events: []int{10, 30}}, {Recording: "two", Events: []int{20}}}
	if diff := cmp.Diff(wantEvidence, v.Evidence); diff != "" {
		t.Errorf("numbers are sorted, each once, by recording (-want +got):\n%s", diff)
	}
	wantExcerpt := []claim.Line{
		{Recording: "one", Event: 10, At: 1 * time.Millisecond, Who: "server", What: `execve("/x")`, Gloss: "the program starts"},
		{Recording: "one", Event: 30, At: 3 * time.Millisecond, Who: "server", What: "ends: exited with status 1"},
		{Recording: "two", Event: 20, At: 2 * time.Millisecond, Who: "server", What: "ends: exited with status 0"},
	}
	if diff := cmp.Diff(wantExcerpt, v.Excerpt); diff != "" {
		t.Errorf("each number has its line (-want +got):\n%s", diff)
	}
}

// TestExcerptsStayApart has more lines than a sort by insertion handles in one
// block, of two recordings whose times overlap.
func TestExcerptsStayApart(t *testing.T) {
	const two scenario.Name = "two"
	recordings := Recordings{}
	for _, name := range []scenario.Name{one, two} {
		events := make([]recording.Event, 30)
		for i := range events {
			events[i] = calls(7, "getpid")
		}
		recordings[name] = Recorded{Recording: made(name, events...)}
	}
	s := spec("a.b", func(t *T) {
		for _, name := range []scenario.Name{one, two} {
			r := t.Recording(name)
			t.EvidenceIn(r, r.Select(func(*recording.Event) bool { return true })...)
		}
	})
	s.On = append(s.On, two)
	lines := Judge([]Spec{s}, recordings)[0].Excerpt
	if len(lines) != 60 {
		t.Fatalf("%d lines", len(lines))
	}
	for i, l := range lines {
		if want := []string{"one", "two"}[i/30]; l.Recording != want || l.Event != 10*(i%30+1) {
			t.Fatalf("line %d is event %d of %s", i, l.Event, l.Recording)
		}
	}
}
