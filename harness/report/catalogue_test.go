package report_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"ipckit/harness/claim"
	"ipckit/harness/report"
)

func listed() []claim.Claim {
	all := catalogue()
	return []claim.Claim{all["socket.sequence.four-steps"], all["wait.zombie-prevention"], all["signal.terminal.ctrl-c"], all["server.echo.exact"]}
}

func TestClaimsTextIsOneLineForEachClaim(t *testing.T) {
	var b bytes.Buffer
	if err := report.ClaimsText(&b, listed(), report.TextOptions{}); err != nil {
		t.Fatal(err)
	}
	want := `socket
  MUST    socket.sequence.four-steps  socket, bind, listen, accept, in this order

wait
  MUST    wait.zombie-prevention      the parent waits for its child

signal
  FACT    signal.terminal.ctrl-c      Ctrl+C makes the terminal send SIGINT (2) to the foreground group

server
  SHOULD  server.echo.exact           the echo is exactly what was sent
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

func TestClaimsTextKeepsTheWidth(t *testing.T) {
	var b bytes.Buffer
	if err := report.ClaimsText(&b, listed(), report.TextOptions{Width: 70}); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(b.String()) {
		if len(strings.TrimRight(line, "\n")) > 70 {
			t.Errorf("%d columns: %q", len(line), line)
		}
	}
}

func TestClaimsJSON(t *testing.T) {
	var b bytes.Buffer
	if err := report.ClaimsJSON(&b, listed()); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "null") {
		t.Errorf("a list is null:\n%s", b.String())
	}
	var back []claim.Claim
	if err := json.Unmarshal(b.Bytes(), &back); err != nil || len(back) != 4 || back[1].ID != "wait.zombie-prevention" {
		t.Errorf("read back %v, %v", back, err)
	}
}

func TestClaimsMarkdownHasFourCellsInEachRow(t *testing.T) {
	awkward := claim.Claim{ID: "a.b", Level: claim.May, Text: "one | two\nthree *four* <b>"}
	var b bytes.Buffer
	if err := report.ClaimsMarkdown(&b, []claim.Claim{awkward}); err != nil {
		t.Fatal(err)
	}
	want := "| MAY | `a.b` | one \\| two three \\*four\\* &lt;b> | beyond the article |"
	if lines := strings.Split(b.String(), "\n"); len(lines) != 4 || lines[2] != want {
		t.Errorf("got\n%s\nwant the row\n%s", b.String(), want)
	}
}

func TestExplain(t *testing.T) {
	e := report.Explanation{Claim: catalogue()["wait.zombie-prevention"], Did: []string{"ran it"}, NeededBy: []claim.ID{"shutdown.exit-zero"}}
	var b bytes.Buffer
	if err := report.Explain(&b, e, report.TextOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{
		"MUST  the parent waits for its child", "wait.zombie-prevention", "holds     The parent collects", `article, "The graceful shutdown"`,
		"why       an ended child", "usually   kill()", "the kit   ran it", "wait(2), section NOTES", "needed by shutdown.exit-zero",
	} {
		if !strings.Contains(b.String(), part) {
			t.Errorf("no %q in\n%s", part, b.String())
		}
	}
	if strings.Contains(b.String(), "erratum") {
		t.Errorf("an erratum where the article does not err:\n%s", b.String())
	}
}
