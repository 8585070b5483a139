package recording_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"ipckit/harness/recording"
)

// everything is a recording with an event of every kind and an argument of
// every type.
func everything() *recording.Recording {
	addr := &recording.Addr{Family: "AF_INET", IP: "127.0.0.1", Port: 9876}
	local := &recording.Addr{Family: "AF_UNIX", Path: "@na\x00me"}
	data := &recording.Data{Bytes: []byte("a\x00\xff<&>"), Len: 9}
	set, status, nap := recording.SignalSet(1<<14), recording.WaitStatus(0x0f), 5*time.Second
	r := &recording.Recording{
		Name: "all",
		Header: recording.Header{
			Format: recording.Format, Kit: "v1", Scenario: "all", Did: "everything", Kernel: "6.1", Arch: "amd64",
			Isolation: "namespaces", Traced: true, CPU: -1, TimeoutScale: 1.5, Seed: -7,
			Subjects: []recording.Subject{{Name: "server", Role: "server", Path: "./s", SHA256: "ab", Argv: []string{"s", "\u202e"}, Reference: true}},
			Sysctls:  map[string]string{"net.core.somaxconn": "4096"},
			Started:  time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC),
		},
		Trailer: recording.Trailer{
			Unreached: "listens", Because: "ended", Broken: "no", Events: 13, Dropped: 1, Cut: 3,
			Wall: time.Second, CPU: time.Millisecond, Delay: time.Microsecond,
		},
	}
	for i, e := range []recording.Event{
		{Kind: recording.KindExec, PID: 2, Exec: &recording.Exec{Path: "/s", Argv: []string{"s"}, Subject: "server", Former: 3}},
		{Kind: recording.KindSpawn, PID: 2, TID: 4, Spawn: &recording.Spawn{Child: 5, How: recording.ByFork}},
		{Kind: recording.KindCall, PID: 2, Call: &recording.Call{
			Name: "bind", Result: -1, Errno: 98, Enter: 1, Began: time.Second, Fate: recording.Denied, New: "socket:[1]",
			Args: []recording.Arg{
				{Name: "fd", Int: 3, File: "socket:[9]"}, {Name: "addr", Addr: addr}, {Name: "peer", Addr: local, Out: true},
				{Name: "buf", Data: data, Text: "MSG_PEEK"}, {Name: "set", Set: &set}, {Name: "wstatus", Status: &status},
				{Name: "act", Action: &recording.Action{Handler: recording.HandlerOwn, Flags: "SA_RESTART", Mask: set}},
				{Name: "time", Time: &nap}, {Name: "sv", Numbers: []int{3, 4}},
			},
		}},
		{Kind: recording.KindSignal, PID: 2, Signal: &recording.Deliver{Signal: 15, Code: -1, CodeName: "SI_QUEUE", Sender: 1, Value: 42, Fate: recording.FateHandled}},
		{Kind: recording.KindStop, PID: 2, Stop: &recording.Stop{Signal: 19}},
		{Kind: recording.KindExit, PID: 5, Exit: &recording.Exit{Status: 256}},
		{Kind: recording.KindState, PID: 2, State: &recording.State{
			Why: "idle", State: "S", Parent: 1, Group: 2, Session: 1, CPU: time.Millisecond, Threads: 2,
			Pending: 1, Blocked: 2, Ignored: 4, Caught: 1 << 63, FDs: []recording.FD{{FD: 0, File: "tty:server"}},
		}},
		{Kind: recording.KindSockets, Sockets: &recording.Sockets{Why: "listens", Rows: []recording.SocketRow{{State: "LISTEN", Local: *addr, Received: 1, Queue: 8, Inode: 9}}}},
		{Kind: recording.KindOutput, Output: &recording.Output{Subject: "server", Stream: "terminal", Data: *data}},
		{Kind: recording.KindPeer, Peer: &recording.Peer{Name: "client A", Act: recording.ActSent, Local: addr, Remote: local, Data: data, Errno: 104, Signal: 2, Target: -2}},
		{Kind: recording.KindMark, Mark: &recording.Mark{Name: "ready", Subject: "server", Text: "x"}},
		{Kind: recording.KindNote, Note: &recording.Note{Topic: "cut", Text: "3 bytes"}},
		{Kind: "of the future"},
	} {
		e.Seq, e.At = 2*i+1, time.Duration(i)*time.Millisecond
		r.Events = append(r.Events, e)
	}
	return r
}

var plain = cmpopts.IgnoreUnexported(recording.Recording{})

func written(t testing.TB, r *recording.Recording) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := recording.Write(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestRoundTrip(t *testing.T) {
	want := everything()
	got, err := recording.Read(bytes.NewReader(written(t, want)))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, plain); diff != "" {
		t.Errorf("(-written +read):\n%s", diff)
	}
}

func TestReadFile(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "server-titles.jsonl")
	if err := os.WriteFile(file, written(t, everything()), 0o644); err != nil {
		t.Fatal(err)
	}
	if r, err := recording.ReadFile(file); err != nil || r.Name != "server-titles" {
		t.Errorf("got %+v, %v", r, err)
	}
	if _, err := recording.ReadFile(filepath.Join(dir, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
	if err := os.WriteFile(file, []byte("hello\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := recording.ReadFile(file); !errors.Is(err, recording.ErrNotARecording) || !strings.Contains(err.Error(), file) {
		t.Errorf("foreign file: %v", err)
	}
}

// Wherever the writer was cut off, the reader says so, and keeps what was whole.
func TestReadTruncated(t *testing.T) {
	whole := written(t, everything())
	header := bytes.IndexByte(whole, '\n')
	for n := range len(whole) - 1 { // the last byte is a line break and says nothing
		r, err := recording.Read(bytes.NewReader(whole[:n]))
		want := recording.ErrTruncated
		if n < header {
			want = recording.ErrNotARecording
		}
		if !errors.Is(err, want) {
			t.Fatalf("%d of %d bytes: error %v, want %v", n, len(whole), err, want)
		}
		if lines := bytes.Count(whole[:n], []byte("\n")); r != nil && len(r.Events) < lines-1 {
			t.Fatalf("%d of %d bytes: %d events of %d lines", n, len(whole), len(r.Events), lines)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	lines := strings.SplitAfter(string(written(t, everything())), "\n")
	header, event, trailer := lines[0], lines[1], lines[len(lines)-2]
	for _, c := range []struct {
		name, input string
		is          error
		says        string
	}{
		{"nothing", "", recording.ErrNotARecording, "no header"},
		{"a foreign file", "\x7fELF\x02\n", recording.ErrNotARecording, "the first line is no header"},
		{"other JSON", "{\"a\": 1}\n", recording.ErrNotARecording, "the first line is no header"},
		{"no header", event + trailer, recording.ErrNotARecording, "the first line is no header"},
		{"another version", strings.Replace(header, "/v1", "/v2\x1b", 1) + trailer, recording.ErrNotARecording, "first line"},
		{"a later version", strings.Replace(header, "/v1", "/v2", 1) + trailer, recording.ErrNotARecording, `format "ipckit/recording/v2", this kit reads "ipckit/recording/v1"`},
		{"a too long header", strings.Repeat("x", recording.MaxLine+1), recording.ErrNotARecording, "no header"},
		{"a too long line", header + strings.Repeat("x", recording.MaxLine+1) + "\n" + trailer, nil, "too long"},
		{"the same number twice", header + event + event + trailer, nil, "line 3: event 1 after event 1"},
		{"a lower number", header + lines[2] + event + trailer, nil, "line 3: event 1 after event 3"},
		{"a line that is no JSON", header + "hello\n" + trailer, nil, "line 2: invalid character"},
		{"half a line in the middle", header + event[:20] + "\n" + trailer, nil, "line 2: "},
		{"neither event nor trailer", header + "{}\n" + trailer, nil, "line 2: neither"},
		{"no kind", header + `{"seq": 1}` + "\n" + trailer, nil, "line 2: neither"},
		{"a kind without its details", header + `{"seq": 7, "kind": "call"}` + "\n" + trailer, nil, `event 7: kind "call" without its details`},
		{"a second header", header + header + trailer, nil, "line 2: neither"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := recording.Read(strings.NewReader(c.input))
			if err == nil || c.is != nil && !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %v, want %q", err, c.says)
			}
			if err != nil && errors.Is(err, recording.ErrTruncated) {
				t.Errorf("taken for a truncated one: %v", err)
			}
		})
	}
}

func TestReadKeepsUnknownKinds(t *testing.T) {
	for _, kind := range []string{`"of the future"`, `"of the future", "future": {"x": [1]}`} {
		input := fmt.Sprintf("{\"header\": {\"format\": %q}}\n{\"seq\": 1, \"kind\": %s}\n{\"trailer\": {}}\n", recording.Format, kind)
		r, err := recording.Read(strings.NewReader(input))
		if err != nil || len(r.Events) != 1 || r.Events[0].Kind != "of the future" {
			t.Errorf("%s: %+v, %v", kind, r, err)
		}
	}
}

func TestFollowSeesEachEvent(t *testing.T) {
	want := everything()
	var got []int
	r, err := recording.Follow(bytes.NewReader(written(t, want)), func(r *recording.Recording, e *recording.Event) {
		if r.Header.Scenario != "all" {
			t.Error("the header is not set yet")
		}
		got = append(got, e.Seq)
	})
	if err != nil || len(got) != len(want.Events) || len(r.Events) != len(got) {
		t.Errorf("saw %v, %v", got, err)
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestWriteReturnsTheError(t *testing.T) {
	long := everything()
	long.Header.Did = strings.Repeat("x", 1<<16)
	for name, r := range map[string]*recording.Recording{"at the end": everything(), "at the header": long} {
		if err := recording.Write(full{}, r); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// What a stranger's file says may be wrong, but reading it and asking it
// everything must end without a panic; what was read can be written and read
// again.
func FuzzRead(f *testing.F) {
	whole := written(f, everything())
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	f.Add(written(f, lives()))
	f.Add([]byte("{\"header\":{\"format\":\"ipckit/recording/v1\"}}\n{\"seq\":1,\"kind\":\"exit\",\"pid\":1,\"exit\":{}}\n{\"trailer\":{}}\n"))
	f.Fuzz(func(t *testing.T, input []byte) {
		r, err := recording.Read(bytes.NewReader(input))
		if r != nil {
			askEverything(r)
		}
		if err != nil {
			return
		}
		again, err := recording.Read(bytes.NewReader(written(t, r)))
		if err != nil {
			t.Fatalf("written again it is not read: %v", err)
		}
		if diff := cmp.Diff(r, again, plain, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("(-first +second):\n%s", diff)
		}
	})
}

func askEverything(r *recording.Recording) {
	for _, p := range r.Processes() {
		_, _ = p.Tree(), p.Alive()
	}
	r.Endpoints()
	r.Mark("ready")
	for i := range r.Events {
		e := &r.Events[i]
		r.Between(e, "ready", "done")
		r.Event(e.Seq)
		if e.Exit != nil {
			_ = e.Exit.Status.String()
		}
		if e.Call == nil {
			continue
		}
		_, _, _ = e.Call.Int("fd"), e.Call.File(), e.Call.Errno.String()
		if a := e.Call.Addr(); a != nil {
			_ = a.String()
		}
		if d := e.Call.Data(); d != nil {
			_ = d.String()
		}
	}
	for _, s := range r.Header.Subjects {
		r.Calls(s.Name, "write")
		r.Terminal(s.Name)
		recording.Bytes(r.Writes(s.Name, recording.Stdout))
	}
	recording.Bytes(r.Peers(""))
}
