package front_test

import (
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ipckit/harness/claim"
	"ipckit/harness/front"
	"ipckit/harness/judge"
	"ipckit/harness/subject"
)

// parsed returns the flags as a user gives them.
func parsed(t *testing.T, args ...string) *front.Flags {
	t.Helper()
	var f front.Flags
	set := flag.NewFlagSet("test", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	f.Register(set)
	if err := set.Parse(args); err != nil {
		t.Fatal(err)
	}
	return &f
}

// TestFlagNames keeps the names: scripts and both front doors depend on them.
func TestFlagNames(t *testing.T) {
	want := []string{
		"claims", "client", "client-args", "env", "isolation", "jobs", "keep", "level", "seed", "server", "server-args",
		"shutdown", "shutdown-args", "strict", "timeout-scale", "topic",
	}
	var f front.Flags
	set := flag.NewFlagSet("test", flag.ContinueOnError)
	f.Register(set)
	var got []string
	set.VisitAll(func(one *flag.Flag) {
		got = append(got, one.Name)
		if value, usage := flag.UnquoteUsage(one); usage == "" || value == "value" {
			t.Errorf("--%s has no help, or its value no name", one.Name)
		}
	})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// mistake demands that err is the user's, in one line, and says those words.
func mistake(t *testing.T, err error, words ...string) {
	t.Helper()
	var usage *front.UsageError
	if !errors.As(err, &usage) {
		t.Fatalf("%v, want a mistake of the user's", err)
	}
	for _, w := range words {
		if !strings.Contains(usage.Text, w) {
			t.Errorf("%q does not say %q", usage.Text, w)
		}
	}
	if strings.Contains(usage.Text, "\n") {
		t.Errorf("%q has several lines", usage.Text)
	}
}

func TestCheckFindsMistakes(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct{ name, args, says string }{
		{"negative jobs", "--jobs=-1", "--jobs -1"},
		{"no time", "--timeout-scale=0", "--timeout-scale 0"},
		{"negative time", "--timeout-scale=-2", "--timeout-scale -2"},
		{"time without end", "--timeout-scale=1001", "at most 1000"},
		{"no number", "--timeout-scale=NaN", "--timeout-scale NaN"},
		{"unknown rung", "--isolation=docker", `"docker"`},
		{"variable without a value", "--env=NAME", `"NAME"`},
		{"variable without a name", "--env==value", `"=value"`},
		{"keep in a file", "--keep=" + file, "--keep"},
		{"keep below a file", "--keep=" + file + "/below", "--keep"},
	} {
		t.Run(row.name, func(t *testing.T) { mistake(t, parsed(t, row.args).Check(), row.says) })
	}
}

func TestCheckAcceptsWhatIsRight(t *testing.T) {
	if err := parsed(t).Check(); err != nil {
		t.Errorf("no flags: %v", err)
	}
	folder := filepath.Join(t.TempDir(), "a", "new one")
	all := parsed(t, "--jobs=3", "--timeout-scale=0.5", "--isolation=none", "--env=A=", "--env=B=x=y", "--keep="+folder)
	if err := all.Check(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
		t.Errorf("the folder for recordings: %v, %v", left, err)
	}
}

func TestKeepWithoutPermission(t *testing.T) {
	folder := t.TempDir()
	if err := os.Chmod(folder, 0o500); err != nil {
		t.Fatal(err)
	}
	if trial, err := os.CreateTemp(folder, ""); err == nil {
		trial.Close()
		t.Skip("permissions do not stop this user")
	}
	mistake(t, parsed(t, "--keep", folder).Check(), "--keep", "permission denied")
}

// catalogue has a claim of each kind.
func catalogue() []judge.Spec {
	spec := func(id claim.ID, level claim.Level, role claim.Role) judge.Spec {
		return judge.Spec{Claim: claim.Claim{ID: id, Level: level, Role: role}}
	}
	return []judge.Spec{
		spec("socket.accept", claim.Must, claim.Server), spec("socket.backlog", claim.Should, claim.Server), spec("server.way", claim.May, claim.Server),
		spec("client.exits", claim.Must, claim.Client), spec("wait.zombie", claim.Must, claim.Shutdown), spec("pair.talk", claim.Must, claim.Pair),
		spec("socket.full", claim.Fact, claim.Kernel), spec("signal.kill", claim.Fact, claim.Kernel),
	}
}

func ids(specs []judge.Spec) []string {
	var all []string
	for _, s := range specs {
		all = append(all, string(s.ID))
	}
	return all
}

func TestChoose(t *testing.T) {
	for _, row := range []struct{ name, args, want string }{
		{"nothing given", "", "socket.accept socket.backlog server.way client.exits wait.zombie pair.talk socket.full signal.kill"},
		{"a server: its claims and the pair's, no facts", "--server=x", "socket.accept socket.backlog server.way pair.talk"},
		{"a client", "--client=x", "client.exits pair.talk"},
		{"a shutdown program", "--shutdown=x", "wait.zombie"},
		{"two programs", "--client=x --shutdown=x", "client.exits wait.zombie pair.talk"},
		{"one level", "--level=should", "socket.backlog"},
		{"levels in any case, with spaces", "--level=MUST,_May", "socket.accept server.way client.exits wait.zombie pair.talk"},
		{"facts beside a program, asked for", "--server=x --level=must,fact", "socket.accept pair.talk socket.full signal.kill"},
		{"facts by name beside a program", "--server=x --claims=socket.full", "socket.full"},
		{"globs", "--claims=socket.*,_*.exits", "socket.accept socket.backlog client.exits socket.full"},
		{"a whole id", "--claims=wait.zombie", "wait.zombie"},
		{"topics", "--topic=client,_wait", "client.exits wait.zombie"},
		{"all of them together", "--level=must --claims=s* --topic=socket", "socket.accept"},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, err := parsed(t, words(row.args)...).Choose(catalogue())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(row.want, strings.Join(ids(got), " ")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// words parts arguments at spaces; an underscore stands for a space in one.
func words(line string) []string {
	args := strings.Fields(line)
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "_", " ")
	}
	return args
}

func TestChooseFindsMistakes(t *testing.T) {
	for _, row := range []struct {
		name, args string
		says       []string
	}{
		{"unknown level", "--level=must,shall", []string{"--level", `"shall"`}},
		{"a comma too many", "--level=must,", []string{"--level", `""`}},
		{"unknown claim", "--claims=socket.*,nothing.there", []string{"--claims", `"nothing.there"`}},
		{"a glob that is none", "--claims=[", []string{"--claims", `"["`}},
		{"unknown topic", "--topic=sock", []string{"--topic", `"sock"`}},
		{"claims of a role that was not given", "--server=x --claims=client.*", []string{"no claim is left", "--claims client.*"}},
		{"choices that exclude each other", "--level=should --topic=client", []string{"no claim is left", "--level should", "--topic client"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, err := parsed(t, words(row.args)...).Choose(catalogue())
			mistake(t, err, row.says...)
			if got != nil {
				t.Errorf("and yet it chose %v", ids(got))
			}
		})
	}
}

func TestChooseLeavesTheCatalogueAlone(t *testing.T) {
	all := catalogue()
	if _, err := parsed(t, "--level=should").Choose(all); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(ids(all), ids(catalogue())) {
		t.Errorf("it is %v now", ids(all))
	}
}

func TestRelevant(t *testing.T) {
	for _, row := range []struct{ name, args, want string }{
		{"nothing given", "", "socket.accept socket.backlog server.way client.exits wait.zombie pair.talk socket.full signal.kill"},
		{"a choice plays no part", "--level=should", "socket.accept socket.backlog server.way client.exits wait.zombie pair.talk socket.full signal.kill"},
		{"facts need no program", "--shutdown=x", "wait.zombie socket.full signal.kill"},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := parsed(t, words(row.args)...).Relevant(catalogue())
			if diff := cmp.Diff(row.want, strings.Join(ids(got), " ")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// program makes a program in the folder.
func program(t *testing.T, folder, name string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(folder, name), []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
}

func TestPrograms(t *testing.T) {
	folder := t.TempDir()
	program(t, folder, "a.out")
	f := parsed(t, "--server=./a.out", "--server-args= --port  9876 ", "--env=A=1", "--env=B=2")
	p, err := f.Programs(folder, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Given) != 1 || len(p.Reference) != 3 {
		t.Fatalf("%d given, %d of the kit's own", len(p.Given), len(p.Reference))
	}
	s := p.Given[subject.Server]
	if s.Given != "./a.out" || filepath.Base(s.Path) != "a.out" || s.Builtin != "" {
		t.Errorf("%+v", s)
	}
	if diff := cmp.Diff([][]string{{"a.out", "--port", "9876"}, {"A=1", "B=2"}}, [][]string{s.Argv, s.Env}); diff != "" {
		t.Errorf("arguments and environment (-want +got):\n%s", diff)
	}
	if client := p.Reference[subject.Client]; client.Builtin != "client" || len(client.Env) > 0 {
		t.Errorf("the kit's own client: %+v", client)
	}
}

func TestProgramsAreTheKitsOwnWhereNoneIsGiven(t *testing.T) {
	p, err := parsed(t, "--client-args=one two", "--env=A=1").Programs(t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, role := range subject.Roles() {
		if p.Given[role].Builtin != string(role) || !slices.Equal(p.Given[role].Env, []string{"A=1"}) {
			t.Errorf("%s: %+v", role, p.Given[role])
		}
	}
	if got := p.Given[subject.Client].Argv; !slices.Equal(got[1:], []string{"one", "two"}) {
		t.Errorf("arguments %q", got)
	}
	if got := p.Reference[subject.Client].Argv; len(got) != 1 {
		t.Errorf("the one that stands in for others has arguments too: %q", got)
	}
}

func TestProgramsFindsMistakes(t *testing.T) {
	folder := t.TempDir()
	program(t, folder, "a.out")
	_, err := parsed(t, "--client=a.out", "--server-args=x").Programs(folder, nil)
	mistake(t, err, "--server-args", "--server")

	_, err = parsed(t, "--client=a.out", "--server=missing").Programs(folder, nil)
	var refused *subject.PreflightError
	if !errors.As(err, &refused) || refused.Role != subject.Server || refused.Path != "missing" {
		t.Errorf("%v", err)
	}
}

func TestOptions(t *testing.T) {
	kit := claim.Kit{Version: "1", Catalogue: "sha256:0"}
	o := parsed(t, "--jobs=2", "--timeout-scale=3", "--isolation=none", "--seed=7", "--strict", "--keep=/k").Options(kit)
	if o.Kit != kit || o.Jobs != 2 || o.Scale != 3 || o.Isolation != "none" || o.Seed != 7 || !o.Strict || o.Keep != "/k" {
		t.Errorf("%+v", o)
	}
}

func TestSeedIsNewUnlessGiven(t *testing.T) {
	f := parsed(t)
	first := f.Options(claim.Kit{}).Seed
	if first <= 0 {
		t.Errorf("seed %d", first)
	}
	if again := f.Options(claim.Kit{}).Seed; again != first {
		t.Errorf("the same run has the seeds %d and %d", first, again)
	}
	if other := parsed(t).Options(claim.Kit{}).Seed; other == first {
		t.Errorf("two runs with the seed %d", other)
	}
}

func TestRerun(t *testing.T) {
	for _, row := range []struct {
		name string
		args []string
		want string
	}{
		{"nothing given", nil, "ipckit run --claims a.b --seed 5"},
		{"plain words need no quotes", []string{"--server=./a.out", "--client=/opt/x_1/c-2,3@4%5+6"}, "ipckit run --server ./a.out --client /opt/x_1/c-2,3@4%5+6 --claims a.b --seed 5"},
		{"spaces", []string{"--server=my server"}, "ipckit run --server 'my server' --claims a.b --seed 5"},
		{"a quote", []string{"--server=it's"}, `ipckit run --server 'it'\''s' --claims a.b --seed 5`},
		{"what a shell would expand", []string{"--server=~/$HOME/`id`*"}, "ipckit run --server '~/$HOME/`id`*' --claims a.b --seed 5"},
		{"arguments", []string{"--shutdown=s", "--shutdown-args=-v --n 2"}, "ipckit run --shutdown s --shutdown-args '-v --n 2' --claims a.b --seed 5"},
		{"environment", []string{"--server=s", "--env=A=1", "--env=B=x y"}, "ipckit run --server s --env A=1 --env 'B=x y' --claims a.b --seed 5"},
		{"what a verdict depends on", []string{"--isolation=none", "--timeout-scale=2.5", "--strict"}, "ipckit run --isolation none --timeout-scale 2.5 --strict --claims a.b --seed 5"},
		{"what it does not", []string{"--jobs=2", "--keep=/k", "--level=must", "--topic=a"}, "ipckit run --claims a.b --seed 5"},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := parsed(t, append(row.args, "--seed=5")...).Options(claim.Kit{}).Rerun("a.b")
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestUserFolderIsThere(t *testing.T) {
	folder, err := front.UserFolder()
	if info, statErr := os.Stat(folder); err != nil || statErr != nil || !info.IsDir() || !filepath.IsAbs(folder) {
		t.Errorf("%q, %v, %v", folder, err, statErr)
	}
}

func TestVersionIsNeverEmpty(t *testing.T) {
	if front.Version() == "" {
		t.Error("a recording would not say which kit made it")
	}
}
