package main

import (
	"errors"
	"flag"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// root returns the command line.
func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "ipckit",
		Short: "Judge programs by how they use sockets and signals",
		Long: `ipckit runs a server, a client or a shutdown program in a cage of its own, records
what it does, and judges the recording: what holds, what does not, and why it matters.`,
		Example: `  ipckit run --server ./server --client ./client
  ipckit run --shutdown ./shutdown --claims 'wait.*'
  ipckit explain wait.zombie-prevention`,
		SilenceErrors: true, SilenceUsage: true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
		Args:              cobra.ArbitraryArgs, // ours say what is wrong in one line
	}
	root.RunE = func(_ *cobra.Command, args []string) error { return noCommand(root, args) }
	root.SetOut(a.out)
	root.SetErr(a.stderr)
	root.SetFlagErrorFunc(flagError)
	root.SetHelpFunc(func(c *cobra.Command, _ []string) { a.help(c) })
	root.AddCommand(a.runCommand(), a.recordCommand(), a.showCommand(), a.claimsCommand(), a.explainCommand(), a.versionCommand())
	root.SetHelpCommand(a.helpCommand(root))
	return root
}

// noCommand says which command could have been meant.
func noCommand(root *cobra.Command, args []string) error {
	var names []string
	for _, c := range root.Commands() {
		names = append(names, c.Name())
	}
	if len(args) == 0 {
		return usage("no command given; there are %s", strings.Join(names, ", "))
	}
	return usage("unknown command %q%s", args[0], didYouMean(args[0], names))
}

func (a *app) helpCommand(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use: "help [command]", Short: "Say how a command is used",
		RunE: func(_ *cobra.Command, args []string) error {
			command, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return noCommand(root, args)
			}
			a.help(command)
			return nil
		},
	}
}

// noArguments refuses what stands outside of flags.
func noArguments(_ *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return usage("unexpected argument %q: programs are given by --server, --client and --shutdown", args[0])
}

// flagError says what is wrong with a flag, in one line.
func flagError(command *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return usage("%v", err)
	}
	if short := unknown.GetSpecifiedShortnames(); len(short) > 1 && command.Flags().Lookup(strings.TrimSpace(short)) != nil {
		return usage("unknown flag -%s: it has two dashes, --%s", short, short)
	}
	var names []string
	command.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, "--"+f.Name) })
	return usage("%v%s", err, didYouMean("--"+unknown.GetSpecifiedName(), names))
}

// group is some of a command's flags under a title.
type group struct {
	title string
	flags *pflag.FlagSet
}

// declare adds a group of flags to a command.
func (a *app) declare(command *cobra.Command, title string, register func(*pflag.FlagSet)) {
	g := group{title: title, flags: pflag.NewFlagSet(title, pflag.ContinueOnError)}
	g.flags.SortFlags = false
	register(g.flags)
	command.Flags().AddFlagSet(g.flags)
	a.groups[command.Name()] = append(a.groups[command.Name()], g)
}

// shared lets the flags that the front doors share be declared.
func shared(registers ...func(*flag.FlagSet)) func(*pflag.FlagSet) {
	return func(to *pflag.FlagSet) {
		for _, register := range registers {
			flags := flag.NewFlagSet("", flag.ContinueOnError)
			register(flags)
			to.AddGoFlagSet(flags)
		}
	}
}

// help writes how a command is used.
func (a *app) help(c *cobra.Command) {
	text := c.Long
	if text == "" {
		text = c.Short + "."
	}
	fmt.Fprintf(a.out, "%s\n\nUsage:\n  %s\n", text, useLine(c))
	if c.HasAvailableSubCommands() {
		fmt.Fprintf(a.out, "\nCommands:\n")
		for _, sub := range c.Commands() {
			fmt.Fprintf(a.out, "  %-10s %s\n", sub.Name(), sub.Short)
		}
	}
	width := a.width()
	if width == 0 {
		width = 100
	}
	for _, g := range a.groups[c.Name()] {
		fmt.Fprintf(a.out, "\n%s:\n%s", g.title, g.flags.FlagUsagesWrapped(width))
	}
	if c.HasExample() {
		fmt.Fprintf(a.out, "\nExamples:\n%s\n", c.Example)
	}
	if c.HasAvailableSubCommands() {
		fmt.Fprint(a.out, "\n"+exitCodes)
	}
}

func useLine(c *cobra.Command) string {
	if c.HasAvailableSubCommands() {
		return c.CommandPath() + " command [flags]"
	}
	return strings.TrimSuffix(c.UseLine(), " [flags]")
}

const exitCodes = `Exit codes:
  0    the programs conform
  1    they do not
  2    a mistake in the call, or a program that cannot be started
  3    incomplete: nothing was judged, or the kit or the machine failed
  130  interrupted
`
