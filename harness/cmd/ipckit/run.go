package main

import (
	"context"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ipckit/harness/claim"
	"ipckit/harness/front"
	"ipckit/harness/judge"
	"ipckit/harness/report"
	"ipckit/specs"
)

// Titles of the groups of flags.
const (
	programsTitle = "Programs (none: the kit's own reference programs, and the facts)"
	choiceTitle   = "Choice (all of them have to fit)"
	howTitle      = "How"
	reportsTitle  = "Reports"
	outputTitle   = "Output"
)

// runFlags are the flags of the run command alone.
type runFlags struct {
	front.Flags
	reports    []string
	quiet      bool
	noColor    bool
	noProgress bool
}

func (a *app) runCommand() *cobra.Command {
	f := &runFlags{}
	command := &cobra.Command{
		Use: "run [programs] [choice] [how] [reports]", Short: "Record programs, judge them, report", Args: noArguments,
		Long: `Records the programs, each scenario in a cage of its own, judges the recordings, and
reports on standard output what holds and what does not.`,
		Example: `  ipckit run --server ./server --client ./client
  ipckit run --shutdown ./shutdown.py --level must --report json=result.json
  ipckit run --server ./server --server-args '--port 9876' --claims 'socket.*,server.echo.*'`,
		RunE: func(c *cobra.Command, _ []string) error { return a.run(c.Context(), f) },
	}
	a.declare(command, programsTitle, shared(f.RegisterPrograms))
	a.declare(command, choiceTitle, shared(f.RegisterChoice))
	a.declare(command, howTitle, shared(f.RegisterHow, f.RegisterVerdict))
	a.declare(command, reportsTitle, func(to *pflag.FlagSet) {
		to.StringArrayVar(&f.reports, "report", nil, "write a report, `FORMAT=FILE`: json or text; FILE may be -, for standard output; can be repeated")
		to.BoolVar(&f.quiet, "quiet", false, "one line for each claim that needs attention, and no progress")
		to.BoolVar(&f.noColor, "no-color", false, "no colours")
		to.BoolVar(&f.noProgress, "no-progress", false, "no progress line")
	})
	return command
}

// run judges. Mistakes that can be found without a program are found first, then
// reports that cannot be written, then programs that cannot be started.
func (a *app) run(ctx context.Context, f *runFlags) error {
	a.whole = true
	all := specs.All()
	chosen, err := f.Choose(all)
	if err != nil {
		return err
	}
	sinks, err := parseReports(f.reports)
	if err != nil {
		return err
	}
	if err := f.Check(); err != nil {
		return err
	}
	if err := sinks.open(); err != nil {
		return err
	}
	defer sinks.abort()
	result, err := a.judge(ctx, f, chosen, all)
	if err != nil {
		return err
	}
	a.code = result.ExitCode()
	return a.deliver(result, sinks, f)
}

func (a *app) judge(ctx context.Context, f *runFlags, chosen, all []judge.Spec) (*claim.Result, error) {
	probe, cleanup := front.Probe(ctx)
	defer cleanup()
	programs, err := f.Programs("", probe)
	if err != nil {
		return nil, err
	}
	line := a.newProgress(!f.quiet && !f.noProgress)
	defer line.stop()
	options := f.Options(kit(all))
	options.Progress = line.update
	return judge.Run(ctx, chosen, f.Relevant(all), programs, options)
}

// kit says which kit this is.
func kit(all []judge.Spec) claim.Kit {
	return claim.Kit{Version: front.Version(), Catalogue: judge.Catalogue(all)}
}

// deliver writes the result for the user, unless a report has taken standard
// output, and the reports. One that fails keeps no other from being written.
func (a *app) deliver(result *claim.Result, sinks *reports, f *runFlags) error {
	if !sinks.onStdout() {
		options := report.TextOptions{Width: a.width(), Color: a.color(f.noColor)}
		if f.quiet {
			options.Detail = report.Brief
		}
		if err := report.Text(a.out, result, options); err != nil && a.out.err == nil {
			return err
		}
	}
	return sinks.write(result)
}
