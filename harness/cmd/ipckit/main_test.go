package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ipckit/harness/sandbox"
	"ipckit/reference"
)

// TestMain gives the test binary the lives of the kit's own: those inside of
// cages, and the command line itself, for tests that need a process of it.
func TestMain(m *testing.M) {
	sandbox.MaybeChild(reference.Programs)
	if filepath.Base(os.Args[0]) == "ipckit" {
		main()
	}
	os.Exit(m.Run())
}

// call runs the command line in this process.
func call(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, problems bytes.Buffer
	code = run(t.Context(), args, strings.NewReader(""), &out, &problems)
	return code, out.String(), problems.String()
}

// process is the command line as a process of its own, not yet started.
func process(t *testing.T, args ...string) (cmd *exec.Cmd, stdout, stderr *bytes.Buffer) {
	t.Helper()
	stdout, stderr = &bytes.Buffer{}, &bytes.Buffer{}
	cmd = exec.CommandContext(t.Context(), "/proc/self/exe", args...)
	cmd.Args[0], cmd.Stdout, cmd.Stderr = "ipckit", stdout, stderr
	return cmd, stdout, stderr
}

// oneLine demands a single line of the kit's that holds the text.
func oneLine(t *testing.T, stderr, part string) {
	t.Helper()
	if strings.Count(stderr, "\n") != 1 || !strings.HasPrefix(stderr, "ipckit: ") || !strings.HasSuffix(stderr, "\n") {
		t.Errorf("standard error is not one line of ipckit's: %q", stderr)
	}
	if !strings.Contains(stderr, part) {
		t.Errorf("standard error lacks %q: %q", part, stderr)
	}
}

// file makes a file in a fresh folder.
func file(t *testing.T, name, content string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
	return path
}

// otherArchitecture makes a copy of a program that claims to be for a machine
// that does not exist: e_machine is at byte 18 of an ELF file (elf(5)).
func otherArchitecture(t *testing.T) string {
	t.Helper()
	image, err := os.ReadFile("/bin/sh")
	if err != nil {
		t.Fatal(err)
	}
	image[18] ^= 0x40
	return file(t, "a.out", string(image), 0o755)
}

func TestMistakesAreOneLineAndCode2(t *testing.T) {
	folder := t.TempDir()
	aFile := file(t, "file", "", 0o644)
	for name, test := range map[string]struct {
		args []string
		part string
	}{
		"no command":           {nil, "no command given"},
		"unknown command":      {[]string{"rnu"}, `unknown command "rnu": did you mean run?; see ipckit --help`},
		"unknown help":         {[]string{"help", "rnu"}, "did you mean run?"},
		"unknown flag":         {[]string{"run", "--sever", "x"}, "unknown flag: --sever: did you mean --server?; see ipckit run --help"},
		"unknown root flag":    {[]string{"--strict"}, "unknown flag: --strict"},
		"one dash":             {[]string{"run", "-server", "x"}, "unknown flag -server: it has two dashes, --server"},
		"flag without a value": {[]string{"run", "--server"}, "--server"},
		"program as argument":  {[]string{"run", "./server"}, `unexpected argument "./server": programs are given by --server`},
		"unknown claim":        {[]string{"run", "--claims", "wait.nothing"}, `nothing is called "wait.nothing"`},
		"unknown topic":        {[]string{"run", "--topic", "nothing"}, `nothing is called "nothing"`},
		"unknown level":        {[]string{"run", "--level", "maybe"}, `unknown level "maybe"`},
		"nothing left":         {[]string{"run", "--level", "fact", "--topic", "client"}, "no claim is left"},
		"nothing for program":  {[]string{"run", "--server", "./server", "--claims", "wait.zombie-prevention"}, "no claim is left"},
		"bad jobs":             {[]string{"run", "--jobs", "many"}, "--jobs"},
		"negative jobs":        {[]string{"run", "--jobs", "-1"}, "--jobs -1"},
		"bad scale":            {[]string{"run", "--timeout-scale", "0"}, "--timeout-scale 0"},
		"bad isolation":        {[]string{"run", "--isolation", "docker"}, `--isolation "docker"`},
		"bad environment":      {[]string{"run", "--env", "X"}, `--env "X"`},
		"keep in a file":       {[]string{"run", "--keep", aFile}, "--keep"},
		"report without file":  {[]string{"run", "--report", "json"}, "use FORMAT=FILE"},
		"report format":        {[]string{"run", "--report", "xml=x"}, `unknown format "xml"`},
		"report nowhere":       {[]string{"run", "--report", "json=" + folder + "/none/x.json"}, "there is no folder"},
		"report on a folder":   {[]string{"run", "--report", "json=" + folder}, "is a directory"},
		"two on stdout":        {[]string{"run", "--report", "json=-", "--report", "text=/dev/stdout"}, "two reports"},
		"missing program":      {[]string{"run", "--server", folder + "/none"}, "no such file"},
		"path through a file":  {[]string{"run", "--server", aFile + "/server"}, "no such file"},
		"folder as program":    {[]string{"run", "--client", folder}, "is a directory"},
		"unreadable":           {[]string{"run", "--server", file(t, "closed", "#!/bin/sh\n", 0)}, "ipckit: server "},
		"not executable":       {[]string{"run", "--shutdown", file(t, "script", "#!/bin/sh\n", 0o644)}, "not executable"},
		"wrong architecture":   {[]string{"run", "--server", otherArchitecture(t)}, "wrong architecture"},
		"arguments alone":      {[]string{"run", "--server", "/bin/sh", "--client-args", "x"}, "--client-args without --client"},
		"hostile name":         {[]string{"run", "--server", "a\nb\x1b[31m"}, "ipckit: server "},
		"record nowhere":       {[]string{"record"}, "give one with -o"},
		"claims format":        {[]string{"claims", "--format", "yaml"}, `--format "yaml"`},
		"claims of nothing":    {[]string{"claims", "--claims", "x"}, "nothing is called"},
		"explain nothing":      {[]string{"explain"}, "takes one claim"},
		"explain unknown":      {[]string{"explain", "wait.zombie-preventoin"}, "did you mean wait.zombie-prevention?"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			code, stdout, stderr := call(t, test.args...)
			if took := time.Since(began); took > 2*time.Second {
				t.Errorf("found after %v", took)
			}
			if code != 2 || stdout != "" {
				t.Errorf("code %d, standard output %q", code, stdout)
			}
			oneLine(t, stderr, test.part)
		})
	}
}

// TestMistakesComeBeforeReports: a call that cannot succeed leaves nothing
// behind, not even a temporary file.
func TestMistakesComeBeforeReports(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	code, _, stderr := call(t, "run", "--server", folder+"/none", "--report", "json="+folder+"/result.json")
	if code != 2 {
		t.Errorf("code %d", code)
	}
	oneLine(t, stderr, "no such file")
	if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestHelpIsGrouped(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"run", "--help"}, {"help", "run"}} {
		code, stdout, stderr := call(t, args...)
		if code != 0 || stderr != "" {
			t.Errorf("code %d, standard error %q", code, stderr)
		}
		at := 0
		for _, part := range []string{"Usage:\n  ipckit run", "Programs", "--server program", "Choice", "--claims globs", "How", "--strict", "Reports", "--report FORMAT=FILE", "Examples"} {
			next := strings.Index(stdout[at:], part)
			if next < 0 {
				t.Fatalf("%v: no %q after byte %d of\n%s", args, part, at, stdout)
			}
			at += next
		}
	}
}

func TestCatalogue(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args  []string
		parts []string
	}{
		{[]string{"claims", "--topic", "wait"}, []string{"wait\n", "MUST    wait.zombie-prevention"}},
		{[]string{"claims", "--format", "json", "--level", "MUST"}, []string{`"id": "wait.zombie-prevention"`}},
		{[]string{"claims", "--format", "markdown"}, []string{"| MUST | `wait.zombie-prevention` |"}},
		{[]string{"explain", "wait.zombie-prevention"}, []string{"MUST  the parent waits for its child", "the kit   ran the shutdown program", "read      wait(2)"}},
		{[]string{"version"}, []string{"ipckit ", "go         go1.", "catalogue  sha256:", "kernel ", "arch "}},
	} {
		code, stdout, stderr := call(t, test.args...)
		if code != 0 || stderr != "" {
			t.Errorf("%v: code %d, standard error %q", test.args, code, stderr)
		}
		for _, part := range test.parts {
			if !strings.Contains(stdout, part) {
				t.Errorf("%v: no %q in\n%s", test.args, part, stdout)
			}
		}
	}
}
