package ptrace

import (
	"encoding/binary"
	"testing"

	"golang.org/x/sys/unix"
)

// raw builds a siginfo whose union is three words.
func raw(sig unix.Signal, code int32, words ...uint64) *rawSiginfo {
	var r rawSiginfo
	binary.NativeEndian.PutUint32(r[0:], uint32(sig))
	binary.NativeEndian.PutUint32(r[8:], uint32(code))
	for i, word := range words {
		binary.NativeEndian.PutUint64(r[16+8*i:], word)
	}
	return &r
}

func TestSiginfoUnionIsReadByItsCode(t *testing.T) {
	const sender = 1000<<32 | 77 // uid 1000, pid 77
	for _, row := range []struct {
		reason string
		raw    *rawSiginfo
		want   Siginfo
	}{
		{"kill has a sender", raw(unix.SIGTERM, SI_USER, sender),
			Siginfo{Signo: unix.SIGTERM, HasPID: true, PID: 77, UID: 1000}},
		{"a sender of another namespace is 0 and yet there", raw(unix.SIGTERM, SI_USER, 0),
			Siginfo{Signo: unix.SIGTERM, HasPID: true}},
		{"Ctrl+C has none", raw(unix.SIGINT, SI_KERNEL, sender), Siginfo{Signo: unix.SIGINT, Code: SI_KERNEL}},
		{"tgkill has a sender, no value", raw(unix.SIGABRT, SI_TKILL, sender, 5),
			Siginfo{Signo: unix.SIGABRT, Code: SI_TKILL, HasPID: true, PID: 77, UID: 1000}},
		{"sigqueue has both", raw(unix.SIGUSR1, SI_QUEUE, sender, 5),
			Siginfo{Signo: unix.SIGUSR1, Code: SI_QUEUE, HasPID: true, PID: 77, UID: 1000, Value: 5}},
		{"a timer's id is no pid", raw(unix.SIGALRM, SI_TIMER, 3, 5), Siginfo{Signo: unix.SIGALRM, Code: SI_TIMER, Value: 5}},
		{"a child that exited", raw(unix.SIGCHLD, CLD_EXITED, sender, 3),
			Siginfo{Signo: unix.SIGCHLD, Code: CLD_EXITED, HasPID: true, PID: 77, UID: 1000, Status: 3}},
		{"a child that stopped", raw(unix.SIGCHLD, CLD_STOPPED, sender, uint64(unix.SIGSTOP)),
			Siginfo{Signo: unix.SIGCHLD, Code: CLD_STOPPED, HasPID: true, PID: 77, UID: 1000, Status: int(unix.SIGSTOP)}},
		{"SIGCHLD by kill has no status", raw(unix.SIGCHLD, SI_USER, sender, 3),
			Siginfo{Signo: unix.SIGCHLD, HasPID: true, PID: 77, UID: 1000}},
		{"a fault has an address", raw(unix.SIGSEGV, 1, 0xdead0), Siginfo{Signo: unix.SIGSEGV, Code: 1, Addr: 0xdead0}},
		{"SIGSEGV by kill has a sender", raw(unix.SIGSEGV, SI_USER, sender),
			Siginfo{Signo: unix.SIGSEGV, HasPID: true, PID: 77, UID: 1000}},
		{"SIGSYS tells the call", raw(unix.SIGSYS, 1, 0x4000, 435),
			Siginfo{Signo: unix.SIGSYS, Code: 1, Addr: 0x4000, Value: 435}},
		{"SIGPOLL tells the band", raw(unix.SIGIO, 1, 0x41), Siginfo{Signo: unix.SIGIO, Code: 1, Value: 0x41}},
		{"a made-up code is not trusted", raw(unix.SIGUSR1, -60, sender, 5), Siginfo{Signo: unix.SIGUSR1, Code: -60}},
		{"a ptrace stop has nothing", raw(unix.SIGTRAP, 0x85, sender), Siginfo{Signo: unix.SIGTRAP, Code: 0x85}},
	} {
		t.Run(row.reason, func(t *testing.T) {
			if got := row.raw.decode(); got != row.want {
				t.Errorf("decoded %+v; want %+v", got, row.want)
			}
		})
	}
}
