package report_test

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"charm.land/lipgloss/v2"
	"github.com/google/go-cmp/cmp"

	"ipckit/harness/claim"
	"ipckit/harness/report"
)

var update = flag.Bool("update", false, "write the golden files anew")

func text(t *testing.T, r *claim.Result, o report.TextOptions) string {
	t.Helper()
	var b bytes.Buffer
	if err := report.Text(&b, r, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got; -update accepts it):\n%s", file, diff)
	}
}

var samples = []struct {
	name   string
	result func() *claim.Result
}{
	{"passing", passing},
	{"failing", failing},
	{"undecided", undecided},
	{"incomplete", func() *claim.Result {
		r := undecided()
		r.Verdicts = r.Verdicts[:3]
		return r
	}},
	{"strict", func() *claim.Result { r := failing(); r.Strict = true; return r }},
	{"fact-fails", func() *claim.Result {
		return result(verdict("signal.terminal.ctrl-c", claim.Fail, func(v *claim.Verdict) { v.Observed = "nothing arrived" }))
	}},
	{"empty", func() *claim.Result { return result() }},
}

func TestTextGolden(t *testing.T) {
	for _, s := range samples {
		t.Run(s.name, func(t *testing.T) {
			golden(t, s.name, text(t, s.result(), report.TextOptions{}))
		})
	}
	for name, o := range map[string]report.TextOptions{
		"failing-60":    {Width: 60},
		"failing-200":   {Width: 200},
		"failing-brief": {Detail: report.Brief},
		"failing-full":  {Detail: report.Full},
		"failing-color": {Color: true},
	} {
		t.Run(name, func(t *testing.T) { golden(t, name, text(t, failing(), o)) })
	}
}

func TestTextFitsItsWidth(t *testing.T) {
	for _, s := range append(samples, struct {
		name   string
		result func() *claim.Result
	}{"forged", func() *claim.Result {
		r := forged(strings.Repeat("読む é ", 300))
		r.Recordings = "" // an argument of a command stays whole, however long
		for i := range r.Verdicts {
			r.Verdicts[i].Rerun = ""
		}
		return r
	}}) {
		for _, width := range []int{60, 61, 79, 100, 200} {
			for _, color := range []bool{false, true} {
				for _, line := range strings.Split(text(t, s.result(), report.TextOptions{Width: width, Color: color, Detail: report.Full}), "\n") {
					if got := lipgloss.Width(line); got > width {
						t.Errorf("%s at %d: %d columns: %.80q", s.name, width, got, line)
					}
				}
			}
		}
	}
}

// The colours must add nothing but colours.
func TestTextColorIsOnlyColor(t *testing.T) {
	for _, s := range samples {
		colored := text(t, s.result(), report.TextOptions{Color: true})
		var stripped strings.Builder
		for part := range strings.SplitSeq("m"+colored, "\x1b[") {
			_, rest, _ := strings.Cut(part, "m")
			stripped.WriteString(rest)
		}
		want := text(t, s.result(), report.TextOptions{})
		trim := func(s string) string {
			lines := strings.Split(s, "\n")
			for i := range lines {
				lines[i] = strings.TrimRight(lines[i], " ")
			}
			return strings.Join(lines, "\n")
		}
		if diff := cmp.Diff(want, trim(stripped.String())); diff != "" {
			t.Errorf("%s: (-plain +colour without its sequences):\n%s", s.name, diff)
		}
	}
}

// Nothing that is not a success may read like one.
func TestTextClosingFollowsTheExitCode(t *testing.T) {
	for _, s := range samples {
		r := s.result()
		got := text(t, r, report.TextOptions{})
		for code, want := range map[int]string{0: "Everything that", 1: "Next: ", 3: "Incomplete: "} {
			if has := strings.Contains(got, "\n"+want); has != (r.ExitCode() == code) {
				t.Errorf("%s: exit code %d, %q said: %v", s.name, r.ExitCode(), want, has)
			}
		}
	}
}

func TestTextSaysWhatItLeavesOut(t *testing.T) {
	r := failing()
	v := r.Verdict("wait.zombie-prevention")
	v.Observed = strings.Repeat("x", 1234)
	for len(v.Excerpt) < 40 {
		v.Excerpt = append(v.Excerpt, v.Excerpt[0])
	}
	got := text(t, r, report.TextOptions{})
	for _, want := range []string{"showing 1000 of 1234 characters", "showing 24 of 40 lines"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not said", want)
		}
	}
	full := text(t, r, report.TextOptions{Detail: report.Full})
	if strings.Contains(full, "showing") || strings.Count(full, "x") < 1234 {
		t.Error("the full report is shortened")
	}
}

func TestTextNamesRecordingsWhereThereAreSeveral(t *testing.T) {
	r := failing()
	v := r.Verdict("wait.zombie-prevention")
	v.Excerpt[4].Recording = "shutdown-quick"
	got := text(t, r, report.TextOptions{})
	for _, want := range []string{"in shutdown-plain:\n", "in shutdown-quick:\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
}

// A command that is wrapped is still the command.
func TestTextCommandsCanBePasted(t *testing.T) {
	want := `ipckit run --server './my server' --server-args '--name "a b" --port 9876' --env A=1 --claims wait.zombie-prevention`
	r := failing()
	r.Verdict("wait.zombie-prevention").Rerun = want
	for _, width := range []int{60, 80, 100, 200} {
		_, after, _ := strings.Cut(text(t, r, report.TextOptions{Width: width}), "  again     ")
		block, _, _ := strings.Cut(after, "\n\n")
		var got []string
		for _, line := range strings.Split(block, "\n") {
			got = append(got, strings.TrimSuffix(strings.TrimSpace(line), ` \`))
		}
		if joined := strings.Join(got, " "); joined != want {
			t.Errorf("at %d: %s", width, joined)
		}
	}
}

var attacks = map[string]string{
	"escape":    "\x1b[2J\x1b[32m\x1b]0;owned\a\u009b31m",
	"carriage":  "nothing\r✓ MUST  everything holds\r\n✓ MUST  all\v\f\b\x00\x7f",
	"newline":   "x\n✓ MUST  everything holds\n\n999 passed, 0 failed in 0.1 s\nEverything that was judged holds.",
	"bidi":      "\u202eabc\u202c \u2066x\u2069 \u200e\u200f\u061c",
	"invisible": "a\u200bb\u200dc\ufeffd\u00ade\u2028f\u2029g\u3164h\ufe0fi\U000e0041",
	"bytes":     "caf\xe9 \xff\xc0\x80\xed\xa0\x80",
	"marks":     "a" + strings.Repeat("\u0301", 50),
	"long":      strings.Repeat("0123456789", 1024),
	"blank":     strings.Repeat(" ", 10240),
	"command":   "::error::owned",
	"commands":  "x::error::y::warning file=a::b ##[error]c ##vso[task.complete]d ##teamcity[x]" + strings.Repeat("z", 87) + "::stop-commands::t",
}

func TestForgery(t *testing.T) {
	for name, attack := range attacks {
		for _, o := range []report.TextOptions{{}, {Width: 60}, {Detail: report.Full}, {Detail: report.Brief}} {
			got := text(t, forged(attack), o)
			t.Run(name, func(t *testing.T) { harmless(t, got) })
		}
		var b bytes.Buffer
		if err := report.JSON(&b, forged(attack)); err != nil {
			t.Fatal(err)
		}
		t.Run(name+"-json", func(t *testing.T) { harmless(t, b.String()) })
	}
}

// obeyed is a line that GitHub or Azure takes for a command.
var obeyed = regexp.MustCompile(`(?i)^ *::[a-z-]{4,}( .*)?::|##(vso)?\[`)

func harmless(t *testing.T, got string) {
	t.Helper()
	if !utf8.ValidString(got) {
		t.Error("the output is not UTF-8")
	}
	for _, r := range got {
		if r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r)) {
			t.Fatalf("%U came through", r)
		}
	}
	for line := range strings.SplitSeq(got, "\n") {
		switch {
		case obeyed.MatchString(line):
			t.Errorf("a CI service obeys %q", line)
		case strings.HasPrefix(line, "✓ MUST  everything"), strings.HasPrefix(line, "✓ MUST  all"), strings.HasPrefix(line, "Everything"), strings.HasPrefix(line, "999"):
			t.Errorf("a verdict was forged: %q", line)
		}
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestWritersReturnTheError(t *testing.T) {
	if err := report.Text(full{}, passing(), report.TextOptions{}); err == nil {
		t.Error("Text: no error")
	}
	if err := report.JSON(full{}, passing()); err == nil {
		t.Error("JSON: no error")
	}
}
