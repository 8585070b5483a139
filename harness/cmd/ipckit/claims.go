package main

import (
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ipckit/harness/claim"
	"ipckit/harness/front"
	"ipckit/harness/judge"
	"ipckit/harness/recorder"
	"ipckit/harness/report"
	"ipckit/harness/scenario"
	"ipckit/specs"
)

// claimFormats are the forms of the catalogue.
var claimFormats = []string{"text", "json", "markdown"}

func (a *app) claimsCommand() *cobra.Command {
	var f front.Flags
	var format string
	var noColor bool
	command := &cobra.Command{
		Use: "claims [choice]", Short: "List the claims", Args: noArguments,
		Long: "Lists the catalogue: every claim with its level, id and title, by topic.",
		Example: `  ipckit claims --level must --topic wait
  ipckit claims --format markdown`,
		RunE: func(*cobra.Command, []string) error { return a.claims(&f, format, noColor) },
	}
	a.declare(command, choiceTitle, shared(f.RegisterChoice))
	a.declare(command, outputTitle, func(to *pflag.FlagSet) {
		to.StringVar(&format, "format", "text", "`format`: "+strings.Join(claimFormats, ", "))
		to.BoolVar(&noColor, "no-color", false, "no colours")
	})
	return command
}

func (a *app) claims(f *front.Flags, format string, noColor bool) error {
	if !slices.Contains(claimFormats, format) {
		return usage("--format %q: use %s", format, strings.Join(claimFormats, ", "))
	}
	chosen, err := f.Choose(specs.All())
	if err != nil {
		return err
	}
	claims := judge.Claims(chosen)
	switch format {
	case "json":
		return a.ignoreWritten(report.ClaimsJSON(a.out, claims))
	case "markdown":
		return a.ignoreWritten(report.ClaimsMarkdown(a.out, claims))
	}
	return a.ignoreWritten(report.ClaimsText(a.out, claims, report.TextOptions{Width: a.width(), Color: a.color(noColor)}))
}

// ignoreWritten drops an error that output has remembered: run deals with it.
func (a *app) ignoreWritten(err error) error {
	if a.out.err != nil {
		return nil
	}
	return err
}

func (a *app) explainCommand() *cobra.Command {
	var noColor bool
	command := &cobra.Command{
		Use: "explain claim", Short: "Explain a claim",
		Long:    "Says of one claim what must hold, where that is said, why it matters, what is usually wrong, and how it is seen.",
		Example: "  ipckit explain wait.zombie-prevention",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage("explain takes one claim; see ipckit claims")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error { return a.explain(claim.ID(args[0]), noColor) },
	}
	a.declare(command, outputTitle, func(to *pflag.FlagSet) { to.BoolVar(&noColor, "no-color", false, "no colours") })
	return command
}

func (a *app) explain(id claim.ID, noColor bool) error {
	all := specs.All()
	spec, err := findSpec(all, id)
	if err != nil {
		return err
	}
	e := report.Explanation{Claim: spec.Claim}
	for _, name := range spec.On {
		s, err := scenario.Find(name)
		if err != nil {
			return err
		}
		e.Did = append(e.Did, s.Did)
	}
	for _, other := range all {
		if slices.Contains(other.Needs, id) {
			e.NeededBy = append(e.NeededBy, other.ID)
		}
	}
	return a.ignoreWritten(report.Explain(a.out, e, report.TextOptions{Width: a.width(), Color: a.color(noColor)}))
}

// findSpec returns the spec of a claim, or says which one could have been meant.
func findSpec(all []judge.Spec, id claim.ID) (judge.Spec, error) {
	var names []string
	for _, s := range all {
		if s.ID == id {
			return s, nil
		}
		names = append(names, string(s.ID))
	}
	return judge.Spec{}, usage("no claim is called %q%s; see ipckit claims", id, didYouMean(string(id), names))
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Say which kit this is, and where it runs", Args: noArguments,
		RunE: func(*cobra.Command, []string) error {
			all := specs.All()
			k := kit(all)
			for _, row := range [][2]string{
				{"ipckit", k.Version}, {"go", runtime.Version()}, {"catalogue", fmt.Sprintf("%s (%d claims)", k.Catalogue, len(all))},
				{"kernel", recorder.Kernel()}, {"arch", runtime.GOARCH},
			} {
				fmt.Fprintf(a.out, "%-10s %s\n", row[0], row[1])
			}
			return nil
		},
	}
}

func sortedNames(recordings judge.Recordings) []scenario.Name {
	return slices.Sorted(maps.Keys(recordings))
}
