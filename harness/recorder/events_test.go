package recorder_test

import (
	"context"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ipckit/fixtures/probes"
	"ipckit/harness/recorder"
	"ipckit/harness/recording"
	"ipckit/harness/sandbox"
	"ipckit/harness/scenario"
	"ipckit/harness/subject"
)

var update = flag.Bool("update", false, "write what the event probes show to their golden files")

// goldens is where the sources of the probes lie, and what they must show.
const goldens = "../../fixtures/probes/events"

// notHere is the status of a probe whose call this kernel cannot make.
const notHere = recording.WaitStatus(77 << 8)

// notJudged skips a test whose means are missing; where everything must be
// judged, it fails.
func notJudged(t testing.TB, why any) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("NOT JUDGED: %s: %v", t.Name(), why)
	}
	t.Skipf("NOT JUDGED: %s: %v", t.Name(), why)
}

// isolation is the best rung of this machine.
var isolation = sync.OnceValues(func() (sandbox.Isolation, error) {
	if err := recorder.Try(context.Background(), sandbox.Namespaces); err != nil {
		return "", err
	}
	return sandbox.Namespaces, nil
})

// eventProbes is the program of the event probes, compiled once.
var eventProbes = sync.OnceValues(func() (*sandbox.Parcel, error) {
	path, _, err := probes.Events.Build(context.Background())
	if err != nil {
		return nil, err
	}
	s, err := subject.Open(subject.Probe, path, nil, nil)
	if err != nil {
		return nil, err
	}
	return sandbox.Pack(s)
})

// record runs the scenario with the parcels as its parts.
func record(t testing.TB, s scenario.Scenario, parcels ...*sandbox.Parcel) *recording.Recording {
	t.Helper()
	rung, err := isolation()
	if err != nil {
		notJudged(t, err)
	}
	r, err := recorder.Record(t.Context(), s, parcels, recorder.Options{Isolation: rung, CPU: recorder.CPUs()[0], Scale: 1})
	if err != nil {
		t.Fatal(err)
	}
	if r.Trailer.Broken != "" {
		t.Fatal(r.Trailer.Broken)
	}
	return r
}

// recordProbe records an event probe.
func recordProbe(t testing.TB, name string) *recording.Recording {
	t.Helper()
	parcel, err := eventProbes()
	if errors.Is(err, probes.ErrNoCompiler) {
		notJudged(t, err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return record(t, scenario.Alone(name), parcel.As([]string{"probes", name}))
}

// threaded are the probes with threads of the C library, which each library
// starts in its own way.
var threaded = map[string]bool{"threads": true, "thread-signal": true, "thread-leaves-first": true, "thread-executes": true, "thread-forks": true}

func TestEvents(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		notJudged(t, "the golden files are those of amd64")
	}
	for _, name := range probes.Events.Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testEvents(t, name)
		})
	}
}

func testEvents(t *testing.T, name string) {
	r := recordProbe(t, name)
	first := r.Process("probe")
	if first == nil || first.End == nil {
		t.Fatalf("the probe did not end: %+v", r.Trailer)
	}
	if status := first.End.Exit.Status; status == notHere {
		t.Skipf("NOT JUDGED: %s: this kernel cannot do it", t.Name())
	} else if status != 0 || r.Trailer.Unreached != "" {
		t.Errorf("the probe %v: %s %s", status, r.Terminal("probe"), r.Trailer.Unreached)
	}
	got := shownBy(name, recording.Normalize(r))
	golden := filepath.Join(goldens, name+".golden")
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Error(diff)
	}
}

// shownBy is what is compared of a probe.
func shownBy(name string, n *recording.Normal) string {
	switch {
	case name == "posix-spawn":
		n.Threads = n.Lives
	case threaded[name]:
		for i := range n.Threads {
			n.Threads[i].Lines = slices.DeleteFunc(n.Threads[i].Lines, ofLibrary)
		}
	}
	return n.String()
}

// ofLibrary reports whether the C library makes the call for its threads.
func ofLibrary(line string) bool {
	call, _, _ := strings.Cut(line, "(")
	return slices.Contains([]string{"clone", "clone3", "rt_sigprocmask", "exit", "madvise"}, call) ||
		strings.HasPrefix(line, "rt_sigaction(sig real-time signal 3")
}
