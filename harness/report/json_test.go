package report_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"ipckit/harness/claim"
	"ipckit/harness/report"
)

func asJSON(t *testing.T, r *claim.Result) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := report.JSON(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func schema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(report.ResultSchema))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("result.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("result.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func valid(t *testing.T, s *jsonschema.Schema, text []byte) error {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(doc)
}

func TestJSONFollowsTheSchema(t *testing.T) {
	s := schema(t)
	for _, sample := range samples {
		if err := valid(t, s, asJSON(t, sample.result())); err != nil {
			t.Errorf("%s: %v", sample.name, err)
		}
	}
	for name, attack := range attacks {
		if err := valid(t, s, asJSON(t, forged(attack))); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := valid(t, s, asJSON(t, &claim.Result{})); err != nil {
		t.Errorf("zero result: %v", err)
	}
}

// A schema that takes everything would prove nothing.
func TestSchemaRefuses(t *testing.T) {
	s := schema(t)
	text := string(asJSON(t, failing()))
	for _, c := range []struct{ name, old, new string }{
		{"unknown outcome", `"outcome": "fail"`, `"outcome": "failed"`},
		{"unknown key", `"outcome": "fail"`, `"outcome": "fail", "surprise": 1`},
		{"missing key", `"exit_code": 1,`, ``},
		{"wrong format", `"ipckit/result/v1"`, `"ipckit/result/v2"`},
		{"wrong date", `"2026-03-01T12:00:00Z"`, `"yesterday"`},
		{"Go's spelling of a count", `"not_judged": 0`, `"not-judged": 0`},
		{"argv null", `"argv": [`, `"argv": null, "x": [`},
	} {
		changed := strings.Replace(text, c.old, c.new, 1)
		if changed == text {
			t.Fatalf("%s: the sample has no %s", c.name, c.old)
		}
		if valid(t, s, []byte(changed)) == nil {
			t.Errorf("%s: accepted", c.name)
		}
	}
}

func TestJSONGolden(t *testing.T) { golden(t, "failing.json", string(asJSON(t, failing()))) }

// All three tell the same numbers: Summary, JSON and text.
func TestCountsAgree(t *testing.T) {
	for _, sample := range samples {
		r := sample.result()
		var got struct {
			Summary map[claim.Level]map[string]int `json:"summary"`
			Exit    int                            `json:"exit_code"`
		}
		if err := json.Unmarshal(asJSON(t, r), &got); err != nil {
			t.Fatal(err)
		}
		want, total := map[claim.Level]map[string]int{}, claim.Counts{}
		for level, counts := range r.Summary() {
			want[level] = map[string]int{}
			for o, n := range counts {
				want[level][strings.ReplaceAll(string(o), "-", "_")] = n
				total[o] += n
			}
		}
		if diff := cmp.Diff(want, got.Summary); diff != "" || got.Exit != r.ExitCode() {
			t.Errorf("%s: exit code %d, want %d; summary (-want +got):\n%s", sample.name, got.Exit, r.ExitCode(), diff)
		}
		checkTextCounts(t, sample.name, r, total)
	}
}

func checkTextCounts(t *testing.T, name string, r *claim.Result, total claim.Counts) {
	t.Helper()
	missed := r.Summary()[claim.Should][claim.Fail]
	if r.Strict {
		missed = 0
	}
	out := text(t, r, report.TextOptions{Width: 200})
	want := []string{fmt.Sprintf("%d passed, %d failed", total[claim.Pass], total[claim.Fail]-missed)}
	for n, words := range map[int]string{
		missed: "not met (SHOULD)", total[claim.Skip]: "skipped", total[claim.NotJudged]: "not judged",
		total[claim.Flaky]: "flaky", total[claim.Broken]: "broken",
	} {
		if n > 0 {
			want = append(want, fmt.Sprintf(", %d %s", n, words))
		}
	}
	for _, w := range want {
		if !strings.Contains(out, w) {
			t.Errorf("%s: the text does not say %q", name, w)
		}
	}
}
