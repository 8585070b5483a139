package recorder

import (
	"encoding/json"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"ipckit/harness/recording"
	"ipckit/harness/sandbox"
	"ipckit/harness/scenario"
)

// workName is the name under which sandbox knows what PID 1 does.
const workName = "record"

func init() { sandbox.Register(workName, record) }

// record is PID 1's work: it writes a recording of one scenario to in.Out.
func record(in *sandbox.Inside) error {
	var j job
	if err := json.Unmarshal(in.Job, &j); err != nil {
		return fmt.Errorf("read job: %w", err)
	}
	script, err := scenario.Find(j.Scenario)
	if err != nil {
		return err
	}
	if err := recording.NewWriter(in.Out).Header(&j.Header); err != nil {
		return fmt.Errorf("write recording: %w", err)
	}
	out := newEmitter(in.Out, time.Now())
	t := newTracer(in, out, !script.Untraced)
	trailer := perform(in, &j, script, t)
	if err := out.close(&trailer); err != nil {
		return fmt.Errorf("write recording: %w", err)
	}
	return recording.NewWriter(in.Out).Trailer(&trailer)
}

// perform runs the script beside the tracer, until both are done.
func perform(in *sandbox.Inside, j *job, script scenario.Scenario, t *tracer) recording.Trailer {
	if in.CPU >= 0 && !script.Unpinned {
		// The tracer's thread: program and tracer take turns anyway, and on one
		// CPU a stop costs two switches instead of two wake-ups across CPUs.
		var set unix.CPUSet
		set.Set(in.CPU)
		_ = unix.SchedSetaffinity(0, &set) // slower without
	}
	s := newStage(in, j, t)
	first := make(chan struct{})
	var trailer recording.Trailer
	done := make(chan struct{})
	go func() {
		defer close(done)
		trailer = s.play(script, first)
	}()
	<-first // a child exists, or there will be none: wait4 has something to wait for
	err := t.run()
	<-done
	if err != nil {
		trailer.Broken = err.Error()
	}
	trailer.CPU = cpuTime()
	return trailer
}

// cpuTime is what PID 1 and all that it reaped have used.
func cpuTime() time.Duration {
	total := time.Duration(0)
	for _, who := range []int{unix.RUSAGE_SELF, unix.RUSAGE_CHILDREN} {
		var usage unix.Rusage
		if unix.Getrusage(who, &usage) == nil {
			total += time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
		}
	}
	return total
}
