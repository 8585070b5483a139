// Package front is what the kit's two front doors share, the command line and
// the Ginkgo suite: the flags and what they mean. Both have the same names for
// the same things because they are declared here only.
//
// It stands outside of the flow and starts it: from flags come the programs, the
// chosen claims, and the options of a run.
package front

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"

	"ipckit/harness/claim"
	"ipckit/harness/judge"
	"ipckit/harness/recorder"
	"ipckit/harness/subject"
)

// Flags are the flags of both front doors.
type Flags struct {
	paths     map[subject.Role]*string
	arguments map[subject.Role]*string
	env       list
	levels    string
	claims    string
	topics    string
	jobs      int
	scale     float64
	isolation string
	seed      int64
	strict    bool
	keep      string
}

// list is a flag that can be given several times.
type list []string

func (l *list) String() string { return strings.Join(*l, " ") }

func (l *list) Set(value string) error { *l = append(*l, value); return nil }

// Type names the values in a help text.
func (l *list) Type() string { return "K=V" }

// Register declares the flags.
func (f *Flags) Register(to *flag.FlagSet) {
	f.RegisterPrograms(to)
	f.RegisterChoice(to)
	f.RegisterHow(to)
	f.RegisterVerdict(to)
}

// RegisterPrograms declares the flags that say what is judged.
func (f *Flags) RegisterPrograms(to *flag.FlagSet) {
	f.paths, f.arguments = map[subject.Role]*string{}, map[subject.Role]*string{}
	for _, role := range subject.Roles() {
		f.paths[role] = to.String(string(role), "", fmt.Sprintf("the `program` to judge as %s", role))
		f.arguments[role] = to.String(string(role)+"-args", "", fmt.Sprintf("fixed `arguments` for the %s, parted by spaces", role))
	}
	to.Var(&f.env, "env", "an environment variable for the programs, `K=V`; can be repeated")
}

// RegisterChoice declares the flags that say which claims are judged.
func (f *Flags) RegisterChoice(to *flag.FlagSet) {
	to.StringVar(&f.levels, "level", "", "only claims of these `levels`: a comma list of must, should, may, fact")
	to.StringVar(&f.claims, "claims", "", "only claims whose id fits one of these `globs`: 'socket.accept.*,wait.*'")
	to.StringVar(&f.topics, "topic", "", "only claims of these `topics`: the first word of an id")
}

// RegisterHow declares the flags that say how programs are run.
func (f *Flags) RegisterHow(to *flag.FlagSet) {
	to.IntVar(&f.jobs, "jobs", 0, "`scenarios` at the same time; 0: all")
	to.Float64Var(&f.scale, "timeout-scale", 1, "multiply every time limit by this `factor`")
	to.StringVar(&f.isolation, "isolation", recorder.Auto, "`rung`: auto, namespaces or none")
	to.Int64Var(&f.seed, "seed", 0, "`seed` of random payloads; 0: a new one")
	to.StringVar(&f.keep, "keep", "", "keep the recordings in this `folder`")
}

// RegisterVerdict declares the flags that say what a verdict means.
func (f *Flags) RegisterVerdict(to *flag.FlagSet) {
	to.BoolVar(&f.strict, "strict", false, "a missed SHOULD is a failure")
}

// UsageError is a mistake of the user's.
type UsageError struct{ Text string }

// Error returns one line.
func (e *UsageError) Error() string { return e.Text }

func usage(format string, args ...any) error {
	return &UsageError{Text: fmt.Sprintf(format, args...)}
}

// Check finds mistakes in the values before anything is done, and makes the
// folder for recordings.
func (f *Flags) Check() error {
	switch {
	case f.jobs < 0:
		return usage("--jobs %d: must not be negative", f.jobs)
	case !(f.scale > 0 && f.scale <= 1000):
		return usage("--timeout-scale %v: must be above 0 and at most 1000", f.scale)
	case !slices.Contains([]string{"auto", "namespaces", "none"}, f.isolation):
		return usage("--isolation %q: use auto, namespaces or none", f.isolation)
	}
	for _, pair := range f.env {
		if name, _, ok := strings.Cut(pair, "="); !ok || name == "" {
			return usage("--env %q: use K=V", pair)
		}
	}
	if f.keep == "" {
		return nil
	}
	return f.makeKeep()
}

// makeKeep makes the folder for recordings, and tries whether files can be made
// there.
func (f *Flags) makeKeep() error {
	user, err := UserFolder()
	if err != nil {
		return usage("--keep: %v", err)
	}
	here, err := os.Getwd()
	if err != nil {
		return usage("--keep: %v", err)
	}
	f.keep = seenFrom(user, here, f.keep)
	if err := os.MkdirAll(f.keep, 0o755); err != nil {
		return usage("--keep: %v", err)
	}
	trial, err := os.CreateTemp(f.keep, ".trial-")
	if err != nil {
		return usage("--keep: %v", err)
	}
	trial.Close()
	return os.Remove(trial.Name())
}

// seenFrom returns the path that a user in that folder means, for a process that
// stands here: as it was given, where both are the same folder.
func seenFrom(user, here, path string) string {
	if user == here || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(user, path)
}

// Given reports whether the user gave a program.
func (f *Flags) Given() bool {
	return slices.ContainsFunc(subject.Roles(), f.given)
}

// given reports whether the user gave a program for the role. A front door that
// takes no programs has not declared their flags.
func (f *Flags) given(role subject.Role) bool {
	path := f.paths[role]
	return path != nil && *path != ""
}

// Programs returns the programs to judge: the given ones, or the reference
// programs where none is given. Relative paths count from dir. Probe finds the
// kit's probes.
func (f *Flags) Programs(dir string, probe func() (subject.Subject, error)) (judge.Programs, error) {
	p := judge.Programs{Given: map[subject.Role]subject.Subject{}, Reference: map[subject.Role]subject.Subject{}, Probe: probe}
	for _, role := range subject.Roles() {
		p.Reference[role] = subject.Builtin(role, string(role))
		path, args := *f.paths[role], strings.Fields(*f.arguments[role])
		if path == "" && len(args) > 0 && f.Given() {
			return p, usage("--%s-args without --%s", role, role)
		}
		if path == "" {
			continue
		}
		s, err := subject.OpenFrom(dir, role, path, args, f.env)
		if err != nil {
			return p, err
		}
		p.Given[role] = s
	}
	if len(p.Given) == 0 {
		for role, s := range p.Reference {
			s.Argv = append(s.Argv, strings.Fields(*f.arguments[role])...)
			s.Env = f.env
			p.Given[role] = s
		}
	}
	return p, nil
}

// Choose returns the specs that the flags choose. Without a choice they are
// those of the given roles, and the facts where no program is given.
func (f *Flags) Choose(all []judge.Spec) ([]judge.Spec, error) {
	chosen := slices.DeleteFunc(slices.Clone(all), func(s judge.Spec) bool { return !f.concerns(s) })
	for _, filter := range []struct {
		flag, value string
		fits        func(s judge.Spec, value string) bool
	}{
		{"level", f.levels, func(s judge.Spec, v string) bool { return strings.EqualFold(string(s.Level), v) }},
		{"claims", f.claims, func(s judge.Spec, v string) bool { return s.ID.Match(v) }},
		{"topic", f.topics, func(s judge.Spec, v string) bool { return s.ID.Topic() == v }},
	} {
		if filter.value == "" {
			continue
		}
		values := split(filter.value)
		if err := known(filter.flag, values, all, filter.fits); err != nil {
			return nil, err
		}
		chosen = slices.DeleteFunc(chosen, func(s judge.Spec) bool {
			return !slices.ContainsFunc(values, func(v string) bool { return filter.fits(s, v) })
		})
	}
	if len(chosen) == 0 {
		return nil, usage("no claim is left: what was asked for (%s) has none for the given programs", f.choice())
	}
	return chosen, nil
}

func split(value string) []string {
	parts := strings.Split(value, ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return parts
}

// known demands that each value fits a claim of the catalogue.
func known(name string, values []string, all []judge.Spec, fits func(judge.Spec, string) bool) error {
	for _, v := range values {
		if name == "level" {
			if _, err := claim.ParseLevel(v); err != nil {
				return usage("--level: %v", err)
			}
			continue
		}
		if !slices.ContainsFunc(all, func(s judge.Spec) bool { return fits(s, v) }) {
			return usage("--%s: nothing is called %q; see ipckit claims", name, v)
		}
	}
	return nil
}

func (f *Flags) choice() string {
	var parts []string
	for _, p := range [][2]string{{"level", f.levels}, {"claims", f.claims}, {"topic", f.topics}} {
		if p[1] != "" {
			parts = append(parts, "--"+p[0]+" "+p[1])
		}
	}
	return strings.Join(parts, ", ")
}

// Relevant returns the specs of the catalogue that the given programs can be
// judged by: those that chosen ones may depend on.
func (f *Flags) Relevant(all []judge.Spec) []judge.Spec {
	return slices.DeleteFunc(slices.Clone(all), func(s judge.Spec) bool { return s.Role != claim.Kernel && !f.concerns(s) })
}

// concerns reports whether a claim is about the given programs. Facts are, where
// none is given or they are asked for.
func (f *Flags) concerns(s judge.Spec) bool {
	if s.Role == claim.Kernel {
		return !f.Given() || f.claims != "" || strings.Contains(strings.ToLower(f.levels), string(claim.Fact))
	}
	return !f.Given() || f.plays(s.Role)
}

func (f *Flags) plays(role claim.Role) bool {
	if role == claim.Pair {
		return f.given(subject.Server) || f.given(subject.Client)
	}
	return f.given(subject.Role(role))
}

// Options returns the options of a run.
func (f *Flags) Options(kit claim.Kit) judge.Options {
	if f.seed == 0 {
		f.seed = 1 + rand.Int64N(1<<31)
	}
	return judge.Options{
		Kit: kit, Isolation: f.isolation, Jobs: f.jobs, Scale: f.scale, Seed: f.seed, Strict: f.strict, Keep: f.keep, Rerun: f.rerun,
	}
}

// rerun returns the command that judges one claim again.
func (f *Flags) rerun(id claim.ID) string {
	words := []string{"ipckit", "run"}
	for _, role := range subject.Roles() {
		if path := *f.paths[role]; path != "" {
			words = append(words, "--"+string(role), quote(path))
		}
		if args := *f.arguments[role]; args != "" {
			words = append(words, "--"+string(role)+"-args", quote(args))
		}
	}
	for _, pair := range f.env {
		words = append(words, "--env", quote(pair))
	}
	if f.isolation != recorder.Auto {
		words = append(words, "--isolation", f.isolation)
	}
	if f.scale != 1 {
		words = append(words, "--timeout-scale", strconv.FormatFloat(f.scale, 'g', -1, 64))
	}
	if f.strict {
		words = append(words, "--strict")
	}
	words = append(words, "--claims", string(id), "--seed", strconv.FormatInt(f.seed, 10))
	return strings.Join(words, " ")
}

// quote makes a word safe to paste into a shell.
func quote(word string) string {
	if word != "" && !strings.ContainsFunc(word, unsafeInShell) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

func unsafeInShell(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("./_-=,:@%+", r))
}

// Version returns the kit's version, from the build.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	version := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && version == "(devel)" {
			version = "devel-" + s.Value[:min(12, len(s.Value))]
		}
	}
	return version
}

// UserFolder returns the folder where the user stands: a test binary runs in the
// folder of its package, so there it is that of the program that started it.
func UserFolder() (string, error) {
	parent := os.Getppid()
	name, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", parent))
	if err == nil && slices.Contains([]string{"ginkgo", "go"}, filepath.Base(name)) {
		return os.Readlink(fmt.Sprintf("/proc/%d/cwd", parent))
	}
	return os.Getwd()
}
