// Package judge turns claims into verdicts: it plans which scenarios the chosen
// claims need, obtains their recordings, and runs each claim's check over them.
//
// It stands before the last step of the flow
//
//	subject -> sandbox -> recorder -> recording -> specs -> verdicts -> reports
//
// A check is a pure function over recordings: no process, no clock, no network.
// [Judge] is the pure half, which works on stored recordings as well; [Run]
// records first.
package judge

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"ipckit/harness/claim"
	"ipckit/harness/recording"
	"ipckit/harness/scenario"
)

// Spec is a claim with the scenarios that it is judged on and its check. Specs
// declares them, one for each claim.
type Spec struct {
	claim.Claim
	On    []scenario.Name
	Check func(*T)
	// Timed marks a check whose failure a busy machine could cause: on a
	// disturbed recording it is never a failure.
	Timed bool
	// File and Line are where the claim stands in the source.
	File string
	Line int
}

// Recorded is the recording of a scenario, or why there is none.
type Recorded struct {
	*recording.Recording
	Err error // the kit's or the machine's failure
}

// Recordings are what checks are judged on.
type Recordings map[scenario.Name]Recorded

// Judge judges the specs, and returns their verdicts in the specs' order. A
// claim whose needs were not met is skipped; needs outside of the given specs are
// not looked at. A claim whose needs lead back to itself is broken.
func Judge(specs []Spec, recordings Recordings) []claim.Verdict {
	j := &judging{specs: map[claim.ID]Spec{}, recordings: recordings, verdicts: map[claim.ID]claim.Verdict{}}
	for _, s := range specs {
		j.specs[s.ID] = s
	}
	verdicts := make([]claim.Verdict, 0, len(specs))
	for _, s := range specs {
		verdicts = append(verdicts, j.judge(s))
	}
	return verdicts
}

type judging struct {
	specs      map[claim.ID]Spec
	recordings Recordings
	verdicts   map[claim.ID]claim.Verdict
}

// judge judges the needs of a claim first.
func (j *judging) judge(s Spec) claim.Verdict {
	if v, done := j.verdicts[s.ID]; done {
		return v
	}
	v := claim.Verdict{Claim: s.ID, Level: s.Level, Role: s.Role, Message: s.Title, Evidence: []claim.Evidence{}}
	began := time.Now()
	if j.circular(s) {
		v.Outcome, v.Reason = claim.Broken, fmt.Sprintf("what %s needs leads back to it", s.ID)
	} else if need := j.unmet(s); need != "" {
		v.Outcome, v.DependsOnFailed, v.Reason = claim.Skip, need, skipped(need, j.verdicts[need].Outcome)
	} else {
		j.check(s, &v)
	}
	v.Duration = time.Since(began)
	v.DurationMS = float64(v.Duration.Microseconds()) / 1000
	j.verdicts[s.ID] = v
	return v
}

// didNot says of a claim with that outcome why those that need it are skipped.
var didNot = map[claim.Outcome]string{
	claim.Fail: "does not hold", claim.Skip: "was skipped", claim.NotJudged: "was not judged", claim.Broken: "could not be judged",
}

// skipped says why a claim is skipped that needs one of that outcome.
func skipped(need claim.ID, outcome claim.Outcome) string {
	return fmt.Sprintf("%s %s", need, didNot[outcome])
}

// circular reports whether the needs of a claim lead back to it.
func (j *judging) circular(s Spec) bool {
	seen := map[claim.ID]bool{}
	var reaches func(from Spec) bool
	reaches = func(from Spec) bool {
		for _, id := range from.Needs {
			need, known := j.specs[id]
			if !known || seen[id] {
				continue
			}
			seen[id] = true
			if id == s.ID || reaches(need) {
				return true
			}
		}
		return false
	}
	return reaches(s)
}

func (j *judging) unmet(s Spec) claim.ID {
	for _, id := range s.Needs {
		if need, known := j.specs[id]; known && j.judge(need).Outcome != claim.Pass {
			return id
		}
	}
	return ""
}

func (j *judging) check(s Spec, v *claim.Verdict) {
	for _, name := range s.On {
		r, there := j.recordings[name]
		switch {
		case !there:
			v.Outcome, v.Reason = claim.NotJudged, fmt.Sprintf("there is no recording of the scenario %s", name)
			return
		case errors.Is(r.Err, ErrCannot):
			v.Outcome, v.Reason = claim.NotJudged, r.Err.Error()
			return
		case r.Err != nil:
			v.Outcome, v.Reason = claim.Broken, r.Err.Error()
			return
		case r.Trailer.Broken != "":
			v.Outcome, v.Reason = claim.Broken, r.Trailer.Broken
			return
		}
	}
	t := newT(s, j.recordings)
	t.run()
	t.fill(v)
}

// ErrCannot marks a recording that could not be made for a lack on the machine,
// such as that of a C compiler: its claims are not judged.
var ErrCannot = errors.New("cannot be judged here")

// Disturbed reports for how long the programs of the recording, or their tracer,
// were ready to run and got no CPU, and whether that is too long for a claim about
// time: a twentieth of the recording, and more than starting beside other
// scenarios costs.
func Disturbed(r *recording.Recording) (time.Duration, bool) {
	const least, share = 400 * time.Millisecond, 20
	return r.Trailer.Delay, r.Trailer.Delay > max(least, r.Trailer.Wall/share)
}

// disturbed lists the scenarios of a spec whose recordings are disturbed so that
// the claim may have failed by it: it is about time, or a time limit has passed.
func (s Spec) disturbed(recordings Recordings) []scenario.Name {
	return slices.DeleteFunc(slices.Clone(s.On), func(name scenario.Name) bool {
		r := recordings[name]
		if r.Recording == nil || !s.Timed && !r.Trailer.Expired {
			return true
		}
		_, bad := Disturbed(r.Recording)
		return !bad
	})
}
