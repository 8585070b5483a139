package recorder

import (
	"bytes"
	"encoding/binary"
	"maps"
	"slices"
	"testing"
)

// hostile is memory that holds the same bytes at every address but 0, and counts
// what is read of it.
type hostile struct {
	pattern []byte
	taken   *int
}

func (h hostile) read(addr uint64, n int) []byte {
	if n <= 0 || addr == 0 || len(h.pattern) == 0 {
		return nil
	}
	*h.taken += n
	return bytes.Repeat(h.pattern, n/len(h.pattern)+1)[:n]
}

func (h hostile) text(uint64) string { return string(h.pattern) }

// mostTaken bounds what decoding one call may read: argument vectors and message
// arrays are the largest.
const mostTaken = 4 << 20

// FuzzDecode decodes every call with hostile arguments, results and memory.
func FuzzDecode(f *testing.F) {
	f.Add([]byte{0}, uint64(1), uint64(1), uint64(1), int64(0))
	f.Add([]byte{0xff}, ^uint64(0), ^uint64(0), ^uint64(0), int64(-1))
	f.Add(bytes.Repeat([]byte{0xff, 0x7f}, 8), uint64(1)<<63, uint64(1)<<62, uint64(1)<<31, int64(1)<<62)
	f.Add(binary.NativeEndian.AppendUint64(nil, 16), uint64(3), uint64(4096), uint64(1<<40), int64(4))
	f.Add([]byte{2, 0, 1, 0, 0, 0, 0, 0}, uint64(64), uint64(64), uint64(64), int64(1<<32))
	names := slices.Sorted(maps.Keys(calls))
	f.Fuzz(func(t *testing.T, pattern []byte, a, b, c uint64, result int64) {
		for _, name := range names {
			decodeHostile(t, name, pattern, [6]uint64{a, b, c, b, a, c}, result)
		}
	})
}

func decodeHostile(t *testing.T, name string, pattern []byte, args [6]uint64, result int64) {
	taken, kept := 0, 0
	s := calls[name]
	c := &pending{name: name, spec: &s, frame: frame{
		memory: hostile{pattern, &taken}, args: args, result: result,
		file: func(int) string { return "" }, stream: func(int) string { return "" },
		interest: func(int, uint64) (int, bool) { return 3, true },
		keep: func(n int) int {
			n = max(0, min(n, payloadPerCall))
			kept += n
			return n
		},
	}}
	c.decode(atEntry)
	c.decode(atExit)
	c.frame.strings(args[1])
	if taken > mostTaken {
		t.Errorf("%s read %d bytes", name, taken)
	}
	for _, a := range c.named() {
		if a.Data != nil && (a.Data.Len < 0 || len(a.Data.Bytes) > a.Data.Len) {
			t.Errorf("%s: %s has %d bytes of %d", name, a.Name, len(a.Data.Bytes), a.Data.Len)
		}
	}
}
