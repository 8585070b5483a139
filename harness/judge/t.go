package judge

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/onsi/gomega"

	"ipckit/harness/claim"
	"ipckit/harness/recording"
	"ipckit/harness/scenario"
)

// T is what a check works with: the recordings, and a Gomega whose failed
// expectation ends this check only.
type T struct {
	gomega.Gomega

	spec       Spec
	recordings Recordings
	evidence   map[*recording.Recording][]int
	expected   string
	observed   string
	outcome    claim.Outcome
	reason     string
	details    string
}

// stop ends a check from within.
type stop struct{}

func newT(s Spec, recordings Recordings) *T {
	t := &T{spec: s, recordings: recordings, evidence: map[*recording.Recording][]int{}, outcome: claim.Pass}
	t.Gomega = gomega.NewGomega(func(message string, _ ...int) {
		t.outcome, t.details = claim.Fail, message
		if !strings.Contains(message, "\n") { // a sentence, as those of package match are
			t.observed = message
		}
		panic(stop{})
	})
	return t
}

// run runs the check. A panic of its own is the kit's failure.
func (t *T) run() {
	defer func() {
		switch p := recover().(type) {
		case nil, stop:
		default:
			t.outcome, t.reason = claim.Broken, fmt.Sprintf("the check of %s failed: %v", t.spec.ID, p)
		}
	}()
	t.spec.Check(t)
}

// Recording returns the recording of the claim's first scenario, or of the named
// one.
func (t *T) Recording(name ...scenario.Name) *recording.Recording {
	if len(name) == 0 {
		name = t.spec.On
	}
	r := t.recordings[name[0]].Recording
	if r == nil {
		panic(fmt.Sprintf("the claim is not declared on the scenario %q", name[0]))
	}
	return r
}

// Evidence cites events of the claim's first scenario; events that are nil are
// passed over.
func (t *T) Evidence(events ...*recording.Event) { t.EvidenceIn(t.Recording(), events...) }

// EvidenceIn cites events of a recording.
func (t *T) EvidenceIn(r *recording.Recording, events ...*recording.Event) {
	for _, e := range events {
		if e != nil {
			t.evidence[r] = append(t.evidence[r], e.Seq)
		}
	}
}

// Presence demands that what the claim is about has occurred at all: otherwise
// the claim is not judged. An absence is never judged without it.
func (t *T) Presence(there bool, format string, args ...any) {
	if !there {
		t.NotJudged("not seen: "+format, args...)
	}
}

// NotJudged ends the check without a verdict.
func (t *T) NotJudged(format string, args ...any) {
	t.outcome, t.reason = claim.NotJudged, fmt.Sprintf(format, args...)
	panic(stop{})
}

// Expected says what a right program shows.
func (t *T) Expected(format string, args ...any) { t.expected = fmt.Sprintf(format, args...) }

// Observed says what was seen.
func (t *T) Observed(format string, args ...any) { t.observed = fmt.Sprintf(format, args...) }

// Holds is the check's verdict where no matcher fits: it fails unless ok.
func (t *T) Holds(ok bool) {
	if !ok {
		t.outcome = claim.Fail
		panic(stop{})
	}
}

// Reached fails the check where the script of its first scenario was kept from
// its end by the program.
func (t *T) Reached() {
	if end := t.Recording().Trailer; end.Unreached != "" {
		t.Observed("waited until %s: given up, for %s", end.Unreached, end.Because)
		t.Holds(false)
	}
}

func (t *T) fill(v *claim.Verdict) {
	v.Outcome, v.Reason, v.Details, v.Expected, v.Observed = t.outcome, t.reason, t.details, t.expected, t.observed
	if v.Level == claim.May && v.Outcome == claim.Fail {
		v.Outcome, v.Reason = claim.NotJudged, "neither alternative was seen"
	}
	for _, name := range t.spec.On {
		r := t.recordings[name].Recording
		if v.Did == "" {
			v.Did = r.Header.Did
		}
		t.cite(r, v)
	}
}

// cite adds a recording's evidence, as numbers and in words.
func (t *T) cite(r *recording.Recording, v *claim.Verdict) {
	numbers := t.evidence[r]
	slices.Sort(numbers)
	numbers = slices.Compact(numbers)
	if len(numbers) == 0 {
		return
	}
	v.Evidence = append(v.Evidence, claim.Evidence{Recording: r.Name, Events: numbers})
	own := len(v.Excerpt)
	for _, seq := range numbers {
		if e := r.Event(seq); e != nil {
			l := r.Line(e)
			v.Excerpt = append(v.Excerpt, claim.Line{Recording: r.Name, Event: seq, At: l.At, Who: l.Who, What: l.What, Gloss: l.Gloss})
		}
	}
	slices.SortStableFunc(v.Excerpt[own:], func(a, b claim.Line) int { return cmp.Compare(a.At, b.At) })
}
