package recorder_test

import (
	"maps"
	"os"
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
