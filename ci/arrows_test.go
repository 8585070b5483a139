// Package ci_test keeps the shape of the repository: who may import whom, what
// lies at the top, and what every package says of itself.
package ci_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "ipckit/"

// Modules of others that more than one rule names.
const (
	xsys   = "golang.org/x/sys/..."
	gomega = "github.com/onsi/gomega/..."
)

// A rule says what else than the standard library a package may import. An entry
// is a path, one of ours without the module's name; "..." at its end takes
// whatever lies below as well. The reason is why it may import nothing else.
type rule struct {
	pkg    string
	may    []string
	reason string
}

// everything lets a package import what it likes.
const everything = "*"

// rules are the arrows of the flow
//
//	subject -> sandbox -> recorder -> recording -> specs -> verdicts -> reports
//
// The rule of a package is the first one that fits it. A package without one
// fails.
var rules = []rule{
	{"harness/recording/gen", []string{xsys}, "it prints the kernel's names once, so that the recording itself need not ask the kernel"},
	{"harness/recording", nil, "a recording is data: it must be readable anywhere, by any program, without the kit that made it"},
	{"harness/claim", nil, "claims and verdicts are data: whoever reads a result must not need what judged it"},
	{"harness/subject", nil, "a program can be looked at before anything of ours has run"},
	{"harness/scenario", []string{"harness/subject", "harness/recording"},
		"a script says what is done to a program; it must not know how a cage is built or how the program is watched"},
	{"harness/sandbox", []string{"harness/subject", "harness/internal/...", xsys, "github.com/creack/pty"},
		"a cage knows no claim, no script and no recording: what runs in it is not its business"},
	{"harness/recorder", []string{"harness/sandbox", "harness/scenario", "harness/recording", "harness/subject", "harness/internal/...", xsys},
		"the recorder says what was seen; if it knew the claims, it could see what they want"},
	{"harness/match", []string{"harness/recording", gomega},
		"a matcher is a pure function of a recording: no process, no clock, no verdict"},
	{"harness/judge", []string{"harness/claim", "harness/scenario", "harness/recording", "harness/recorder", "harness/subject", gomega},
		"the judge asks for recordings and hears checks; it must judge a stored recording as well, so it touches neither the kernel nor a cage, and writes no report"},
	{"harness/report", []string{"harness/claim", "harness/recording", "charm.land/lipgloss/v2/..."},
		"a report is a pure function of a result and its recordings; it must not run or judge anything"},
	{"harness/front", []string{"harness/judge", "harness/recorder", "harness/subject", "harness/claim", "fixtures/probes"},
		"it is what both front doors share, so it knows neither of them, no single claim and no report"},
	{"harness/cmd/ipckit", []string{everything}, ""},
	{"harness/internal/...", []string{"harness/internal/...", xsys, "golang.org/x/net/bpf", "github.com/mdlayher/netlink/..."},
		"raw kernel access must not know what it is used for"},
	{"specs", []string{"harness/claim", "harness/scenario", "harness/recording", "harness/match", "harness/judge", gomega},
		"specs say WHAT must hold: they never see a cage, the recorder or a report, and run without Ginkgo too"},
	{"reference/...", []string{"reference/...", xsys},
		"the reference programs are programs under test and models to read: they know nothing of the kit"},
	{"fixtures", nil, "a fixture must not pass because the kit helped it"},
	{"fixtures/probes", nil, "a probe shows what the kernel does, not what the kit thinks of it"},
}

// awaited are packages that have a rule before they exist.
var awaited = []string{"harness/match"}

// fits reports whether a path is the one that a pattern names, or below it.
func fits(pattern, path string) bool {
	if below, all := strings.CutSuffix(pattern, "/..."); all {
		return path == below || strings.HasPrefix(path, below+"/")
	}
	return path == pattern
}

func ruleOf(pkg string) *rule {
	i := slices.IndexFunc(rules, func(r rule) bool { return fits(r.pkg, pkg) })
	if i < 0 {
		return nil
	}
	return &rules[i]
}

// forbidden returns why a package, named without the module, must not import a
// path, named as in the source; "" if it may.
func forbidden(pkg, path string) string {
	r := ruleOf(pkg)
	if r == nil {
		return pkg + " has no rule in ci/arrows_test.go: write down what it may import, and why no more"
	}
	ours, isOurs := strings.CutPrefix(path, module)
	if isOurs && ours == "specs" && pkg != "harness/cmd/ipckit" {
		return pkg + " imports specs: the catalogue is handed to the harness, so that other catalogues can be judged too"
	}
	if first, _, _ := strings.Cut(path, "/"); !isOurs && !strings.Contains(first, ".") {
		return "" // the standard library
	}
	for _, may := range r.may {
		if may == everything || fits(may, ours) {
			return ""
		}
	}
	return fmt.Sprintf("%s imports %s: %s", pkg, path, r.reason)
}

func TestArrows(t *testing.T) {
	for _, p := range packages(t) {
		for _, path := range p.imports() {
			if why := forbidden(p.path, path); why != "" {
				t.Error(why)
			}
		}
	}
}

func TestNoRuleIsStale(t *testing.T) {
	used := map[*rule]bool{}
	for _, p := range packages(t) {
		used[ruleOf(p.path)] = true
	}
	for i := range rules {
		r := &rules[i]
		if !used[r] && !slices.Contains(awaited, r.pkg) {
			t.Errorf("there is no package %s any more, but a rule for it", r.pkg)
		}
		if r.reason == "" && !slices.Contains(r.may, everything) {
			t.Errorf("the rule for %s has no reason", r.pkg)
		}
	}
}

// A bad import must fail, else the green test above says nothing.
func TestBadImportsAreForbidden(t *testing.T) {
	tests := []struct{ pkg, path, want string }{
		{"harness/recording", "encoding/json", ""},
		{"harness/recording", "golang.org/x/sys/unix", "must be readable anywhere"},
		{"harness/recording/gen", "golang.org/x/sys/unix", ""},
		{"harness/recording", "ipckit/harness/claim", "must be readable anywhere"},
		{"harness/claim", "ipckit/harness/recording", "are data"},
		{"harness/subject", "ipckit/harness/sandbox", "before anything of ours has run"},
		{"harness/scenario", "ipckit/harness/subject", ""},
		{"harness/scenario", "ipckit/harness/recorder", "must not know how a cage is built"},
		{"harness/sandbox", "ipckit/harness/internal/seccomp", ""},
		{"harness/sandbox", "ipckit/harness/recording", "not its business"},
		{"harness/sandbox", "golang.org/x/system", "not its business"},
		{"harness/recorder", "ipckit/harness/claim", "could see what they want"},
		{"harness/match", "ipckit/harness/recorder", "pure function of a recording"},
		{"harness/judge", "ipckit/harness/sandbox", "neither the kernel nor a cage"},
		{"harness/judge", "golang.org/x/sys/unix", "neither the kernel nor a cage"},
		{"harness/judge", "ipckit/specs", "handed to the harness"},
		{"harness/report", "ipckit/harness/judge", "must not run or judge"},
		{"harness/report", "charm.land/lipgloss/v2", ""},
		{"harness/report", "charm.land/lipgloss/v2/table", ""},
		{"harness/front", "ipckit/specs", "handed to the harness"},
		{"harness/front", "ipckit/fixtures", "no single claim"},
		{"harness/cmd/ipckit", "ipckit/specs", ""},
		{"harness/cmd/ipckit", "github.com/spf13/cobra", ""},
		{"harness/internal/ptrace", "ipckit/harness/recording", "must not know what it is used for"},
		{"specs", "ipckit/harness/judge", ""},
		{"specs", "github.com/onsi/ginkgo/v2", "without Ginkgo too"},
		{"specs", "ipckit/harness/sandbox", "never see a cage"},
		{"reference/server", "ipckit/reference/sock", ""},
		{"reference/server", "ipckit/harness/subject", "know nothing of the kit"},
		{"fixtures", "ipckit/harness/subject", "because the kit helped"},
		{"fixtures/probes", "ipckit/fixtures", "what the kernel does"},
		{"harness/newcomer", "fmt", "has no rule"},
	}
	for _, test := range tests {
		t.Run(test.pkg+" imports "+test.path, func(t *testing.T) {
			got := forbidden(test.pkg, test.path)
			if (got == "") != (test.want == "") || !strings.Contains(got, test.want) {
				t.Errorf("it is said: %q; want %q in it", got, test.want)
			}
		})
	}
}

func TestEveryPackageHasAComment(t *testing.T) {
	for _, p := range packages(t) {
		said := slices.ContainsFunc(slices.Collect(maps.Values(p.files)), func(f *ast.File) bool {
			return strings.TrimSpace(f.Doc.Text()) != ""
		})
		if !said {
			t.Errorf("%s has no package comment", p.path)
		}
	}
}

// top is what may lie at the top, besides files whose name begins with a dot.
var top = []string{
	"specs/", "fixtures/", "harness/", "reference/", "ci/",
	"go.mod", "go.sum", "Makefile", "README.md", "LICENSE", "CHANGELOG.md", "SECURITY.md",
}

// made are folders at the top that tools make and git ignores.
var made = []string{"bin/", "dist/"}

func TestTheTopIsWhatItWas(t *testing.T) {
	entries, err := os.ReadDir(root(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		name := e.Name()
		if e.IsDir() {
			name += "/"
		}
		if !strings.HasPrefix(name, ".") && !slices.Contains(top, name) && !slices.Contains(made, name) {
			t.Errorf("%s has no place at the top: a reader must see there only where to begin", name)
		}
	}
}

// marks are put together here, so that this file holds none.
var marks = regexp.MustCompile(`\b(` + "TO" + `DO|` + "FIX" + `ME|` + "XX" + `X)\b`)

func TestNothingIsLeftForLater(t *testing.T) {
	sources := []string{".go", ".c", ".h", ".py", ".sh"}
	walk(t, func(path string) {
		if !slices.Contains(sources, filepath.Ext(path)) {
			return
		}
		text, err := os.ReadFile(filepath.Join(root(t), path))
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(text), "\n") {
			if mark := marks.FindString(line); mark != "" {
				t.Errorf("%s:%d: %s: do it, or file it as an issue", path, i+1, mark)
			}
		}
	})
}

// pack is a folder with Go files that are not tests, those for other machines
// included.
type pack struct {
	path  string // below the module
	files map[string]*ast.File
}

func (p pack) imports() []string {
	paths := map[string]bool{}
	for _, file := range p.files {
		for _, spec := range file.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				panic(err) // the parser takes string literals only
			}
			paths[path] = true
		}
	}
	return slices.Sorted(maps.Keys(paths))
}

func packages(t *testing.T) []pack {
	t.Helper()
	found := map[string]pack{}
	walk(t, func(path string) {
		if filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") || strings.Contains(path, "testdata/") {
			return
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root(t), path), nil, parser.ImportsOnly|parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		dir := filepath.Dir(path)
		if _, known := found[dir]; !known {
			found[dir] = pack{path: dir, files: map[string]*ast.File{}}
		}
		found[dir].files[path] = file
	})
	if len(found) < 20 {
		t.Fatalf("only %d packages were found below %s", len(found), root(t))
	}
	var packs []pack
	for _, dir := range slices.Sorted(maps.Keys(found)) {
		packs = append(packs, found[dir])
	}
	return packs
}

// root is the folder of go.mod.
func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "go.mod")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// walk calls do with each file's path below the root, except what lies in a
// folder that begins with a dot or is made by a tool.
func walk(t *testing.T, do func(path string)) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(root(t)), ".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != "." && (strings.HasPrefix(d.Name(), ".") || slices.Contains(made, path+"/")):
			return fs.SkipDir
		case d.Type().IsRegular():
			do(path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
