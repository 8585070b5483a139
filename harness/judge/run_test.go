package judge

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ipckit/harness/claim"
	"ipckit/harness/recording"
	"ipckit/harness/scenario"
	"ipckit/harness/subject"
)

// delayed are recordings of scenario one in which a program waited for a CPU.
func delayed(by time.Duration) Recordings {
	r := ordinary()
	r[one].Trailer.Delay = by
	return r
}

func TestDisturbance(t *testing.T) {
	const long, short = 401 * time.Millisecond, 400 * time.Millisecond
	timed := func(check func(*T)) Spec {
		s := spec("a.timed", check)
		s.Timed = true
		return s
	}
	for _, row := range []struct {
		name    string
		spec    Spec
		delay   time.Duration
		again   []scenario.Name
		outcome claim.Outcome
	}{
		{"a timed failure on a busy machine is not believed", timed(fails), long, []scenario.Name{one}, claim.Broken},
		{"on a quiet one it is", timed(fails), short, nil, claim.Fail},
		{"a claim that time has no part in fails on a busy machine too", spec("a.other", fails), long, nil, claim.Fail},
		{"a timed claim that holds needs no second recording", timed(passes), long, nil, claim.Pass},
	} {
		t.Run(row.name, func(t *testing.T) {
			specs, recordings := []Spec{row.spec}, delayed(row.delay)
			verdicts := Judge(specs, recordings)
			if diff := cmp.Diff(row.again, disturbed(specs, verdicts, recordings)); diff != "" {
				t.Errorf("to record again (-want +got):\n%s", diff)
			}
			if v := excuse(specs, verdicts, recordings)[0]; v.Outcome != row.outcome {
				t.Errorf("%s, want %s", v.Outcome, row.outcome)
			}
		})
	}
}

func TestExcuseSaysWhy(t *testing.T) {
	s := spec("a.timed", fails)
	s.Timed = true
	recordings := delayed(1234567 * time.Microsecond)
	v := excuse([]Spec{s}, Judge([]Spec{s}, recordings), recordings)[0]
	const want = "the machine is too busy for a claim about time: the program waited 1.235s for a CPU (recorded 3 times)"
	if v.Reason != want {
		t.Errorf("%q, want %q", v.Reason, want)
	}
}

func TestExcuseReachesThoseThatDepend(t *testing.T) {
	specs := []Spec{spec("before", passes, "timed"), spec("timed", fails), spec("behind", passes, "timed"), spec("other", fails), spec("last", passes, "other")}
	specs[1].Timed = true
	recordings := delayed(time.Second)
	verdicts := excuse(specs, Judge(specs, recordings), recordings)
	var got []string
	for _, v := range verdicts {
		got = append(got, told(v))
	}
	want := []string{"skip on timed: timed could not be judged", "broken", "skip on timed: timed could not be judged", "fail", "skip on other: other does not hold"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestDisturbedScenariosAreNamedOnce(t *testing.T) {
	specs := []Spec{spec("a", fails), spec("b", fails)}
	specs[0].Timed, specs[1].Timed = true, true
	recordings := delayed(time.Second)
	if got := disturbed(specs, Judge(specs, recordings), recordings); !slices.Equal(got, []scenario.Name{one}) {
		t.Errorf("%v", got)
	}
}

func TestWithNeeds(t *testing.T) {
	all := []Spec{spec("a", passes), spec("b", passes, "a"), spec("c", passes), spec("d", passes, "b", "nowhere"), spec("e", passes, "f"), spec("f", passes, "e")}
	for _, row := range []struct {
		name   string
		chosen []Spec
		want   []claim.ID
	}{
		{"nothing", nil, []claim.ID{}},
		{"no needs", []Spec{all[2]}, []claim.ID{"c"}},
		{"needs of needs, in the catalogue's order", []Spec{all[3]}, []claim.ID{"a", "b", "d"}},
		{"the order of the choice does not matter", []Spec{all[2], all[1]}, []claim.ID{"a", "b", "c"}},
		{"a circle ends", []Spec{all[4]}, []claim.ID{"e", "f"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := []claim.ID{}
			for _, s := range withNeeds(row.chosen, all) {
				got = append(got, s.ID)
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestScenariosBeginWithTheLongest(t *testing.T) {
	specs := []Spec{{On: []scenario.Name{scenario.NoServer, scenario.ClientsInTurn}}, {On: []scenario.Name{scenario.Graceful, scenario.NoServer}}}
	var got []scenario.Name
	for _, s := range Scenarios(specs) {
		got = append(got, s.Name)
	}
	if want := []scenario.Name{scenario.Graceful, scenario.ClientsInTurn, scenario.NoServer}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestStartErrorIsOneSafeLine(t *testing.T) {
	for _, row := range []struct {
		name string
		err  StartError
		want string
	}{
		{"silent", StartError{Role: subject.Server, Path: "./a.out", Status: exitOne}, "server ./a.out: ended at once: exited with status 1"},
		{"killed", StartError{Role: subject.Client, Path: "./a.out", Status: 11}, "client ./a.out: ended at once: killed by signal 11 (SIGSEGV)"},
		{"last words", StartError{Role: subject.Server, Path: "./a.out", Status: exitOne, Said: lastWords([]byte("no \x1b[31mlibrary\x9b\r\nat all\n"))},
			`server ./a.out: ended at once: exited with status 1; it said "no \x1b[31mlibrary\x9b\r\nat all"`},
		{"a path with control bytes", StartError{Role: subject.Server, Path: "./\x1b]0;x\a\n", Status: exitOne},
			`server ./\x1b]0;x\x07\n: ended at once: exited with status 1`},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := row.err.Error(); got != row.want {
				t.Errorf("%q\nwant %q", got, row.want)
			}
		})
	}
}

func TestLastWordsAreTheLast(t *testing.T) {
	got := lastWords([]byte(strings.Repeat("x", 1000) + "the end\n"))
	if want := "..." + strings.Repeat("x", 293) + "the end"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestKeptRecordingIsTheRecording(t *testing.T) {
	folder := t.TempDir()
	r := &run{options: Options{Keep: folder}}
	recordings := ordinary()
	recordings["failed"] = Recorded{Err: os.ErrInvalid}
	if err := r.keep(recordings); err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil || len(names) != 1 || filepath.Base(names[0]) != "one.jsonl" {
		t.Fatalf("%v, %v", names, err)
	}
	back, err := recording.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(recordings[one].Events, back.Events); diff != "" || back.Name != "one" {
		t.Errorf("%s (-want +got):\n%s", back.Name, diff)
	}
}

func TestKeepFailsWhereItCannot(t *testing.T) {
	r := &run{options: Options{Keep: filepath.Join(t.TempDir(), "not there")}}
	if err := r.keep(ordinary()); err == nil || !strings.HasPrefix(err.Error(), "keep recording: ") {
		t.Errorf("%v", err)
	}
}
