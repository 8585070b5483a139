package judge

import (
	"time"

	"ipckit/harness/claim"
	"ipckit/harness/recording"
	"ipckit/harness/scenario"
)

// made returns a recording of the scenario with these events, which it numbers
// in tens and puts a millisecond apart.
func made(name scenario.Name, events ...recording.Event) *recording.Recording {
	for i := range events {
		events[i].Seq, events[i].At = 10*(i+1), time.Duration(i+1)*time.Millisecond
	}
	return &recording.Recording{
		Name: string(name), Events: events,
		Header: recording.Header{Format: recording.Format, Scenario: string(name), Did: "did " + string(name), Subjects: []recording.Subject{{Name: "server", Role: "server"}}},
	}
}

func starts(pid int, subject string) recording.Event {
	return recording.Event{PID: pid, Kind: recording.KindExec, Exec: &recording.Exec{Path: "/x", Subject: subject}}
}

func spawns(pid, child int) recording.Event {
	return recording.Event{PID: pid, Kind: recording.KindSpawn, Spawn: &recording.Spawn{Child: child, How: recording.ByFork}}
}

func calls(pid int, name string) recording.Event {
	return recording.Event{PID: pid, Kind: recording.KindCall, Call: &recording.Call{Name: name}}
}

func ends(pid int, status recording.WaitStatus) recording.Event {
	return recording.Event{PID: pid, Kind: recording.KindExit, Exit: &recording.Exit{Status: status}}
}

func says(subject, text string) recording.Event {
	data := recording.Data{Bytes: []byte(text), Len: len(text)}
	return recording.Event{Kind: recording.KindOutput, Output: &recording.Output{Subject: subject, Stream: "terminal", Data: data}}
}

const exitOne recording.WaitStatus = 1 << 8

// one is the scenario that most specs here are judged on.
const one scenario.Name = "one"

// spec returns a MUST with that id and check, judged on the scenario one.
func spec(id claim.ID, check func(*T), needs ...claim.ID) Spec {
	return Spec{
		Claim: claim.Claim{ID: id, Level: claim.Must, Role: claim.Server, Title: "title of " + string(id), Needs: needs},
		On:    []scenario.Name{one}, Check: check,
	}
}

func passes(*T) {}

func fails(t *T) { t.Holds(false) }

// ordinary are recordings of scenario one without anything special.
func ordinary() Recordings {
	return Recordings{one: {Recording: made(one, starts(7, "server"), calls(7, "socket"), ends(7, exitOne))}}
}
