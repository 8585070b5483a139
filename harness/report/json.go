package report

import (
	_ "embed" // the schema
	"encoding/json"
	"fmt"
	"io"
	"math"
	"time"

	"ipckit/harness/claim"
)

// ResultFormat is the version of the JSON that this package writes.
const ResultFormat = "ipckit/result/v1"

// ResultSchema describes what [JSON] writes (JSON Schema, draft 2020-12).
//
//go:embed result.schema.json
var ResultSchema []byte

// The shape of the JSON. The schema beside it and its tests keep it.
type (
	jsonResult struct {
		Format      string                      `json:"format"`
		Kit         claim.Kit                   `json:"kit"`
		Environment claim.Environment           `json:"environment"`
		Subjects    []claim.Subject             `json:"subjects"`
		Verdicts    []jsonVerdict               `json:"verdicts"`
		Summary     map[claim.Level]jsonSummary `json:"summary"`
		Strict      bool                        `json:"strict"`
		Recordings  string                      `json:"recordings,omitempty"`
		ExitCode    int                         `json:"exit_code"`
		Started     string                      `json:"started"`
		WallMS      float64                     `json:"wall_ms"`
		CPUMS       float64                     `json:"cpu_ms"`
	}
	jsonVerdict struct {
		claim.Verdict
		Source  string `json:"source,omitempty"`
		Erratum string `json:"erratum,omitempty"`
	}
	jsonSummary struct {
		Pass      int `json:"pass"`
		Fail      int `json:"fail"`
		Skip      int `json:"skip"`
		NotJudged int `json:"not_judged"`
		Flaky     int `json:"flaky"`
		Broken    int `json:"broken"`
	}
)

// JSON writes the result for programs, as ResultSchema describes it. Foreign
// strings are written as [Safe] shows them: JSON could not carry all their bytes,
// and its readers print them.
func JSON(w io.Writer, result *claim.Result) error {
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	out.SetIndent("", "  ")
	if err := out.Encode(toJSON(clean(result))); err != nil {
		return fmt.Errorf("write result: %w", err)
	}
	return nil
}

func toJSON(r *claim.Result) jsonResult {
	verdicts := make([]jsonVerdict, len(r.Verdicts))
	for i, v := range r.Verdicts {
		verdicts[i] = verdictJSON(v, r.Claims[v.Claim], v.Claim)
	}
	return jsonResult{
		Format: ResultFormat, Kit: r.Kit, Environment: r.Environment, Subjects: r.Subjects,
		Verdicts: verdicts, Summary: summaryJSON(r.Summary()),
		Strict: r.Strict, Recordings: r.Recordings, ExitCode: r.ExitCode(),
		Started: r.Started.Format(time.RFC3339Nano), WallMS: milliseconds(r.Wall), CPUMS: milliseconds(r.CPU),
	}
}

func verdictJSON(v claim.Verdict, c claim.Claim, id claim.ID) jsonVerdict {
	if v.DurationMS == 0 {
		v.DurationMS = milliseconds(v.Duration)
	}
	j := jsonVerdict{Verdict: v, Erratum: c.Erratum}
	if c.ID == id {
		j.Source = c.Source.String()
	}
	return j
}

func summaryJSON(sum map[claim.Level]claim.Counts) map[claim.Level]jsonSummary {
	out := map[claim.Level]jsonSummary{}
	for level, n := range sum {
		out[level] = jsonSummary{
			Pass: n[claim.Pass], Fail: n[claim.Fail], Skip: n[claim.Skip],
			NotJudged: n[claim.NotJudged], Flaky: n[claim.Flaky], Broken: n[claim.Broken],
		}
	}
	return out
}

// milliseconds returns d in ms, to the microsecond.
func milliseconds(d time.Duration) float64 {
	return math.Round(float64(d)/float64(time.Microsecond)) / 1000
}
