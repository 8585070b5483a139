package recording_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"ipckit/harness/recording"
)

var update = flag.Bool("update", false, "write the golden files anew")

func transcript(t testing.TB, r *recording.Recording, o recording.TranscriptOptions) string {
	t.Helper()
	var b bytes.Buffer
	if err := r.Transcript(&b, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got; -update accepts it):\n%s", file, diff)
	}
}

func recorded(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/*.jsonl")
	if err != nil || len(files) == 0 {
		t.Fatal("no recordings in testdata", err)
	}
	return files
}

func TestTranscriptOfRecordings(t *testing.T) {
	for _, file := range recorded(t) {
		r, err := recording.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(r.Name, func(t *testing.T) { golden(t, r.Name, transcript(t, r, recording.TranscriptOptions{})) })
	}
}

func TestTranscriptFitsItsWidth(t *testing.T) {
	for _, file := range recorded(t) {
		r, err := recording.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, width := range []int{60, 80, 100, 160} {
			for _, line := range strings.Split(transcript(t, r, recording.TranscriptOptions{Width: width, All: true}), "\n") {
				if n := utf8.RuneCountInString(line); n > width {
					t.Errorf("%s: %d columns of %d: %s", file, n, width, line)
				}
			}
		}
	}
}

// Every event has its line with All, and what is left out without is counted.
func TestTranscriptCountsWhatItLeavesOut(t *testing.T) {
	r, err := recording.ReadFile("testdata/no-server-python.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	all := transcript(t, r, recording.TranscriptOptions{All: true, Width: 200})
	if strings.Contains(all, "Left out") {
		t.Error("something is left out although everything was asked for")
	}
	few := transcript(t, r, recording.TranscriptOptions{Width: 200})
	if missing := rows(all) - rows(few); !strings.Contains(few, fmt.Sprintf("Left out: %d events", missing)) {
		t.Errorf("%d rows are missing, and the end does not say so:\n%s", missing, few)
	}
	if !strings.Contains(few, "--all") {
		t.Error("how to see all is not said")
	}
}

var timed = regexp.MustCompile(`(?m)^[> ] [ 0-9]{4}\.[0-9]{3}  `)

// rows counts the lines with a time in its column.
func rows(text string) int { return len(timed.FindAllString(text, -1)) }

func TestTranscriptMarksEvidence(t *testing.T) {
	s := newScript()
	s.exec(2, "server")
	quiet := s.call(2, "prctl", 0)
	s.call(2, "prctl", 0)
	text := transcript(t, &s.Recording, recording.TranscriptOptions{Marked: map[int]bool{quiet: true}})
	if !strings.Contains(text, ">    0.000  server  prctl() = 0") {
		t.Errorf("evidence is not marked, or left out:\n%s", text)
	}
	if n := strings.Count(text, "prctl"); n != 1 {
		t.Errorf("prctl stands there %d times, want once", n)
	}
}

func TestTranscriptShowsWhereCallsBegan(t *testing.T) {
	s := newScript()
	s.exec(2, "server")
	s.exec(5, "client")
	s.call(5, "connect", 0, fd(3, "socket:[1]"))
	s.add(recording.Event{Kind: recording.KindCall, PID: 2, At: time.Second, Call: &recording.Call{
		Name: "accept", Args: []recording.Arg{fd(3, "socket:[2]"), {Name: "addr", Out: true}}, Result: 4, Enter: 2, Began: time.Millisecond,
	}})
	text := transcript(t, &s.Recording, recording.TranscriptOptions{})
	began, connected, returned := strings.Index(text, "accept(3) ..."), strings.Index(text, "connect(3)"), strings.Index(text, "accept(3) = 4, after 999 ms")
	if began < 0 || connected < began || returned < connected {
		t.Errorf("begins at %d, connect at %d, returns at %d:\n%s", began, connected, returned, text)
	}
}

func TestTranscriptSaysHowItEnded(t *testing.T) {
	s := newScript()
	s.Trailer = recording.Trailer{Unreached: "server listens on port 9876", Because: "the program has ended", Broken: "no room", Dropped: 3, Cut: 70, Wall: time.Second}
	text := transcript(t, &s.Recording, recording.TranscriptOptions{Width: 200})
	for _, want := range []string{
		`it waited for "server listens on port 9876" and gave up: the program has ended`, "nothing is to be judged: no room",
		"3 events more came and were not kept", "70 bytes of payload were not kept", "0 events in 1.00 s",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("not said: %s\n%s", want, text)
		}
	}
}

// What teaches nothing, and its neighbours that do.
func TestWhatIsLeftOut(t *testing.T) {
	tests := []struct {
		name string
		make func(s *script)
		show string // stands there
		hide string // does not
	}{
		{"text that a write has shown", func(s *script) {
			s.call(2, "write", 3, fd(1, "tty:server"), bytesArg("hi\n", 3))
			s.output("server", "hi\r\n")
			s.output("server", "^C")
		}, `terminal shows "^C"`, `"hi\r\n"`},
		{"text before its write returns", func(s *script) {
			s.output("server", "hi\r\n")
			s.call(2, "write", 3, fd(1, "tty:server"), bytesArg("hi\n", 3))
		}, "write(1", "terminal shows"},
		{"text between the terminal's own", func(s *script) {
			s.call(2, "write", 6, fd(1, "tty:server"), bytesArg("a\nbye\n", 6))
			s.output("server", "^Ca\r\n")
			s.output("server", "bye\r\n")
		}, `terminal shows "^Ca\r\n"`, `shows "bye`},
		{"handlers of a runtime", func(s *script) {
			for n := range recording.Signal(40) {
				s.call(2, "rt_sigaction", 0, sig(n+1), act("handler", ""))
			}
			s.call(2, "rt_sigaction", 0, sig(15), act("SIG_IGN", ""))
		}, "SIGTERM, SIG_IGN", "handler"},
		{"handler of a program", func(s *script) {
			s.call(2, "rt_sigaction", 0, sig(15), act("handler", ""))
			s.call(2, "rt_sigaction", 0, sig(25), act("SIG_IGN", ""))
		}, "SIGTERM, handler", "SIGXFSZ"},
		{"masks of a library", func(s *script) {
			s.call(2, "rt_sigprocmask", 0, named("how", "SIG_BLOCK"), mask(^recording.SignalSet(0)))
			s.call(2, "rt_sigprocmask", 0, named("how", "SIG_SETMASK"), mask(0))
			s.call(2, "rt_sigprocmask", 0, named("how", "SIG_BLOCK"), mask(1<<14))
			s.call(2, "rt_sigprocmask", 0, named("how", "SIG_SETMASK"), mask(0))
		}, "rt_sigprocmask(SIG_SETMASK, {})", "every signal)"},
		{"tries for nothing", func(s *script) {
			s.call(2, "accept", -1, fd(3, "socket:[1]"))
			s.failed(11)
			s.call(2, "accept", -1, fd(3, "socket:[1]"))
			s.failed(4)
		}, "EINTR", "-1 EAGAIN"},
		{"the search for a program", func(s *script) {
			s.call(2, "execve", -1, recording.Arg{Name: "path", Text: "/a/python3"})
			s.failed(2)
			s.exec(2, "")
			s.call(2, "execve", -1, recording.Arg{Name: "path", Text: "/b/nothing"})
			s.failed(2)
		}, "/b/nothing", "/a/python3"},
		{"sockets that only probe", func(s *script) {
			s.call(2, "socket", 3, named("domain", "AF_INET6"))
			s.made("socket:[1]")
			s.call(2, "close", 0, fd(3, "socket:[1]"))
			s.call(2, "socket", 4, named("domain", "AF_INET"))
			s.made("socket:[2]")
		}, "socket(AF_INET) = 4", "AF_INET6"},
		{"threads of a runtime", func(s *script) {
			s.spawn(2, 30, recording.ByThread)
			s.call(2, "accept", 4, fd(3, "socket:[1]"))
			s.spawn(2, 31, recording.ByThread)
			s.call(2, "clone", 31, named("flags", "CLONE_VM|CLONE_CHILD_CLEARTID"))
		}, "starts thread 31", "starts thread 30"},
		{"short sleeps", func(s *script) {
			s.call(2, "poll", 1, recording.Arg{Name: "fds", Numbers: []int{3}})
			s.call(2, "nanosleep", -1, number("duration", 0))
			s.failed(4)
		}, "nanosleep(0) ... interrupted", "poll("},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newScript()
			s.exec(2, "server")
			test.make(s)
			text := transcript(t, &s.Recording, recording.TranscriptOptions{Width: 200})
			if !strings.Contains(text, test.show) || strings.Contains(text, test.hide) {
				t.Errorf("want %q and not %q:\n%s", test.show, test.hide, text)
			}
		})
	}
}

func TestTranscriptReturnsTheError(t *testing.T) {
	if err := everything().Transcript(full{}, recording.TranscriptOptions{}); err == nil || !strings.Contains(err.Error(), "disk full") {
		t.Errorf("error %v, want that of the writer", err)
	}
	if errors.Unwrap(everything().Transcript(full{}, recording.TranscriptOptions{})) == nil {
		t.Error("the error is not wrapped")
	}
}

// attack is text as a hostile program would write it: escape sequences, a
// reversal of the writing direction, C1 controls, line breaks with a forged row.
const attack = "\x1b[2J\x1b]0;x\x07\r\n     0.001  parent  kill(1, SIGKILL) = 0\u202e\u0085\u009b31m\xff\x7f"

// hostile is a recording in which every text is the given one.
func hostile(text string) *recording.Recording {
	r := everything()
	r.Header.Scenario, r.Header.Did, r.Header.Kernel, r.Header.Arch, r.Header.Isolation = text, text, text, text, text
	r.Header.Subjects = []recording.Subject{{Name: text, Role: text, Path: text, SHA256: text, Argv: []string{text, text}}}
	r.Trailer.Unreached, r.Trailer.Because, r.Trailer.Broken = text, text, text
	for i := range r.Events {
		r.Events[i] = spoiled(r.Events[i], text)
	}
	return r
}

func spoiled(e recording.Event, text string) recording.Event {
	data := &recording.Data{Bytes: []byte(text), Len: len(text)}
	addr := &recording.Addr{Family: "AF_INET", IP: text, Path: text}
	switch {
	case e.Exec != nil:
		e.Exec.Path, e.Exec.Argv, e.Exec.Subject = text, []string{text, text}, text
	case e.Spawn != nil:
		e.Spawn.How = text
	case e.Call != nil:
		e.Call.Name, e.Call.Fate = text, recording.Fate(text)
		e.Call.Args = append(e.Call.Args, recording.Arg{Name: "path", Text: text}, recording.Arg{Name: text, Text: text, File: text},
			recording.Arg{Name: "x", Addr: addr}, recording.Arg{Name: "buf", Data: data}, recording.Arg{Name: "y", Action: &recording.Action{Handler: text, Flags: text}},
			recording.Arg{Name: "z", Addr: &recording.Addr{Family: text}})
	case e.Signal != nil:
		e.Signal.CodeName, e.Signal.Fate = text, text
	case e.State != nil:
		e.State.Why, e.State.State = text, text
	case e.Sockets != nil:
		e.Sockets.Why = text
		e.Sockets.Rows = append(e.Sockets.Rows, recording.SocketRow{State: text})
	case e.Output != nil:
		e.Output.Subject, e.Output.Stream, e.Output.Data = text, text, *data
	case e.Peer != nil:
		e.Peer.Name, e.Peer.Data = text, data
	case e.Mark != nil:
		e.Mark.Name, e.Mark.Subject, e.Mark.Text = text, text, text
	case e.Note != nil:
		e.Note.Topic, e.Note.Text = text, text
	default:
		e.Kind = recording.Kind(text)
	}
	return e
}

// checkHarmless demands text without anything that a terminal acts on, and rows
// only for the events.
func checkHarmless(t *testing.T, r *recording.Recording, text string) {
	t.Helper()
	for _, c := range text {
		if c != '\n' && c != '×' && (c < 0x20 || c > 0x7e) {
			t.Fatalf("%q is in the transcript", c)
		}
	}
	if got, most := rows(text), 2*len(r.Events); got > most {
		t.Errorf("%d rows for %d events:\n%s", got, len(r.Events), text)
	}
}

func TestTranscriptOfHostileText(t *testing.T) {
	r := hostile(attack)
	for _, width := range []int{60, 100} {
		text := transcript(t, r, recording.TranscriptOptions{All: true, Width: width})
		checkHarmless(t, r, text)
	}
}

func FuzzTranscript(f *testing.F) {
	f.Add(attack, 100)
	f.Add(strings.Repeat("\x00", 300)+"×\u2066", 0)
	f.Add(strings.Repeat("10.001  kit  is over ", 40), 60)
	f.Fuzz(func(t *testing.T, foreign string, width int) {
		r := hostile(foreign)
		text := transcript(t, r, recording.TranscriptOptions{All: true, Width: width % 300})
		checkHarmless(t, r, text)
	})
}

// Whatever is read can be told, however little sense it makes.
func FuzzTranscriptOfAnything(f *testing.F) {
	f.Add(written(f, everything()))
	f.Add(written(f, lives()))
	f.Fuzz(func(t *testing.T, input []byte) {
		if r, _ := recording.Read(bytes.NewReader(input)); r != nil {
			for _, all := range []bool{true, false} {
				transcript(t, r, recording.TranscriptOptions{All: all})
			}
		}
	})
}
