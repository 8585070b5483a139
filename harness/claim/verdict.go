package claim

import "time"

// Outcome is what became of one claim.
type Outcome string

// The outcomes.
const (
	Pass      Outcome = "pass"
	Fail      Outcome = "fail"
	Skip      Outcome = "skip"       // a claim that it depends on did not pass
	NotJudged Outcome = "not-judged" // the evidence could not be had; Reason says why
	Flaky     Outcome = "flaky"      // not the same in every repetition
	Broken    Outcome = "broken"     // the kit or the machine failed, not the program
)

// Outcomes returns all outcomes, the best first.
func Outcomes() []Outcome { return []Outcome{Pass, Fail, Skip, NotJudged, Flaky, Broken} }

// Evidence cites events of a recording by their numbers.
type Evidence struct {
	Recording string `json:"recording"`
	Events    []int  `json:"events"`
}

// Verdict is the outcome of one claim on one subject, with its evidence.
type Verdict struct {
	Claim           ID            `json:"claim"`
	Level           Level         `json:"level"`
	Role            Role          `json:"role"`
	Outcome         Outcome       `json:"outcome"`
	Message         string        `json:"message"`           // the claim's title
	Did             string        `json:"did,omitempty"`     // what was done to see it
	Expected        string        `json:"expected"`          //
	Observed        string        `json:"observed"`          //
	Reason          string        `json:"reason,omitempty"`  // why it was not judged, or what broke
	Details         string        `json:"details,omitempty"` // the assertion that failed, in full
	DependsOnFailed ID            `json:"depends_on_failed,omitempty"`
	Evidence        []Evidence    `json:"evidence"`
	Excerpt         []Line        `json:"excerpt,omitempty"` // the cited events in words
	Rerun           string        `json:"rerun,omitempty"`
	Duration        time.Duration `json:"-"`
	DurationMS      float64       `json:"duration_ms"`
}

// Line is one cited event in words, for a reader of the report.
type Line struct {
	Recording string        `json:"recording"`
	Event     int           `json:"event"`
	At        time.Duration `json:"at_ns"`
	Who       string        `json:"who"`
	What      string        `json:"what"`
	Gloss     string        `json:"gloss,omitempty"`
}

// Subject is a program that was judged.
type Subject struct {
	Role      string   `json:"role"`
	Path      string   `json:"path"`
	SHA256    string   `json:"sha256"`
	Argv      []string `json:"argv"`
	Reference bool     `json:"reference,omitempty"`
}

// Environment is what the verdicts may depend on beside the programs.
type Environment struct {
	Kernel       string            `json:"kernel"`
	Arch         string            `json:"arch"`
	Isolation    string            `json:"isolation"`                  // the rung in use: "namespaces" or "none"
	IsolationWhy string            `json:"isolation_reason,omitempty"` // why not a better one
	Sysctls      map[string]string `json:"sysctls"`
	CPUs         int               `json:"cpus"`
	Seed         int64             `json:"seed"`
	TimeoutScale float64           `json:"timeout_scale"`
}

// Kit says which kit judged.
type Kit struct {
	Version   string `json:"version"`
	Catalogue string `json:"catalogue"` // "sha256:..." over the claims
}

// Result is everything that one run yields; reports are written from it.
type Result struct {
	Kit         Kit
	Environment Environment
	Subjects    []Subject
	Claims      map[ID]Claim // those of the verdicts
	Verdicts    []Verdict
	Strict      bool
	Recordings  string // folder where recordings were kept, or ""
	Started     time.Time
	Wall, CPU   time.Duration
}

// Counts is a number for each outcome.
type Counts map[Outcome]int

// Summary counts outcomes by level.
func (r *Result) Summary() map[Level]Counts {
	sum := map[Level]Counts{}
	for _, l := range Levels() {
		sum[l] = Counts{}
		for _, o := range Outcomes() {
			sum[l][o] = 0
		}
	}
	for _, v := range r.Verdicts {
		sum[v.Level][v.Outcome]++
	}
	return sum
}

// Exit codes of the command line. Several wishes: the first in the order 2, 1, 3, 0.
const (
	ExitConforms    = 0
	ExitFails       = 1
	ExitUsage       = 2 // also: a program that cannot be started at all
	ExitIncomplete  = 3
	ExitInterrupted = 130
)

// asks is the table of the contract: the exit code that an outcome at a level
// asks for. Skips are resolved to what they depend on before it is read.
var asks = map[Outcome]map[Level]int{
	Pass:      {},
	Fail:      {Must: ExitFails, Fact: ExitIncomplete},
	Flaky:     {Must: ExitFails, Fact: ExitIncomplete},
	Broken:    {Must: ExitIncomplete, Should: ExitIncomplete, Fact: ExitIncomplete},
	NotJudged: {Must: ExitIncomplete},
}

// ExitCode returns the code that the verdicts ask for: a proven failure stays a
// failure, whatever else could not be judged; nothing judged is incomplete.
func (r *Result) ExitCode() int {
	code, judged := ExitConforms, false
	for _, v := range r.Verdicts {
		judged = judged || v.Outcome == Pass || v.Outcome == Fail || v.Outcome == Flaky
		switch wish := r.asks(v); {
		case wish == ExitFails:
			code = ExitFails
		case wish == ExitIncomplete && code == ExitConforms:
			code = ExitIncomplete
		}
	}
	if !judged && code == ExitConforms {
		return ExitIncomplete
	}
	return code
}

func (r *Result) asks(v Verdict) int {
	if v.Outcome == Skip {
		return r.asksOfCause(v)
	}
	if v.Outcome == Fail && v.Level == Should && r.Strict {
		return ExitFails
	}
	return asks[v.Outcome][v.Level]
}

// asksOfCause follows a skipped verdict to the one that it depends on. The
// level of the cause decides: its failure has asked for its code already. A skip
// that leads to no cause, or to one that passed, was not judged.
func (r *Result) asksOfCause(skipped Verdict) int {
	next := skipped
	for range r.Verdicts {
		cause := r.Verdict(next.DependsOnFailed)
		if cause == nil || cause.Outcome == Pass {
			break
		}
		if cause.Outcome != Skip {
			return r.asks(*cause)
		}
		next = *cause
	}
	return asks[NotJudged][skipped.Level]
}

// Verdict returns the verdict on the claim with that id, or nil.
func (r *Result) Verdict(id ID) *Verdict {
	for i := range r.Verdicts {
		if r.Verdicts[i].Claim == id {
			return &r.Verdicts[i]
		}
	}
	return nil
}
