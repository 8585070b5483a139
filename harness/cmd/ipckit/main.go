// Command ipckit is the kit's command line: it records programs in cages, judges
// the recordings against the catalogue of claims, and reports.
//
// It is one of the two front doors (the other is the Ginkgo suite in specs) and
// starts the flow
//
//	subject -> sandbox -> recorder -> recording -> specs -> verdicts -> reports
//
// Its standard output carries the result and nothing else. An error is one line
// on standard error, and the exit code says whose it is: 2 the user's or the
// program's, 3 the kit's or the machine's, 130 an interruption.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"ipckit/harness/claim"
	"ipckit/harness/front"
	"ipckit/harness/judge"
	"ipckit/harness/report"
	"ipckit/harness/sandbox"
	"ipckit/harness/subject"
	"ipckit/reference"
)

func main() {
	sandbox.MaybeChild(reference.Programs)
	// A write to a pipe that nobody reads is then an error like any other.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	os.Exit(run(interruptible(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// interruptible returns a context that the first Ctrl+C or SIGTERM ends; the
// second one ends the kit. What the kit was started to ignore it goes on to
// ignore.
func interruptible() context.Context {
	var signals []os.Signal
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		if !signal.Ignored(s) {
			signals = append(signals, s)
		}
	}
	if len(signals) == 0 {
		return context.Background()
	}
	ctx, stop := signal.NotifyContext(context.Background(), signals...)
	context.AfterFunc(ctx, stop)
	return ctx
}

// app is one call of the command line.
type app struct {
	stdin  io.Reader
	stdout io.Writer // for what it is; what is written goes to out
	stderr io.Writer
	out    *output
	groups map[string][]group // the flags of each command, as its help shows them
	code   int                // exit code of a result
	// whole is set where the output is a result: a reader who leaves early has
	// missed it. A list may be left as one likes.
	whole bool
}

// output remembers the first error, so that nobody has to ask after each write.
type output struct {
	to  io.Writer
	err error
}

// Write writes unless an earlier write has failed.
func (o *output) Write(p []byte) (n int, err error) {
	if o.err != nil {
		return 0, o.err
	}
	n, o.err = o.to.Write(p)
	return n, o.err
}

// run is one call of the command line; it returns the exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := &app{stdin: stdin, stdout: stdout, stderr: stderr, out: &output{to: stdout}, groups: map[string][]group{}}
	root := a.root()
	root.SetArgs(append([]string{}, args...)) // nil would mean the arguments of the process
	command, err := root.ExecuteContextC(ctx)
	if err == nil {
		err = a.written()
	}
	if err == nil {
		return a.code
	}
	text, code := classify(ctx, err)
	var usage *front.UsageError
	if errors.As(err, &usage) && !strings.Contains(text, "; see ") {
		text += "; see " + command.CommandPath() + " --help"
	}
	fmt.Fprintf(stderr, "ipckit: %s\n", report.Safe(text))
	return code
}

// written returns why the output did not arrive.
func (a *app) written() error {
	err := a.out.err
	if err == nil || errors.Is(err, syscall.EPIPE) && !a.whole {
		return nil
	}
	if path := (*os.PathError)(nil); errors.As(err, &path) {
		err = path.Err
	}
	return fmt.Errorf("write standard output: %w", err)
}

// classify says in words what an error is, and which exit code it asks for.
func classify(ctx context.Context, err error) (text string, code int) {
	var usage *front.UsageError
	var preflight *subject.PreflightError
	var start *judge.StartError
	switch {
	case errors.As(err, &usage), errors.As(err, &preflight), errors.As(err, &start):
		return err.Error(), claim.ExitUsage
	case ctx.Err() != nil:
		return "interrupted; nothing was judged", claim.ExitInterrupted
	}
	return err.Error(), claim.ExitIncomplete
}

func usage(format string, args ...any) error {
	return &front.UsageError{Text: fmt.Sprintf(format, args...)}
}
