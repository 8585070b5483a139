package main

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ipckit/harness/front"
	"ipckit/harness/judge"
	"ipckit/harness/recording"
	"ipckit/specs"
)

// recordFlags are the flags of the record command.
type recordFlags struct {
	front.Flags
	noProgress bool
}

func (a *app) recordCommand() *cobra.Command {
	f := &recordFlags{}
	command := &cobra.Command{
		Use: "record [programs] [choice] [how] -o folder", Short: "Record programs and keep the recordings", Args: noArguments,
		Long: `Records the scenarios that the chosen claims need, keeps the recordings in a folder,
and prints where they are. Nothing is judged.`,
		Example: `  ipckit record --server ./server -o recordings`,
		RunE:    func(c *cobra.Command, _ []string) error { return a.record(c.Context(), f) },
	}
	a.declare(command, programsTitle, shared(f.RegisterPrograms))
	a.declare(command, choiceTitle, shared(f.RegisterChoice))
	a.declare(command, howTitle, func(to *pflag.FlagSet) {
		shared(f.RegisterHow)(to)
		to.Lookup("keep").Shorthand = "o"
	})
	a.declare(command, outputTitle, func(to *pflag.FlagSet) {
		to.BoolVar(&f.noProgress, "no-progress", false, "no progress line")
	})
	return command
}

func (a *app) record(ctx context.Context, f *recordFlags) error {
	a.whole = true
	all := specs.All()
	chosen, err := f.Choose(all)
	if err != nil {
		return err
	}
	options := f.Options(kit(all))
	if options.Keep == "" {
		return usage("no folder for the recordings: give one with -o")
	}
	if err := f.Check(); err != nil {
		return err
	}
	probe, cleanup := front.Probe(ctx)
	defer cleanup()
	programs, err := f.Programs("", probe)
	if err != nil {
		return err
	}
	line := a.newProgress(!f.noProgress)
	options.Progress = line.update
	recordings, err := judge.Record(ctx, chosen, f.Relevant(all), programs, options)
	line.stop()
	if err != nil {
		return err
	}
	return a.listRecordings(options.Keep, recordings)
}

// listRecordings prints the paths of the recordings. Those that are missing or
// broken are an error that names the first.
func (a *app) listRecordings(folder string, recordings judge.Recordings) error {
	var first error
	failed := 0
	for _, name := range sortedNames(recordings) {
		r := recordings[name]
		if r.Recording != nil {
			fmt.Fprintln(a.out, filepath.Join(folder, string(name)+recording.Extension))
		}
		err := r.Err
		if err == nil && r.Trailer.Broken != "" {
			err = fmt.Errorf("broken: %s", r.Trailer.Broken)
		}
		if err != nil {
			failed++
			if first == nil {
				first = fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d scenarios could not be recorded: %w", failed, len(recordings), first)
	}
	return nil
}
