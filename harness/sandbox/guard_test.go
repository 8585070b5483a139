package sandbox_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ipckit/harness/sandbox"
)

// faultyPath in PATH, the variable that the kit passes on to PID 1, makes the
// test binary one whose main lacks the call of MaybeChild.
const faultyPath = "/nonexistent/faulty-"

func maybeFaulty() {
	first, _, _ := strings.Cut(os.Getenv("PATH"), ":")
	how, faulty := strings.CutPrefix(first, faultyPath)
	if !faulty || !strings.HasPrefix(os.Args[0], "kit-") {
		return
	}
	switch how {
	case "waits":
		for {
			unix.Pause()
		}
	case "opens":
		sandbox.Open(context.Background(), sandbox.Config{Isolation: sandbox.Namespaces, Work: "test-nothing", CPU: -1, Scale: 1})
	case "babbles":
		os.NewFile(4, "out").WriteString("Hello, world!\n")
	}
	os.Exit(0)
}

// faulty makes the cages of this test ones of a faulty binary.
func faulty(t *testing.T, how string) {
	t.Setenv("PATH", faultyPath+how+":"+os.Getenv("PATH"))
}

func TestMissingCallOfMaybeChildIsNamed(t *testing.T) {
	for _, how := range []string{"waits", "opens", "babbles", "ends"} {
		for _, isolation := range []sandbox.Isolation{sandbox.Namespaces, sandbox.None} {
			t.Run(fmt.Sprintf("%s/%s", how, isolation), func(t *testing.T) {
				said := quiet(t)
				faulty(t, how)
				large := strings.Repeat("x", 1<<20) // more than a pipe holds
				began := time.Now()
				cage, err := sandbox.Open(t.Context(), sandbox.Config{Isolation: isolation, Work: "test-nothing", Job: large, CPU: -1, Scale: 1})
				if err == nil {
					cage.Close()
					t.Fatal("Open succeeded")
				}
				if !strings.Contains(err.Error(), "main must begin with sandbox.MaybeChild") {
					t.Errorf("Open: %v; want an error that names the missing call", err)
				}
				// It takes a little more than a second where nothing is said; what
				// is asserted leaves room for a busy machine.
				if took := time.Since(began); took > 10*time.Second {
					t.Errorf("that took %v", took)
				}
				if how == "opens" && !strings.Contains(said(), "sandbox.Open reached") {
					t.Errorf("PID 1 said %q", said())
				}
			})
		}
	}
}

func TestKitLifeThatOpensACageExitsAtOnce(t *testing.T) {
	cmd := exec.Command("/proc/self/exe")
	cmd.Args = []string{"kit-init"}
	cmd.Env = []string{"PATH=" + faultyPath + "opens"}
	said, err := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != 70 || !strings.Contains(string(said), "main must begin with sandbox.MaybeChild") {
		t.Errorf("kit-init of a faulty binary: %v, %q; want status 70 and the reason", err, said)
	}
}

func TestUnknownBuiltinExitsAtOnce(t *testing.T) {
	cmd := exec.Command("/proc/self/exe")
	cmd.Args = []string{"kit-ref-nothing"}
	said, err := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != 70 || !strings.Contains(string(said), "no such program") {
		t.Errorf("kit-ref-nothing: %v, %q; want status 70 and the reason", err, said)
	}
}

func TestMistakesAreOneClearError(t *testing.T) {
	good := sandbox.Config{Isolation: sandbox.Namespaces, Work: "test-nothing", CPU: -1, Scale: 1}
	for _, row := range []struct {
		mistake string
		config  func(*sandbox.Config)
		want    string
	}{
		{"work that nobody registered", func(c *sandbox.Config) { c.Work = "tset" }, `no work is registered under the name "tset"`},
		{"a job that is no JSON", func(c *sandbox.Config) { c.Job = func() {} }, "encode job"},
		{"an unknown sysctl", func(c *sandbox.Config) { c.Sysctls = map[string]string{"net.ipv4.no_such": "1"} }, "sysctl net.ipv4.no_such"},
		{"a sysctl out of range", func(c *sandbox.Config) { c.Sysctls = map[string]string{"net.ipv4.tcp_syn_retries": "x"} }, "sysctl net.ipv4.tcp_syn_retries"},
		{"an unknown rung", func(c *sandbox.Config) { c.Isolation = "nmaespaces" }, `unknown isolation "nmaespaces"`},
	} {
		t.Run(row.mistake, func(t *testing.T) {
			config := good
			row.config(&config)
			cage, err := sandbox.Open(t.Context(), config)
			if err == nil {
				cage.Close()
				t.Fatal("Open succeeded")
			}
			if text := err.Error(); !strings.Contains(text, row.want) || strings.Contains(text, "\n") {
				t.Errorf("Open: %v; want one line with %q", err, row.want)
			}
		})
	}
}

func TestGarbageInsteadOfABriefIsOneClearAnswer(t *testing.T) {
	for _, garbage := range []string{"", "\n", "{", "[]\n", "null\n", `{"CPU":"x"}` + "\n", strings.Repeat("x", 1000) + "\n"} {
		answer := initWith(t, garbage)
		if !strings.Contains(answer, `"Ready":false`) || strings.Count(answer, "\n") != 1 || strings.Contains(answer, "panic") {
			t.Errorf("PID 1 answered %q to %.20q", answer, garbage)
		}
	}
}

func TestSetUpThatFailsLeavesNoFolder(t *testing.T) {
	tmp := folder(t)
	t.Setenv("TMPDIR", tmp)
	brief := `{"Isolation":"none","Work":"test-nothing","Programs":[{"Name":"program","Size":512}],"UID":-1,"GID":-1}`
	if answer := initWith(t, brief+"\n"); !strings.Contains(answer, "unpack") && !strings.Contains(answer, "read parcel") {
		t.Errorf("PID 1 without a parcel answered %q", answer)
	}
	if !empty(tmp) {
		t.Error("left: a folder for temporary files")
	}
}

// initWith starts kit-init as if in the rung without namespaces, with a brief of
// the test's own.
func initWith(t *testing.T, brief string) string {
	t.Helper()
	jobRead, jobWrite, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer jobRead.Close()
	outRead, outWrite, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer outRead.Close()
	cmd := exec.Command("/proc/self/exe")
	cmd.Args = []string{"kit-init"}
	cmd.Env = []string{"TMPDIR=" + os.TempDir()}
	cmd.ExtraFiles = []*os.File{jobRead, outWrite}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	jobWrite.WriteString(brief)
	jobWrite.Close()
	outWrite.Close()
	buffer := make([]byte, 4096)
	n, _ := outRead.Read(buffer)
	cmd.Wait()
	return string(buffer[:n])
}
