package judge

import (
	"errors"
	"testing"

	"ipckit/harness/recording"
	"ipckit/harness/subject"
)

func TestDeadOnArrival(t *testing.T) {
	const killed recording.WaitStatus = 11
	given := subject.Subject{Role: subject.Server, Given: "./a.out"}
	reference := subject.Builtin(subject.Server, "server")
	for _, row := range []struct {
		name    string
		program subject.Subject
		events  []recording.Event
		dead    bool
	}{
		{"ends before it did anything", given, []recording.Event{starts(7, "server"), calls(7, "openat"), says("server", "no library"), ends(7, exitOne)}, true},
		{"killed before it did anything", given, []recording.Event{starts(7, "server"), ends(7, killed)}, true},
		{"ends well", given, []recording.Event{starts(7, "server"), ends(7, 0)}, false},
		{"still there", given, []recording.Event{starts(7, "server")}, false},
		{"never started", given, nil, false},
		{"made a socket", given, []recording.Event{starts(7, "server"), calls(7, "socket"), ends(7, exitOne)}, false},
		{"slept", given, []recording.Event{starts(7, "server"), calls(7, "clock_nanosleep"), ends(7, exitOne)}, false},
		{"had a child", given, []recording.Event{starts(7, "server"), spawns(7, 8), ends(7, exitOne)}, false},
		{"another's socket is not its own", given, []recording.Event{starts(7, "server"), starts(9, "client"), calls(9, "socket"), ends(7, exitOne)}, true},
		{"the reference program is the kit's own", reference, []recording.Event{starts(7, "server"), ends(7, exitOne)}, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := &run{programs: Programs{Given: map[subject.Role]subject.Subject{subject.Server: row.program}}}
			err := r.deadOnArrival(made(one, row.events...))
			var dead *StartError
			if got := errors.As(err, &dead); got != row.dead {
				t.Fatalf("%v, want dead: %v", err, row.dead)
			}
			if row.dead && (dead.Role != subject.Server || dead.Path != "./a.out" || dead.Status == 0) {
				t.Errorf("%+v", dead)
			}
		})
	}
}

func TestOnlyGivenProgramsAreDeadOnArrival(t *testing.T) {
	r := &run{programs: Programs{Given: map[subject.Role]subject.Subject{}}}
	if err := r.deadOnArrival(made(one, starts(7, "server"), ends(7, exitOne))); err != nil {
		t.Errorf("a role that nobody gave: %v", err)
	}
}

func TestAProgramThatTheKernelRefuses(t *testing.T) {
	r := &run{programs: Programs{Given: map[subject.Role]subject.Subject{subject.Server: {Role: subject.Server, Given: "./a.out"}}}}
	refused := made(one)
	refused.Trailer.Unreached, refused.Trailer.Because = "server starts", "execve: argument list too long\x1b"
	const want = `server ./a.out: cannot be started: execve: argument list too long\x1b`
	if err := r.deadOnArrival(refused); err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}
