package seccomp

import (
	"encoding/binary"
	"math"
	"testing"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

var (
	amd64 = architecture{audit: unix.AUDIT_ARCH_X86_64, limit: 1 << 30}
	arm64 = architecture{audit: unix.AUDIT_ARCH_AARCH64, limit: math.MaxUint32}
)

const (
	allow        = unix.SECCOMP_RET_ALLOW
	observe      = unix.SECCOMP_RET_TRACE | Observe
	deny         = unix.SECCOMP_RET_TRACE | Deny
	foreign      = unix.SECCOMP_RET_TRACE | Foreign
	errnoForeign = unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)
	errnoDenied  = unix.SECCOMP_RET_ERRNO | uint32(unix.EXDEV)
)

// Numbers of a made-up table; "absent here" stands for fork on arm64.
var numbers = map[string]int{"read": 0, "write": 1, "close": 3, "getppid": 110, "accept4": 288, "io_uring_setup": 425}

func number(name string) (int, bool) {
	nr, ok := numbers[name]
	return nr, ok
}

var policy = Policy{
	Trace:  []string{"read", "write", "close", "accept4", "fork", "io_uring_setup"},
	Deny:   map[string]unix.Errno{"getppid": unix.EXDEV, "io_uring_setup": unix.ENOSYS, "vfork": unix.EPERM},
	Traced: true,
}

func machine(t testing.TB, a architecture, p Policy) *bpf.VM {
	t.Helper()
	calls, err := p.actions(number)
	if err != nil {
		t.Fatal(err)
	}
	return load(t, a.program(calls, p.foreign()))
}

func load(t testing.TB, program []bpf.Instruction) *bpf.VM {
	t.Helper()
	vm, err := bpf.NewVM(program)
	if err != nil {
		t.Fatal(err)
	}
	return vm
}

// evaluate runs the filter on a seccomp_data. The machine loads big-endian
// words as from a packet, the kernel native ones.
func evaluate(t testing.TB, vm *bpf.VM, audit, nr uint32) uint32 {
	t.Helper()
	data := make([]byte, 64)
	binary.BigEndian.PutUint32(data[offsetNr:], nr)
	binary.BigEndian.PutUint32(data[offsetArch:], audit)
	action, err := vm.Run(data)
	if err != nil {
		t.Fatal(err)
	}
	return uint32(action)
}

func TestActions(t *testing.T) {
	untraced := policy
	untraced.Traced = false
	for _, row := range []struct {
		reason  string
		machine architecture
		policy  Policy
		audit   uint32
		nr      uint32
		want    uint32
	}{
		{"the lowest number is traced", amd64, policy, amd64.audit, 0, observe},
		{"its neighbour is traced", amd64, policy, amd64.audit, 1, observe},
		{"a gap of one is allowed", amd64, policy, amd64.audit, 2, allow},
		{"after the gap tracing goes on", amd64, policy, amd64.audit, 3, observe},
		{"past a traced number all is allowed", amd64, policy, amd64.audit, 4, allow},
		{"below a denied number all is allowed", amd64, policy, amd64.audit, 109, allow},
		{"a denied call stops with its own mark", amd64, policy, amd64.audit, 110, deny},
		{"a traced call in the middle", amd64, policy, amd64.audit, 288, observe},
		{"denied wins over traced", amd64, policy, amd64.audit, 425, deny},
		{"numbers of future calls are allowed", amd64, policy, amd64.audit, 426, allow},
		{"the last number below x32", amd64, policy, amd64.audit, 1<<30 - 1, allow},
		{"the first x32 number", amd64, policy, amd64.audit, 1 << 30, foreign},
		{"an x32 number of a call that is not traced", amd64, policy, amd64.audit, 1<<30 | 39, foreign},
		{"the highest number", amd64, policy, amd64.audit, math.MaxUint32, foreign},
		{"int 0x80 with a number that is traced natively", amd64, policy, unix.AUDIT_ARCH_I386, 3, foreign},
		{"int 0x80 with a number that is allowed natively", amd64, policy, unix.AUDIT_ARCH_I386, 20, foreign},
		{"no architecture at all", amd64, policy, 0, 0, foreign},
		{"untraced: traced calls run freely", amd64, untraced, amd64.audit, 0, allow},
		{"untraced: a denied call fails with its error", amd64, untraced, amd64.audit, 110, errnoDenied},
		{"untraced: another error", amd64, untraced, amd64.audit, 425, errnoForeign},
		{"untraced: int 0x80 fails", amd64, untraced, unix.AUDIT_ARCH_I386, 20, errnoForeign},
		{"untraced: x32 fails", amd64, untraced, amd64.audit, 1<<30 | 20, errnoForeign},
		{"arm64: traced", arm64, policy, arm64.audit, 288, observe},
		{"arm64: denied", arm64, policy, arm64.audit, 110, deny},
		{"arm64: no x32 there", arm64, policy, arm64.audit, 1 << 30, allow},
		{"arm64: 32-bit arm", arm64, policy, unix.AUDIT_ARCH_ARM, 3, foreign},
		{"arm64: untraced 32-bit arm", arm64, untraced, unix.AUDIT_ARCH_ARM, 3, errnoForeign},
	} {
		t.Run(row.reason, func(t *testing.T) {
			got := evaluate(t, machine(t, row.machine, row.policy), row.audit, row.nr)
			if got != row.want {
				t.Errorf("action for arch %#x nr %d is %#x; want %#x", row.audit, row.nr, got, row.want)
			}
		})
	}
}

// The search must agree with a plain look into the map, for lists short and
// so long that the jumps no longer fit a conditional one.
func TestSearchAgreesWithTheList(t *testing.T) {
	for _, step := range []uint32{1, 2, 3, 7} {
		for _, count := range []uint32{0, 1, 2, 100, 400} {
			calls := map[uint32]uint32{}
			for i := range count {
				calls[5+i*step] = unix.SECCOMP_RET_TRACE | 1 + i%3
			}
			vm := load(t, amd64.program(calls, foreign))
			for nr := range 5 + count*step + 3 {
				want, ok := calls[nr]
				if !ok {
					want = allow
				}
				if got := evaluate(t, vm, amd64.audit, nr); got != want {
					t.Fatalf("step %d count %d: action for %d is %#x; want %#x", step, count, nr, got, want)
				}
			}
		}
	}
}

func TestMisspeltNamesAreRefused(t *testing.T) {
	for _, p := range []Policy{
		{Trace: []string{"acept"}, Traced: true},
		{Deny: map[string]unix.Errno{"acept": unix.EPERM}},
	} {
		if _, err := p.Assemble(); err == nil {
			t.Errorf("Assemble(%+v) succeeded; want an error that names the call", p)
		}
	}
}
