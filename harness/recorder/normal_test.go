package recorder_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ipckit/harness/recording"
	"ipckit/harness/sandbox"
	"ipckit/harness/scenario"
	"ipckit/harness/subject"
)

// normalRuns is how often a program is run to see whether its normal form stays.
const normalRuns = 20

func pack(t testing.TB, role subject.Role, path string) *sandbox.Parcel {
	t.Helper()
	s, err := subject.Open(role, path, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return packSubject(t, s)
}

func packSubject(t testing.TB, s subject.Subject) *sandbox.Parcel {
	t.Helper()
	parcel, err := sandbox.Pack(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { parcel.Close() })
	return parcel
}

// compileC compiles a program of the fixtures.
func compileC(t testing.TB, name string) string {
	t.Helper()
	cc, err := exec.LookPath("cc")
	if err != nil {
		notJudged(t, err)
	}
	program := filepath.Join(t.TempDir(), name)
	if said, err := exec.Command(cc, "-o", program, "../../fixtures/programs/c/plain/"+name+".c").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	return program
}

// stays compares what is projected of many recordings.
func stays(t *testing.T, record func() *recording.Recording, project func(*recording.Normal) []recording.Strand) {
	t.Helper()
	first := project(recording.Normalize(record()))
	if len(first) == 0 {
		t.Fatal("nothing to compare")
	}
	for run := 2; run <= normalRuns; run++ {
		if diff := cmp.Diff(first, project(recording.Normalize(record()))); diff != "" {
			t.Fatalf("run %d: %s", run, diff)
		}
	}
}

func threads(n *recording.Normal) []recording.Strand { return n.Threads }

func filesAndLives(n *recording.Normal) []recording.Strand { return append(n.Files, n.Lives...) }

func TestNormalFormOfC(t *testing.T) {
	server, client := pack(t, subject.Server, compileC(t, "server")), pack(t, subject.Client, compileC(t, "client"))
	stays(t, func() *recording.Recording { return recordConversation(t, server, client) }, threads)
}

func TestNormalFormOfPython(t *testing.T) {
	if _, err := exec.LookPath("python3"); err != nil {
		notJudged(t, err)
	}
	const folder = "../../fixtures/programs/python/plain/"
	server, client := pack(t, subject.Server, script(t, folder+"server.py")), pack(t, subject.Client, script(t, folder+"client.py"))
	stays(t, func() *recording.Recording { return recordConversation(t, server, client) }, threads)
}

// script returns the script's path; it must be executable.
func script(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), filepath.Base(path))
	if err := os.WriteFile(copied, text, 0o755); err != nil {
		t.Fatal(err)
	}
	return copied
}

func TestNormalFormOfGo(t *testing.T) {
	server := packSubject(t, subject.Builtin(subject.Server, "server"))
	client := packSubject(t, subject.Builtin(subject.Client, "client"))
	stays(t, func() *recording.Recording { return recordConversation(t, server, client) }, filesAndLives)
}

func recordConversation(t testing.TB, server, client *sandbox.Parcel) *recording.Recording {
	t.Helper()
	s, err := scenario.Find(scenario.Conversation)
	if err != nil {
		t.Fatal(err)
	}
	r := record(t, s, server, client)
	if r.Trailer.Unreached != "" {
		t.Fatalf("%s: %s", r.Trailer.Unreached, r.Trailer.Because)
	}
	return r
}
