package judge

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"

	"ipckit/harness/claim"
	"ipckit/harness/recorder"
	"ipckit/harness/recording"
	"ipckit/harness/scenario"
	"ipckit/harness/subject"
)

// Programs are what is judged.
type Programs struct {
	// Given are the programs by role. A role that is missing is not judged; in
	// a scenario of a pair its part is played by the reference program.
	Given map[subject.Role]subject.Subject
	// Reference holds the kit's own programs.
	Reference map[subject.Role]subject.Subject
	// Probe returns the program that holds the kit's probes; an error says why
	// there is none here.
	Probe func() (subject.Subject, error)
}

// Options say how to judge.
type Options struct {
	Kit       claim.Kit
	Isolation string // "auto", "namespaces" or "none"
	Jobs      int    // scenarios at the same time; 0: as many as there are
	Scale     float64
	Seed      int64
	Strict    bool
	Keep      string                // folder for the recordings; "": not kept
	Rerun     func(claim.ID) string // the command that judges one claim again
	Progress  func(Progress)        // called whenever a scenario starts or ends
}

// Progress is how far a run has come.
type Progress struct {
	Total, Running, Done int
	Longest              scenario.Name // of those that run, the one that takes longest
	Since                time.Time     // its start
}

// StartError says that a program ended before it did anything: it cannot be
// judged at all.
type StartError struct {
	Role   subject.Role
	Path   string
	Status recording.WaitStatus
	Said   string // what it wrote at last, escaped
	// Refused says why the kernel would not make it a process; "" where it did.
	Refused string
}

// Error returns one line.
func (e *StartError) Error() string {
	if e.Refused != "" {
		return fmt.Sprintf("%s %s: cannot be started: %s", e.Role, recording.Escape([]byte(e.Path)), recording.Escape([]byte(e.Refused)))
	}
	text := fmt.Sprintf("%s %s: ended at once: %v", e.Role, recording.Escape([]byte(e.Path)), e.Status)
	if e.Said != "" {
		text += `; it said "` + e.Said + `"`
	}
	return text
}

// Run records the scenarios that the chosen specs need, judges them, and returns
// the result. All holds the whole catalogue, for the claims that the chosen ones
// depend on. Errors: *[subject.PreflightError] and *[StartError] are the program's,
// *[recorder.IsolationError] the machine's, a context's cause the user's.
func Run(ctx context.Context, chosen, all []Spec, programs Programs, options Options) (*claim.Result, error) {
	began := time.Now()
	specs := withNeeds(chosen, all)
	r, why, err := newRun(ctx, specs, programs, options)
	if err != nil {
		return nil, err
	}
	recordings, err := r.record(Scenarios(specs))
	if err != nil {
		return nil, err
	}
	verdicts, err := r.judge(specs, recordings)
	if err != nil {
		return nil, err
	}
	result := &claim.Result{
		Kit: options.Kit, Subjects: programs.subjects(), Claims: map[claim.ID]claim.Claim{}, Strict: options.Strict, Recordings: options.Keep,
		Environment: environment(r.isolation, why, options), Started: began.UTC(), Wall: time.Since(began), CPU: cpuTime(),
	}
	for i, v := range verdicts {
		if !slices.ContainsFunc(chosen, func(s Spec) bool { return s.ID == v.Claim }) && v.Outcome == claim.Pass {
			continue // judged only because a chosen claim depends on it
		}
		if options.Rerun != nil {
			v.Rerun = options.Rerun(v.Claim)
		}
		result.Claims[v.Claim] = specs[i].Claim
		result.Verdicts = append(result.Verdicts, v)
	}
	return result, nil
}

// Record is the first half of [Run]: it records what the chosen specs need, keeps
// it where options say so, and judges nothing. Its errors are Run's; a scenario
// that could not be recorded says so in its place.
func Record(ctx context.Context, chosen, all []Spec, programs Programs, options Options) (Recordings, error) {
	specs := withNeeds(chosen, all)
	r, _, err := newRun(ctx, specs, programs, options)
	if err != nil {
		return nil, err
	}
	return r.record(Scenarios(specs))
}

func environment(isolation recorder.Isolation, why string, options Options) claim.Environment {
	return claim.Environment{
		Kernel: recorder.Kernel(), Arch: runtime.GOARCH, Isolation: string(isolation), IsolationWhy: why, Sysctls: recorder.Sysctls(),
		CPUs: runtime.NumCPU(), Seed: options.Seed, TimeoutScale: options.Scale,
	}
}

func cpuTime() time.Duration {
	total := int64(0)
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var usage syscall.Rusage
		if syscall.Getrusage(who, &usage) == nil {
			total += usage.Utime.Nano() + usage.Stime.Nano()
		}
	}
	return time.Duration(total)
}

// trusted reports whether no program but the kit's own would run.
func (p Programs) trusted() bool {
	for _, s := range p.Given {
		if s.Builtin == "" {
			return false
		}
	}
	return true
}

func (p Programs) subjects() []claim.Subject {
	subjects := []claim.Subject{}
	for _, role := range subject.Roles() {
		if s, ok := p.Given[role]; ok {
			subjects = append(subjects, claim.Subject{Role: string(role), Path: s.Given, SHA256: s.SHA256, Argv: s.Argv, Reference: s.Builtin != ""})
		}
	}
	return subjects
}

// withNeeds returns the chosen specs and those that they depend on, in the order
// of all.
func withNeeds(chosen, all []Spec) []Spec {
	wanted := map[claim.ID]bool{}
	var want func(s Spec)
	want = func(s Spec) {
		if wanted[s.ID] {
			return
		}
		wanted[s.ID] = true
		for _, id := range s.Needs {
			if i := slices.IndexFunc(all, func(n Spec) bool { return n.ID == id }); i >= 0 {
				want(all[i])
			}
		}
	}
	for _, s := range chosen {
		want(s)
	}
	return slices.DeleteFunc(slices.Clone(all), func(s Spec) bool { return !wanted[s.ID] })
}

// Scenarios returns the scenarios that the specs are judged on, the longest
// first.
func Scenarios(specs []Spec) []scenario.Scenario {
	var needed []scenario.Scenario
	for _, s := range scenario.All() {
		if slices.ContainsFunc(specs, func(spec Spec) bool { return slices.Contains(spec.On, s.Name) }) {
			needed = append(needed, s)
		}
	}
	slices.SortStableFunc(needed, func(a, b scenario.Scenario) int { return int(b.Estimate - a.Estimate) })
	return needed
}

// run is one run in progress.
type run struct {
	ctx       context.Context
	cancel    context.CancelCauseFunc
	programs  Programs
	options   Options
	isolation recorder.Isolation
	cpus      []int
	jobs      chan struct{} // places for scenarios
	starts    chan struct{} // places for programs that start

	mu       sync.Mutex
	parcels  map[string]packed
	progress Progress
	running  map[scenario.Name]time.Time
	turn     int
}

type packed struct {
	parcel *recorder.Parcel
	err    error
}

// startsPerCPU is how many programs may start at the same time on one CPU: a
// start is work, and what waits for a CPU looks as if it slept.
const startsPerCPU = 2

// newRun also says why the isolation is not a better one.
func newRun(parent context.Context, specs []Spec, programs Programs, options Options) (r *run, why string, err error) {
	isolation, why, err := recorder.Choose(parent, options.Isolation, programs.trusted())
	if err != nil {
		return nil, "", err
	}
	ctx, cancel := context.WithCancelCause(parent)
	r = &run{
		ctx: ctx, cancel: cancel, programs: programs, options: options, isolation: isolation, cpus: recorder.CPUs(),
		parcels: map[string]packed{}, running: map[scenario.Name]time.Time{},
		turn: rand.IntN(1 << 16), // kits that run side by side begin on different CPUs
	}
	jobs := options.Jobs
	if jobs <= 0 {
		jobs = len(Scenarios(specs)) + 1
	}
	if isolation == recorder.None {
		jobs = 1 // one port, one program
	}
	r.jobs = make(chan struct{}, jobs)
	r.starts = make(chan struct{}, startsPerCPU*len(r.cpus))
	return r, why, nil
}

// record records the scenarios, all at the same time.
func (r *run) record(scenarios []scenario.Scenario) (Recordings, error) {
	defer r.free()
	r.mu.Lock()
	r.progress.Total += len(scenarios)
	r.mu.Unlock()
	recordings := Recordings{}
	var all sync.WaitGroup
	for _, s := range scenarios {
		if !r.take(r.jobs) || !r.take(r.starts) {
			break
		}
		all.Add(1)
		go func() {
			defer all.Done()
			recorded := r.one(s)
			<-r.jobs
			r.mu.Lock()
			recordings[s.Name] = recorded
			r.mu.Unlock()
		}()
	}
	all.Wait()
	if err := context.Cause(r.ctx); err != nil {
		return nil, err
	}
	return recordings, r.keep(recordings)
}

func (r *run) take(places chan struct{}) bool {
	select {
	case places <- struct{}{}:
		return true
	case <-r.ctx.Done():
		return false
	}
}

// one records one scenario.
func (r *run) one(s scenario.Scenario) Recorded {
	ready := sync.OnceFunc(func() { <-r.starts })
	defer ready()
	parcels, err := r.cast(s)
	if err != nil {
		return Recorded{Err: err}
	}
	r.begin(s)
	defer r.end(s)
	made, err := recorder.Record(r.ctx, s, parcels, recorder.Options{
		Kit: r.options.Kit.Version, Isolation: r.isolation, CPU: r.nextCPU(), Scale: r.options.Scale, Seed: r.options.Seed, Ready: ready,
	})
	if err != nil {
		return Recorded{Err: err}
	}
	if err := r.deadOnArrival(made); err != nil {
		r.cancel(err)
	}
	return Recorded{Recording: made}
}

func (r *run) nextCPU() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.turn++
	return r.cpus[r.turn%len(r.cpus)]
}

func (r *run) begin(s scenario.Scenario) {
	r.mu.Lock()
	r.running[s.Name] = time.Now()
	r.mu.Unlock()
	r.report()
}

func (r *run) end(s scenario.Scenario) {
	r.mu.Lock()
	delete(r.running, s.Name)
	r.progress.Done++
	r.mu.Unlock()
	r.report()
}

func (r *run) report() {
	if r.options.Progress == nil {
		return
	}
	r.mu.Lock()
	p := r.progress
	p.Running = len(r.running)
	for name, since := range r.running {
		if p.Longest == "" || since.Before(p.Since) {
			p.Longest, p.Since = name, since
		}
	}
	r.mu.Unlock()
	r.options.Progress(p)
}

// cast finds the program for each part of a scenario.
func (r *run) cast(s scenario.Scenario) ([]*recorder.Parcel, error) {
	var parcels []*recorder.Parcel
	for _, part := range s.Parts {
		program, err := r.player(s, part)
		if err != nil {
			return nil, err
		}
		parcel, err := r.pack(program)
		if err != nil {
			return nil, err
		}
		if s.Probe != "" {
			parcel = parcel.As([]string{"probe", s.Probe})
		}
		parcels = append(parcels, parcel)
	}
	return parcels, nil
}

func (r *run) player(s scenario.Scenario, part scenario.Part) (subject.Subject, error) {
	if part.Role == subject.Probe {
		program, err := r.programs.Probe()
		if err != nil {
			return program, fmt.Errorf("%w: %w", ErrCannot, err)
		}
		return program, nil
	}
	if given, ok := r.programs.Given[part.Role]; ok {
		return given, nil
	}
	if reference, ok := r.programs.Reference[part.Role]; ok && part.Reference {
		return reference, nil
	}
	return subject.Subject{}, fmt.Errorf("no program plays the %s of scenario %s", part.Role, s.Name)
}

// pack copies a program once for all scenarios.
func (r *run) pack(s subject.Subject) (*recorder.Parcel, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := string(s.Role) + "\x00" + s.Path
	p, done := r.parcels[key]
	if !done {
		p.parcel, p.err = recorder.Pack(s)
		r.parcels[key] = p
	}
	return p.parcel, p.err
}

func (r *run) free() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for key, p := range r.parcels {
		if p.parcel != nil {
			p.parcel.Close()
		}
		delete(r.parcels, key)
	}
}

// tries is how often a disturbed scenario is recorded again.
const tries = 2

// judge judges, and records again what a busy machine has disturbed.
func (r *run) judge(specs []Spec, recordings Recordings) ([]claim.Verdict, error) {
	for try := 0; ; try++ {
		verdicts := Judge(specs, recordings)
		again := disturbed(specs, verdicts, recordings)
		if len(again) == 0 {
			return verdicts, nil
		}
		if try == tries {
			return excuse(specs, verdicts, recordings), nil
		}
		var scenarios []scenario.Scenario
		for _, name := range again {
			s, err := scenario.Find(name)
			if err != nil {
				return nil, err
			}
			scenarios = append(scenarios, s)
		}
		fresh, err := r.record(scenarios)
		if err != nil {
			return nil, err
		}
		for name, recorded := range fresh {
			recordings[name] = recorded
		}
	}
}

// disturbed returns the scenarios whose disturbance may have failed a claim.
func disturbed(specs []Spec, verdicts []claim.Verdict, recordings Recordings) []scenario.Name {
	var names []scenario.Name
	for i, v := range verdicts {
		if v.Outcome == claim.Fail {
			names = append(names, specs[i].disturbed(recordings)...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// excuse turns failures that the machine may have caused into broken.
func excuse(specs []Spec, verdicts []claim.Verdict, recordings Recordings) []claim.Verdict {
	for i := range verdicts {
		v := &verdicts[i]
		if names := specs[i].disturbed(recordings); v.Outcome == claim.Fail && len(names) > 0 {
			delay, _ := Disturbed(recordings[names[0]].Recording)
			v.Outcome = claim.Broken
			v.Reason = fmt.Sprintf("the machine is too busy for a claim about time: the program waited %v for a CPU (recorded %d times)", delay.Round(time.Millisecond), tries+1)
			excuseThose(verdicts, v.Claim)
		}
	}
	return verdicts
}

// excuseThose tells the claims that were skipped for one which failed that it is
// broken now.
func excuseThose(verdicts []claim.Verdict, need claim.ID) {
	for i := range verdicts {
		if v := &verdicts[i]; v.Outcome == claim.Skip && v.DependsOnFailed == need {
			v.Reason = skipped(need, claim.Broken)
		}
	}
}

// keep stores the recordings.
func (r *run) keep(recordings Recordings) error {
	if r.options.Keep == "" {
		return nil
	}
	for name, recorded := range recordings {
		if recorded.Recording == nil {
			continue
		}
		if err := store(filepath.Join(r.options.Keep, string(name)+recording.Extension), recorded.Recording); err != nil {
			return fmt.Errorf("keep recording: %w", err)
		}
	}
	return nil
}

// store writes a recording so that it is whole or not there.
func store(path string, r *recording.Recording) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".recording-")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	if err := recording.Write(f, r); err != nil {
		return err
	}
	if err := errors.Join(f.Chmod(0o644), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
