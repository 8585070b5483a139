package recorder_test

import (
	"fmt"
	"maps"
	"os"
	"syscall"
	"testing"

	"ipckit/harness/recorder"
	"ipckit/harness/sandbox"
	"ipckit/reference"
)

func TestMain(m *testing.M) {
	programs := maps.Clone(reference.Programs)
	programs["echo"] = echo
	sandbox.MaybeChild(programs)
	if os.Getenv(echoSwitch) != "" {
		os.Exit(echo(nil))
	}
	if name := os.Getenv(kitVariable); name != "" {
		if err := kits[name](); err != nil {
			fmt.Fprintln(os.Stderr, err)
			syscall.Exit(1)
		}
		syscall.Exit(0)
	}
	os.Exit(m.Run())
}

// BenchmarkCage opens a cage without a program and closes it.
func BenchmarkCage(b *testing.B) {
	for b.Loop() {
		if err := recorder.Try(b.Context(), sandbox.Namespaces); err != nil {
			b.Fatal(err)
		}
	}
}
