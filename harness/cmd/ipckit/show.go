package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ipckit/harness/claim"
	"ipckit/harness/judge"
	"ipckit/harness/recording"
	"ipckit/harness/report"
	"ipckit/harness/scenario"
	"ipckit/specs"
)

func (a *app) showCommand() *cobra.Command {
	var id string
	var whole bool
	command := &cobra.Command{
		Use: "show recording", Short: "Print a recording for a reader",
		Long: `Prints a recording as a transcript: what happened, when, by whom, and what it means.
With a claim, it says how the claim is judged on this recording, and marks the evidence.`,
		Example: `  ipckit record --shutdown ./shutdown -o recordings
  ipckit show recordings/graceful-shutdown.jsonl --claim wait.zombie-prevention`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage("show takes one recording; - is standard input")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error { return a.show(args[0], claim.ID(id), whole) },
	}
	a.declare(command, outputTitle, func(to *pflag.FlagSet) {
		to.StringVar(&id, "claim", "", "judge this `claim`, and mark its evidence")
		to.BoolVar(&whole, "all", false, "leave nothing out")
	})
	return command
}

// show prints a recording. Of one that is damaged it prints what could be read,
// and then fails; nothing is judged on it.
func (a *app) show(path string, id claim.ID, whole bool) error {
	options := recording.TranscriptOptions{Width: a.width(), All: whole}
	var spec judge.Spec
	if id != "" {
		var err error
		if spec, err = findSpec(specs.All(), id); err != nil {
			return err
		}
	}
	r, damage := a.read(path)
	if r == nil {
		return damage
	}
	if id != "" && damage == nil {
		v, err := judgeOn(spec, r)
		if err != nil {
			return err
		}
		a.printVerdict(v)
		options.Marked = marks(v)
	}
	if err := a.ignoreWritten(r.Transcript(a.out, options)); err != nil {
		return err
	}
	return damage
}

// read reads a recording, or what is left of it.
func (a *app) read(path string) (*recording.Recording, error) {
	in := a.stdin
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, usage("%v", err)
		}
		defer f.Close()
		in = f
	}
	r, err := recording.Read(in)
	if err != nil && r == nil {
		return nil, usage("%s: %v", path, err)
	}
	if err != nil {
		return r, fmt.Errorf("%s: %w", path, err)
	}
	r.Name = strings.TrimSuffix(filepath.Base(path), recording.Extension)
	return r, nil
}

// judgeOn judges one claim on one recording.
func judgeOn(spec judge.Spec, r *recording.Recording) (claim.Verdict, error) {
	name := scenario.Name(r.Header.Scenario)
	if !slices.Contains(spec.On, name) {
		return claim.Verdict{}, usage("%s is judged on recordings of %v, this is one of %q", spec.ID, spec.On, name)
	}
	return judge.Judge([]judge.Spec{spec}, judge.Recordings{name: {Recording: r}})[0], nil
}

func (a *app) printVerdict(v claim.Verdict) {
	for _, field := range [][2]string{
		{string(v.Outcome), fmt.Sprintf("%s  %s (%s)", v.Level, v.Message, v.Claim)},
		{"expected", v.Expected}, {"saw", v.Observed}, {"because", v.Reason},
	} {
		if field[1] != "" {
			fmt.Fprintf(a.out, "%-10s  %s\n", field[0], report.Safe(field[1]))
		}
	}
	fmt.Fprintln(a.out)
}

// marks returns the events that a verdict cites.
func marks(v claim.Verdict) map[int]bool {
	marked := map[int]bool{}
	for _, e := range v.Evidence {
		for _, seq := range e.Events {
			marked[seq] = true
		}
	}
	return marked
}
