// Package recorder runs a scenario in a cage and watches it: by ptrace and
// seccomp what the programs do, by /proc and sock_diag how they stand, at their
// terminals what they say, and at the script's own sockets what comes back. It
// is the only writer of recordings.
//
// It stands third in the flow
//
//	subject -> sandbox -> recorder -> recording -> specs -> verdicts -> reports
//
// [Record] is the half outside of the cage; the half inside is PID 1's work,
// which this package registers with sandbox.
package recorder

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"ipckit/harness/recording"
	"ipckit/harness/sandbox"
	"ipckit/harness/scenario"
)

// Options are what a recording depends on beside scenario and programs.
type Options struct {
	Kit       string // version, for the header
	Isolation sandbox.Isolation
	CPU       int // to pin tracer and programs to; -1: none
	Scale     float64
	Seed      int64
	// Ready is called once, when the programs have started or can be waited for
	// no longer: another cage may start its own.
	Ready func()
}

// Record runs the scenario. Parcels hold the program of each part, in the order
// of the scenario's parts. An error is the kit's or the machine's:
// *[sandbox.RefusedError] where it allows no cage. What a program does or does not
// do is in the recording.
func Record(ctx context.Context, s scenario.Scenario, parcels []*sandbox.Parcel, options Options) (*recording.Recording, error) {
	config := sandbox.Config{
		Isolation: options.Isolation, Work: workName, Job: newJob(s, parcels, options), Parcels: parcels,
		Sysctls: s.Sysctls, CPU: options.CPU, Scale: options.Scale,
	}
	cage, err := sandbox.Open(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open cage for %s: %w", s.Name, err)
	}
	defer cage.Close()
	r, err := recording.Follow(cage.Out, func(_ *recording.Recording, e *recording.Event) {
		if e.Mark != nil && options.Ready != nil {
			options.Ready()
		}
	})
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("record %s: %w", s.Name, err)
	}
	return r, nil
}

func newJob(s scenario.Scenario, parcels []*sandbox.Parcel, options Options) job {
	j := job{Scenario: s.Name, Scale: options.Scale, Header: header(s, options)}
	for i, part := range s.Parts {
		program := parcels[i].Subject
		subject := recording.Subject{
			Name: part.Name, Role: string(part.Role), Path: program.Given, SHA256: program.SHA256, Argv: program.Argv,
			Reference: program.Builtin != "",
		}
		j.Header.Subjects = append(j.Header.Subjects, subject)
		j.Parts = append(j.Parts, jobPart{Part: part, Parcel: i, Argv: program.Argv, Env: program.Env, Subject: subject})
	}
	return j
}

func header(s scenario.Scenario, options Options) recording.Header {
	cpu := options.CPU
	if s.Unpinned {
		cpu = -1
	}
	return recording.Header{
		Format: recording.Format, Kit: options.Kit, Scenario: string(s.Name), Did: s.Did, Kernel: Kernel(), Arch: runtime.GOARCH,
		Isolation: string(options.Isolation), Traced: !s.Untraced, CPU: cpu, TimeoutScale: options.Scale, Seed: options.Seed,
		Sysctls: Sysctls(), Started: time.Now().UTC().Truncate(time.Millisecond),
	}
}

// Kernel returns the release of the running kernel (uname(2)).
func Kernel() string {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return ""
	}
	return unix.ByteSliceToString(u.Release[:])
}

// sysctlsThatMatter change what claims say.
var sysctlsThatMatter = []string{"net.core.somaxconn", "net.ipv4.tcp_syncookies", "net.ipv4.tcp_abort_on_overflow", "net.ipv4.tcp_syn_retries", "net.ipv4.ip_local_port_range"}

// Sysctls returns the kernel settings that verdicts may depend on, as a fresh
// network namespace has them or the machine's own.
func Sysctls() map[string]string {
	values := map[string]string{}
	for _, name := range sysctlsThatMatter {
		if text, err := os.ReadFile("/proc/sys/" + strings.ReplaceAll(name, ".", "/")); err == nil {
			values[name] = strings.Join(strings.Fields(string(text)), " ")
		}
	}
	return values
}

// probeWork is PID 1's work where only the cage itself is tried out.
const probeWork = "probe"

func init() {
	sandbox.Register(probeWork, func(*sandbox.Inside) error { return nil })
}

// Try opens and closes a cage: nil says that the rung can be used here.
func Try(ctx context.Context, isolation sandbox.Isolation) error {
	cage, err := sandbox.Open(ctx, sandbox.Config{Isolation: isolation, Work: probeWork, CPU: -1, Scale: 1})
	if err != nil {
		return err
	}
	cage.Close()
	return nil
}

// Refused reports whether err says that the machine allows no cage.
func Refused(err error) bool {
	var refused *sandbox.RefusedError
	return errors.As(err, &refused)
}
