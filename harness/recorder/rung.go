package recorder

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"ipckit/harness/sandbox"
	"ipckit/harness/subject"
)

// Isolation is sandbox's; who judges needs no more of it than this and [Parcel].
type Isolation = sandbox.Isolation

// Parcel is sandbox's.
type Parcel = sandbox.Parcel

// None is the rung without namespaces.
const None = sandbox.None

// Auto asks for the best rung that the machine allows.
const Auto = "auto"

// Pack copies a program for all cages of a run.
func Pack(s subject.Subject) (*Parcel, error) { return sandbox.Pack(s) }

// IsolationError says that no rung can be used that the user has agreed to.
type IsolationError struct {
	Err    error  // why namespaces cannot be had
	Advice string // what the user can do; "" where nothing is to be said
}

// Error returns one line.
func (e *IsolationError) Error() string {
	text := fmt.Sprintf("no cage: %v", e.Err)
	if e.Advice != "" {
		text += "; " + e.Advice
	}
	return text
}

// Unwrap returns the reason.
func (e *IsolationError) Unwrap() error { return e.Err }

// Choose returns the rung to use, and why it is not a better one. Where
// namespaces are refused, "auto" falls back as root, for the program then loses
// all rights; as an ordinary user only for trusted programs, for others would
// have the user's own rights.
func Choose(ctx context.Context, want string, trusted bool) (rung Isolation, why string, err error) {
	switch Isolation(want) {
	case sandbox.None:
		return sandbox.None, "asked for", nil
	case sandbox.Namespaces, Auto:
	default:
		return "", "", fmt.Errorf("unknown isolation %q: use auto, namespaces or none", want)
	}
	err = Try(ctx, sandbox.Namespaces)
	if err == nil {
		return sandbox.Namespaces, "", nil
	}
	if !Refused(err) || ctx.Err() != nil {
		return "", "", errors.Join(context.Cause(ctx), err)
	}
	if want != Auto {
		return "", "", &IsolationError{Err: err}
	}
	if sandbox.CanShed() || trusted {
		return sandbox.None, err.Error(), nil
	}
	return "", "", &IsolationError{Err: err, Advice: "add --isolation none if you trust this program"}
}

// CPUs returns the CPUs that the kit may use (sched_getaffinity(2)).
func CPUs() []int {
	var set unix.CPUSet
	if unix.SchedGetaffinity(0, &set) != nil {
		return []int{-1}
	}
	var cpus []int
	for cpu := range len(set) * 64 {
		if set.IsSet(cpu) {
			cpus = append(cpus, cpu)
		}
	}
	return cpus
}
