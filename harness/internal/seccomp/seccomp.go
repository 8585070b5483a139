// Package seccomp builds the system call filter a recorded program runs under,
// and installs it on the calling thread.
//
// The filter is put together with golang.org/x/net/bpf. elastic/go-seccomp-bpf
// knows no action for a foreign architecture but its default one, and the
// default here is to allow.
//
// See seccomp(2) and the kernel's Documentation/userspace-api/seccomp_filter.rst.
package seccomp

import (
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"ipckit/harness/internal/sysnum"
)

// The values of SECCOMP_RET_DATA by which the tracer tells its stops apart:
// PTRACE_GET_SYSCALL_INFO shows them as ret_data, PTRACE_GETEVENTMSG as the
// event's message.
const (
	// Observe marks a call of Policy.Trace.
	Observe = 1
	// Deny marks a call of Policy.Deny. The tracer must keep it from happening,
	// and finds the error by the call's name.
	Deny = 2
	// Foreign marks a call made through another architecture's entry: on
	// amd64 that of i386 (int 0x80) or x32, on arm64 that of arm. Its number
	// means something else there, so the name tables do not apply. On amd64
	// every number from 1<<30 up counts, -1 included.
	Foreign = 3
)

// A Policy says what happens to each system call. A call that it does not
// name is allowed. Every name must be a system call of some supported
// architecture; those that this architecture lacks are passed over, so one
// list serves all.
type Policy struct {
	// Trace lists the calls that stop at the tracer. Ignored unless Traced.
	Trace []string
	// Deny gives the error of each call that must not happen. It wins over Trace.
	Deny map[string]unix.Errno
	// Traced makes the calls of Trace and Deny, and foreign ones, stop at the
	// tracer (SECCOMP_RET_TRACE). A tracer must be attached with
	// PTRACE_O_TRACESECCOMP, or such calls fail with ENOSYS. Otherwise denied
	// calls fail with their own error, foreign ones with ENOSYS.
	Traced bool
}

// Assemble returns the filter for the architecture the program is built for.
func (p Policy) Assemble() ([]unix.SockFilter, error) {
	calls, err := p.actions(sysnum.Number)
	if err != nil {
		return nil, fmt.Errorf("assemble seccomp filter: %w", err)
	}
	raw, err := bpf.Assemble(native.program(calls, p.foreign()))
	if err != nil {
		return nil, fmt.Errorf("assemble seccomp filter: %w", err)
	}
	filter := make([]unix.SockFilter, len(raw))
	for i, in := range raw {
		filter[i] = unix.SockFilter{Code: in.Op, Jt: in.Jt, Jf: in.Jf, K: in.K}
	}
	return filter, nil
}

// actions gives the filter's return value for each number named by p.
func (p Policy) actions(number func(string) (int, bool)) (map[uint32]uint32, error) {
	calls := map[uint32]uint32{}
	set := func(name string, action uint32) error {
		if nr, ok := number(name); ok {
			calls[uint32(nr)] = action
		} else if !sysnum.Known(name) {
			return fmt.Errorf("no architecture has a system call named %q", name)
		}
		return nil
	}
	if p.Traced {
		for _, name := range p.Trace {
			if err := set(name, unix.SECCOMP_RET_TRACE|Observe); err != nil {
				return nil, err
			}
		}
	}
	for name, errno := range p.Deny {
		if err := set(name, p.stop(Deny, errno)); err != nil {
			return nil, err
		}
	}
	return calls, nil
}

func (p Policy) foreign() uint32 { return p.stop(Foreign, unix.ENOSYS) }

// stop returns the action for a call that must not happen.
func (p Policy) stop(data uint32, errno unix.Errno) uint32 {
	if p.Traced {
		return unix.SECCOMP_RET_TRACE | data
	}
	return unix.SECCOMP_RET_ERRNO | uint32(errno)&unix.SECCOMP_RET_DATA
}

// Install puts filter on the calling thread, and through fork and execve on
// all that it becomes and starts. The caller has locked its goroutine to the
// thread, has set no_new_privs (prctl(2)) or holds CAP_SYS_ADMIN, and executes
// another program next: the other threads of this one stay unfiltered, as
// SECCOMP_FILTER_FLAG_TSYNC is not given.
func Install(filter []unix.SockFilter) error {
	if len(filter) == 0 || len(filter) > unix.BPF_MAXINSNS {
		return os.NewSyscallError("seccomp(SECCOMP_SET_MODE_FILTER)", unix.EINVAL)
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	_, _, errno := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, uintptr(unsafe.Pointer(&program)))
	if errno != 0 {
		return os.NewSyscallError("seccomp(SECCOMP_SET_MODE_FILTER)", errno)
	}
	return nil
}
