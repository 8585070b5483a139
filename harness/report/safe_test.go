package report_test

import (
	"testing"

	"ipckit/harness/report"
)

func TestSafe(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"empty", "", ""},
		{"plain", `13 bytes: "a\x00b"`, `13 bytes: "a\x00b"`},
		{"letters of all scripts stay", "naïve 読む ✓ ×", "naïve 読む ✓ ×"},
		{"controls", "\n\r\t\x00\x1b\x7f", `\n\r\t\x00\x1b\x7f`},
		{"C1", "\u0085\u009b", `\u{85}\u{9b}`},
		{"direction", "\u202e\u2066\u200f", `\u{202e}\u{2066}\u{200f}`},
		{"no width", "\u200b\ufeff\u3164\ufe0f", `\u{200b}\u{feff}\u{3164}\u{fe0f}`},
		{"other spaces", "a\u00a0b\u2028c", `a\u{a0}b\u{2028}c`},
		{"no UTF-8", "caf\xe9\xed\xa0\x80", `caf\xe9\xed\xa0\x80`},
		{"a real replacement character", "\ufffd", "\ufffd"},
		{"an accent", "e\u0301", "e\u0301"},
		{"too many accents", "e\u0301\u0301\u0301", "e\u0301\u0301" + `\u{301}`},
		{"GitHub", "::error file=a::b", `:\x3aerror file=a::b`},
		{"GitHub, overlapping", "::error::warning::x", `:\x3aerror:\x3awarning::x`},
		{"Azure", "##[error]", `#\x23[error]`},
		{"addresses stay", "[::1]:9876 ::ffff:127.0.0.1 fe80::a", "[::1]:9876 ::ffff:127.0.0.1 fe80::a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := report.Safe(c.in)
			if got != c.want {
				t.Errorf("Safe(%q) = %q, want %q", c.in, got, c.want)
			}
			if again := report.Safe(got); again != got {
				t.Errorf("not stable: %q, then %q", got, again)
			}
		})
	}
}

func FuzzSafe(f *testing.F) {
	for _, attack := range attacks {
		f.Add(attack)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := report.Safe(s)
		harmless(t, "  "+got)
		if again := report.Safe(got); again != got {
			t.Errorf("not stable: %q, then %q", got, again)
		}
	})
}
