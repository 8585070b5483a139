package seccomp

import (
	"maps"
	"math"
	"slices"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// Offsets into struct seccomp_data, seccomp(2).
const (
	offsetNr   = 0
	offsetArch = 4
)

// An architecture is what the filter must know of the machine.
type architecture struct {
	audit uint32 // AUDIT_ARCH_*: the value of seccomp_data.arch for native calls
	limit uint32 // the first number that is not native though the arch field says so
}

// A span gives one action to the numbers from first up to the next span's.
type span struct{ first, action uint32 }

// program returns the whole filter:
//
//	load arch; if it is foreign, return foreign
//	load nr; binary search over the spans of numbers with equal action
//
// The search costs log2(spans) comparisons whatever the call, 7 for a hundred
// spans: an allowed call, the most frequent kind, would otherwise pay for the
// whole list. It also makes the numbers from limit up just the last span.
func (a architecture) program(calls map[uint32]uint32, foreign uint32) []bpf.Instruction {
	prologue := []bpf.Instruction{
		bpf.LoadAbsolute{Off: offsetArch, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: a.audit, SkipTrue: 1},
		bpf.RetConstant{Val: foreign},
		bpf.LoadAbsolute{Off: offsetNr, Size: 4},
	}
	return append(prologue, search(a.spans(calls, foreign))...)
}

// spans covers all numbers, sorted, neighbours with equal action merged.
func (a architecture) spans(calls map[uint32]uint32, foreign uint32) []span {
	spans := []span{{0, unix.SECCOMP_RET_ALLOW}}
	extend := func(first, action uint32) {
		last := &spans[len(spans)-1]
		switch {
		case last.action == action:
		case last.first == first:
			last.action = action
		default:
			spans = append(spans, span{first, action})
		}
	}
	next := uint32(0)
	for _, nr := range slices.Sorted(maps.Keys(calls)) {
		if nr > next {
			extend(next, unix.SECCOMP_RET_ALLOW)
		}
		extend(nr, calls[nr])
		next = nr + 1
	}
	extend(next, unix.SECCOMP_RET_ALLOW)
	if a.limit != math.MaxUint32 {
		extend(a.limit, foreign)
	}
	return spans
}

// search returns the instructions that find the loaded number's span.
func search(spans []span) []bpf.Instruction {
	if len(spans) == 1 {
		return []bpf.Instruction{bpf.RetConstant{Val: spans[0].action}}
	}
	middle := len(spans) / 2
	below, above := search(spans[:middle]), search(spans[middle:])
	code := branch(spans[middle].first, len(below))
	return append(append(code, below...), above...)
}

// branch skips the next n instructions if the loaded number is at least first.
// A conditional jump reaches 255 instructions, an unconditional one any.
func branch(first uint32, n int) []bpf.Instruction {
	if n <= math.MaxUint8 {
		return []bpf.Instruction{bpf.JumpIf{Cond: bpf.JumpGreaterOrEqual, Val: first, SkipTrue: uint8(n)}}
	}
	return []bpf.Instruction{
		bpf.JumpIf{Cond: bpf.JumpLessThan, Val: first, SkipTrue: 1},
		bpf.Jump{Skip: uint32(n)},
	}
}
