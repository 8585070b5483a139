package recorder

import (
	"encoding/binary"
	"math/bits"

	"golang.org/x/sys/unix"

	"ipckit/harness/recording"
)

// mmsghdrSize is the size of struct mmsghdr (recvmmsg(2)): a msghdr, and the
// length of what went through it.
const mmsghdrSize = msghdrSize + 8

// mostMessages of one call are decoded.
const mostMessages = 64

// messages is a mmsghdr array: the messages' bytes joined, and each one's
// length.
func messages(name string, at when) param {
	one := message(name, at)
	return param{name: name, at: at, decode: func(f *frame, v uint64) arg {
		count := length(f.args[2])
		if at == atExit {
			count = length(uint64(max(f.result, 0)))
		}
		all := arg{Out: at == atExit}
		for i := range min(count, mostMessages) {
			f.join(&all, one, v+uint64(i*mmsghdrSize))
		}
		return all
	}}
}

// join adds the message at an address to those before it.
func (f *frame) join(all *arg, one param, v uint64) {
	alone := *f
	if one.at == atExit {
		n := f.read(v+msghdrSize, 4)
		if len(n) < 4 {
			return
		}
		alone.result = int64(binary.NativeEndian.Uint32(n))
	}
	m := one.decode(&alone, v)
	if m.Data == nil {
		return
	}
	if all.Data == nil {
		all.Data, all.Addr = &recording.Data{}, m.Addr
	}
	all.Numbers = append(all.Numbers, m.Data.Len)
	if all.Data.Cut() == 0 {
		all.Data.Bytes = append(all.Data.Bytes, m.Data.Bytes...)
	}
	all.Data.Len += m.Data.Len
}

// Offsets of the ancillary data in struct msghdr, and within it (cmsg(3)).
const (
	msghdrControl    = 32
	msghdrControlLen = 40
	cmsghdrSize      = 16
	mostControl      = 4 << 10
)

// passed lists the descriptors that come with a message (unix(7), SCM_RIGHTS).
func passed(name string, at when) param {
	return param{name: name, at: at, decode: func(f *frame, v uint64) arg {
		h := f.read(v, msghdrSize)
		if len(h) < msghdrSize || at == atExit && f.failed() {
			return arg{Name: nothing}
		}
		size := int(min(binary.NativeEndian.Uint64(h[msghdrControlLen:]), mostControl))
		if size < cmsghdrSize {
			return arg{Name: nothing}
		}
		return arg{Numbers: rights(f.read(binary.NativeEndian.Uint64(h[msghdrControl:]), size)), Out: at == atExit}
	}}
}

// rights finds the descriptors in ancillary data.
func rights(b []byte) []int {
	const alignment = 8
	var all []int
	for len(b) >= cmsghdrSize {
		size := binary.NativeEndian.Uint64(b)
		if size < cmsghdrSize || size > uint64(len(b)) {
			break
		}
		if nativeInt(b[8:]) == unix.SOL_SOCKET && nativeInt(b[12:]) == unix.SCM_RIGHTS {
			for fds := b[cmsghdrSize:size]; len(fds) >= 4; fds = fds[4:] {
				all = append(all, nativeInt(fds))
			}
		}
		b = b[min((int(size)+alignment-1)&^(alignment-1), len(b)):]
	}
	return all
}

// ready lists the descriptors of a pollfd array that something happened on.
func ready(name string, count int) param {
	const revents = 6
	return param{name: name, at: atExit, decode: func(f *frame, v uint64) arg {
		found := arg{Out: true}
		if f.result <= 0 {
			return found
		}
		b := f.read(v, int(min(f.args[count], mostPolled))*pollfdSize)
		for ; len(b) >= pollfdSize; b = b[pollfdSize:] {
			if binary.NativeEndian.Uint16(b[revents:]) != 0 {
				found.Numbers = append(found.Numbers, nativeInt(b))
			}
		}
		return found
	}}
}

// mostSelected is FD_SETSIZE (select(2)).
const mostSelected = 1024

// selected lists the descriptors in an fd_set; the first argument bounds them.
func selected(name string, at when) param {
	return param{name: name, at: at, decode: func(f *frame, v uint64) arg {
		found := arg{Out: at == atExit}
		if v == 0 || at == atExit && f.result <= 0 {
			return found
		}
		most := int(min(max(int32(f.args[0]), 0), mostSelected))
		b := f.read(v, (most+63)/64*8)
		for base := 0; len(b) >= 8; b, base = b[8:], base+64 {
			for word := binary.NativeEndian.Uint64(b); word != 0; word &= word - 1 {
				if fd := base + bits.TrailingZeros64(word); fd < most {
					found.Numbers = append(found.Numbers, fd)
				}
			}
		}
		return found
	}}
}

// happened lists the descriptors that epoll_wait(2) reports, as epoll_ctl(2)
// named them.
func happened(name string) param {
	return param{name: name, at: atExit, decode: func(f *frame, v uint64) arg {
		found := arg{Out: true}
		b := f.read(v, int(min(max(f.result, 0), mostPolled))*epollEventSize)
		for ; len(b) >= epollEventSize; b = b[epollEventSize:] {
			if fd, ok := f.interest(int(int32(f.args[0])), binary.NativeEndian.Uint64(b[epollEventData:])); ok {
				found.Numbers = append(found.Numbers, fd)
			}
		}
		return found
	}}
}

// Offsets of what sigqueue(3) tells in siginfo_t.
const (
	queuedSize  = 32
	queuedPID   = 16
	queuedValue = 24
)

// queued is the value that the sender of a signal gives along.
func queued(name string) param {
	return param{name: name, decode: func(f *frame, v uint64) arg {
		b := f.read(v, queuedSize)
		if v == 0 || len(b) < queuedSize {
			return arg{}
		}
		return arg{Int: int64(nativeInt(b[queuedValue:]))}
	}}
}

// taken is the siginfo_t of a signal that was waited for: sender, code, value.
func taken(name string) param {
	return param{name: name, at: atExit, decode: func(f *frame, v uint64) arg {
		b := f.read(v, queuedSize)
		if v == 0 || len(b) < queuedSize || f.result <= 0 {
			return arg{Out: true}
		}
		code := int32(nativeInt(b[siginfoCode:]))
		found := arg{Int: int64(nativeInt(b[queuedPID:])), Text: codeName(recording.Signal(f.result), code), Out: true}
		if found.Text == "SI_QUEUE" || found.Text == "SI_TIMER" {
			found.Numbers = []int{nativeInt(b[queuedValue:])}
		}
		return found
	}}
}

// stack is a stack_t (sigaltstack(2)): its size, and what is said of it.
func stack(name string, at when) param {
	const size = 24
	return param{name: name, at: at, decode: func(f *frame, v uint64) arg {
		b := f.read(v, size)
		if v == 0 || len(b) < size || at == atExit && f.failed() {
			return arg{Out: at == atExit}
		}
		state := choice(uint64(binary.NativeEndian.Uint32(b[8:])), stackStates)
		return arg{Int: int64(binary.NativeEndian.Uint64(b[16:])), Text: state, Out: at == atExit}
	}}
}

var stackStates = []bit{{0, "enabled"}, {1, "SS_ONSTACK"}, {2, "SS_DISABLE"}}

// prctlArgument is a number, or a signal; most operations take an address there,
// which says nothing.
func prctlArgument(name string) param {
	return param{name: name, decode: func(f *frame, v uint64) arg {
		switch f.args[0] {
		case unix.PR_SET_PDEATHSIG:
			return arg{Int: int64(v), Text: recording.Signal(int32(v)).String()}
		case unix.PR_SET_CHILD_SUBREAPER, unix.PR_SET_DUMPABLE, unix.PR_SET_NO_NEW_PRIVS:
			return arg{Int: int64(v)}
		}
		return arg{Name: nothing}
	}}
}

// fcntlArgument is a number or flags; locks are addresses, which say nothing.
func fcntlArgument(name string) param {
	return param{name: name, decode: func(f *frame, v uint64) arg {
		switch int32(f.args[1]) {
		case unix.F_SETFL:
			return arg{Int: int64(int32(v)), Text: flagText(uint64(uint32(v)), fileFlags)}
		case unix.F_DUPFD, unix.F_DUPFD_CLOEXEC, unix.F_SETFD, unix.F_SETOWN, unix.F_SETSIG, unix.F_SETPIPE_SZ:
			return arg{Int: int64(int32(v))}
		}
		return arg{Name: nothing}
	}}
}

// notification is a struct sigevent (timer_create(2)): the signal and its value.
func notification(name string) param {
	const signalAt, size = 8, 16
	return param{name: name, decode: func(f *frame, v uint64) arg {
		b := f.read(v, size)
		if v == 0 || len(b) < size {
			return arg{}
		}
		return arg{Int: int64(nativeInt(b)), Text: recording.Signal(nativeInt(b[signalAt:])).String()}
	}}
}

// timerNumber is the timer_t that the kernel gives.
func timerNumber(name string) param {
	return param{name: name, at: atExit, decode: func(f *frame, v uint64) arg {
		b := f.read(v, 4)
		if len(b) < 4 || f.failed() {
			return arg{Out: true}
		}
		return arg{Int: int64(nativeInt(b)), Out: true}
	}}
}
