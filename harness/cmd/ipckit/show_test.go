package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// recorded records the quick scenario and returns the file.
func recorded(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	if code, _, stderr := call(t, "record", "--claims", quick, "-o", folder); code != 0 {
		t.Fatalf("code %d, standard error %q", code, stderr)
	}
	return filepath.Join(folder, "no-server.jsonl")
}

func TestShow(t *testing.T) {
	t.Parallel()
	path := recorded(t)
	code, stdout, stderr := call(t, "show", path)
	if code != 0 || stderr != "" || !strings.Contains(stdout, "connect(") {
		t.Errorf("code %d, standard error %q, standard output\n%s", code, stderr, stdout)
	}
	code, judged, stderr := call(t, "show", path, "--claim", quick)
	if code != 0 || stderr != "" || !strings.HasPrefix(judged, "pass        MUST  ") || !strings.Contains(judged, "\n> ") {
		t.Errorf("code %d, standard error %q, standard output\n%s", code, stderr, judged)
	}
	code, _, stderr = call(t, "show", path, "--claim", "wait.zombie-prevention")
	if code != 2 {
		t.Errorf("code %d", code)
	}
	oneLine(t, stderr, `is judged on recordings of [graceful-shutdown], this is one of "no-server"`)
}

// TestShowDamaged: what could be read is shown, and does not pass for the whole.
func TestShowDamaged(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(recorded(t))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(text), "\n")
	path := file(t, "cut.jsonl", strings.Join(lines[:len(lines)-2], ""), 0o644)
	code, stdout, stderr := call(t, "show", path)
	if code != 3 || !strings.Contains(stdout, "connect(") {
		t.Errorf("code %d, standard output\n%s", code, stdout)
	}
	oneLine(t, stderr, "truncated recording")
	code, stdout, stderr = call(t, "show", path, "--claim", quick)
	if code != 3 || strings.Contains(stdout, "pass") {
		t.Errorf("code %d, standard output\n%s", code, stdout)
	}
	oneLine(t, stderr, "truncated recording")
}

func TestShowMistakes(t *testing.T) {
	for _, test := range []struct{ argument, part string }{
		{"/none.jsonl", "no such file"}, {t.TempDir(), "is a directory"}, {file(t, "x", "{}\n", 0o644), "not a recording"}, {file(t, "x", "", 0o644), "not a recording"},
	} {
		code, stdout, stderr := call(t, "show", test.argument)
		if code != 2 || stdout != "" {
			t.Errorf("%s: code %d, standard output %q", test.argument, code, stdout)
		}
		oneLine(t, stderr, test.part)
	}
}
