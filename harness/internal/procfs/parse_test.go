package procfs

import (
	"errors"
	"reflect"
	"testing"
	"time"
)

const statTail = " S 1 7 7 34816 9 4194304 1 2 3 4 250 75 0 0 20 0 3 0 4242 1000 200 18446744073709551615\n"

var wantStat = Stat{
	PID: 7, State: 'S', PPID: 1, PGRP: 7, Session: 7, TTY: 34816, TPGID: 9,
	UTime: 2500 * time.Millisecond, STime: 750 * time.Millisecond, Threads: 3, StartTime: 4242,
}

func TestStatSurvivesAnyName(t *testing.T) {
	for _, name := range []string{"sh", "a b", "a) R 2 (b", ")", "(", "", "x\ny", "7 (sh) Z", "\xff\xfe", ") S 1 1 1 1"} {
		want := wantStat
		want.Comm = name
		got, err := parseStat([]byte("7 (" + name + ")" + statTail))
		if err != nil || got != want {
			t.Errorf("name %q: %+v, %v; want %+v", name, got, err, want)
		}
	}
}

func TestBrokenStatIsAnError(t *testing.T) {
	for _, data := range []string{"", "7", "7 (sh", "7 )sh(", "x (sh)" + statTail, "7 (sh) S 1 2", "7 (sh) SS" + statTail[2:], "7 (sh) S x" + statTail[4:]} {
		got, err := parseStat([]byte(data))
		if syntax := (*SyntaxError)(nil); !errors.As(err, &syntax) || syntax.File != "stat" {
			t.Errorf("%q: %+v, %v; want a SyntaxError", data, got, err)
		}
	}
}

const statusText = `Name:	a\nUid:\t0
State:	S (sleeping)
Tgid:	70
Pid:	71
TracerPid:	5
Uid:	1000	1001	1002	1003
VmRSS:	    1528 kB
Threads:	4
SigQ:	2/96365
SigPnd:	0000000000000001
ShdPnd:	0000000000004000
SigBlk:	0000000000010000
SigIgn:	0000000000001000
SigCgt:	8000000000000002
CapEff:	000001fffeffffff
NoNewPrivs:	1
Seccomp:	2
Seccomp_filters:	1
voluntary_ctxt_switches:	12
nonvoluntary_ctxt_switches:	34
`

func TestStatus(t *testing.T) {
	want := Status{
		Tgid: 70, TracerPid: 5, RealUID: 1000, EffectiveUID: 1001, SavedUID: 1002, FilesystemUID: 1003,
		Threads: 4, VmRSS: 1528 * 1024, SigQueued: 2, SigQueueMax: 96365,
		SigPnd: 1, ShdPnd: 1 << 14, SigBlk: 1 << 16, SigIgn: 1 << 12, SigCgt: 1<<63 | 2,
		CapEff: 0x1fffeffffff, NoNewPrivs: true, Seccomp: 2, VoluntaryCtxt: 12, NonvoluntaryCtxt: 34,
	}
	got, err := parseStatus([]byte(statusText))
	if err != nil || got != want {
		t.Errorf("status %+v, %v; want %+v", got, err, want)
	}
	if !HasSignal(got.ShdPnd, 15) || HasSignal(got.ShdPnd, 14) || !HasSignal(got.SigCgt, 64) || HasSignal(got.SigCgt, 65) || HasSignal(1, 0) {
		t.Error("HasSignal is off by some")
	}
}

func TestBrokenStatusIsAnError(t *testing.T) {
	for _, data := range []string{
		"", "Name:\tx\n", "Tgid:\n", "Tgid:\tx\n", "Tgid:\t1\nUid:\t1\n", "Tgid:\t1\nSigBlk:\tzz\n", "Tgid:\t1\nSigQ:\t3\n",
	} {
		if got, err := parseStatus([]byte(data)); err == nil {
			t.Errorf("%q: %+v; want an error", data, got)
		}
	}
}

func TestSchedstat(t *testing.T) {
	run, wait, slices, err := parseSchedstat([]byte("1500000 2500 42\n"))
	if run != 1500*time.Microsecond || wait != 2500*time.Nanosecond || slices != 42 || err != nil {
		t.Errorf("got %v, %v, %d, %v", run, wait, slices, err)
	}
	if _, _, _, err := parseSchedstat([]byte("1 2\n")); err == nil {
		t.Error("two fields are enough; want an error")
	}
}

func TestPressure(t *testing.T) {
	got, err := parsePressure([]byte("some avg10=1.50 avg60=0.25 avg300=0.00 total=1234567\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"))
	want := Pressure{Avg10: 1.5, Avg60: 0.25, Total: 1234567 * time.Microsecond}
	if err != nil || got != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
	for _, data := range []string{
		"", "full avg10=0 avg60=0 avg300=0 total=0\n", "some avg10=x avg60=0 avg300=0 total=0\n", "some 1 2 3 4\n",
		"some avg10=0 avg60=0 avg300=0 total=-1\n", "some avg60=0 avg10=0 avg300=0 total=1\n",
	} {
		if got, err := parsePressure([]byte(data)); err == nil {
			t.Errorf("%q: %+v; want an error", data, got)
		}
	}
}

func TestChildrenList(t *testing.T) {
	if got, err := parseChildren([]byte("12 3 456 ")); err != nil || !reflect.DeepEqual(got, []int{12, 3, 456}) {
		t.Errorf("got %v, %v", got, err)
	}
	if got, err := parseChildren(nil); err != nil || len(got) != 0 {
		t.Errorf("no children: %v, %v", got, err)
	}
	if got, err := parseChildren([]byte("12 x")); err == nil {
		t.Errorf("got %v; want an error", got)
	}
}

func FuzzStat(f *testing.F) {
	f.Add([]byte("7 (sh)" + statTail))
	f.Add([]byte("7 )("))
	f.Fuzz(func(t *testing.T, data []byte) { _, _ = parseStat(data) })
}

func FuzzStatus(f *testing.F) {
	f.Add([]byte(statusText))
	f.Add([]byte("SigQ:\t/\nUid:"))
	f.Fuzz(func(t *testing.T, data []byte) { _, _ = parseStatus(data) })
}

func FuzzPressure(f *testing.F) {
	f.Add([]byte("some avg10=1.50 avg60=0.25 avg300=0.00 total=1234567\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if p, err := parsePressure(data); err != nil && p != (Pressure{}) {
			t.Errorf("an error and %+v", p)
		}
	})
}

func FuzzLists(f *testing.F) {
	f.Add([]byte("1 2 3"))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, _ = parseChildren(data)
		_, _, _, _ = parseSchedstat(data)
	})
}
