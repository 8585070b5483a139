package specs_test

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ipckit/harness/claim"
	"ipckit/harness/front"
	"ipckit/harness/judge"
	"ipckit/harness/recorder"
	"ipckit/harness/subject"
	"ipckit/reference"
	"ipckit/specs"
)

// BenchmarkReference judges all claims on the reference programs: the shutdown
// program's own six seconds are the floor. It reports the CPU time of everything
// and the kit's own peak memory.
func BenchmarkReference(b *testing.B) {
	probe, cleanup := front.Probe(b.Context())
	defer cleanup()
	programs := judge.Programs{Given: map[subject.Role]subject.Subject{}, Probe: probe}
	for name := range reference.Programs {
		programs.Given[subject.Role(name)] = subject.Builtin(subject.Role(name), name)
	}
	cpu := time.Duration(0)
	for b.Loop() {
		before := used()
		result, err := judge.Run(b.Context(), specs.All(), specs.All(), programs, judge.Options{Isolation: recorder.Auto, Scale: 1, Seed: 1})
		if err != nil {
			b.Fatal(err)
		}
		if code := result.ExitCode(); code != claim.ExitConforms {
			b.Fatalf("exit code %d", code)
		}
		cpu += used() - before
	}
	b.ReportMetric(cpu.Seconds()/float64(b.N), "cpu-s/op")
	b.ReportMetric(float64(peak())/(1<<20), "peak-MB")
}

// used is the CPU time of this process and of the children that have ended.
func used() (total time.Duration) {
	for _, who := range []int{unix.RUSAGE_SELF, unix.RUSAGE_CHILDREN} {
		var usage unix.Rusage
		if unix.Getrusage(who, &usage) == nil {
			total += time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
		}
	}
	return total
}

// peak is the largest resident size of this process in bytes.
func peak() int64 {
	var usage unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &usage) != nil {
		return 0
	}
	return usage.Maxrss << 10
}
