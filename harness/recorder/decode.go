package recorder

import (
	"encoding/binary"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"ipckit/harness/recording"
)

type arg = recording.Arg

// Size of the kernel's struct sigaction (handler, flags, restorer, mask) and
// where the mask lies in it, on amd64 and arm64.
const (
	actionSize = 32
	actionMask = 24
)

// when says at which stop an argument can be read.
type when int

const (
	atEntry when = iota // what the program hands over
	atExit              // what the kernel filled in
)

// memory reads the program's memory; a short result is what could be read.
type memory interface {
	read(addr uint64, n int) []byte
	text(addr uint64) string
}

// frame is a call at a stop: raw arguments, and at the exit the result.
type frame struct {
	memory
	args   [6]uint64
	result int64  // -errno for an error
	given  uint64 // the data of an epoll_event
	file   func(fd int) string
	stream func(fd int) string
	keep   func(n int) int // how many of n payload bytes are kept
	// interest returns the descriptor that the data of an epoll_event stands for.
	interest func(epfd int, data uint64) (fd int, ok bool)
}

func (f *frame) failed() bool { return f.result < 0 && f.result > -4096 }

// param is one parameter of a call, under its name in the man page.
type param struct {
	name   string
	at     when
	decode func(f *frame, v uint64) arg
	of     int // position, counted from 1, of the argument that it decodes; 0: its own
}

// nothing is an argument that says nothing, and is not recorded.
const nothing = "-"

// also decodes the argument at a position (counted from 0) once more, behind the
// others: what the kernel put where the program's own words were.
func also(position int, p param) param {
	p.of = position + 1
	return p
}

// position returns which argument the i-th parameter of a call decodes.
func (p *param) position(i int) int {
	if p.of > 0 {
		return p.of - 1
	}
	return i
}

// spec is how a call is decoded.
type spec struct {
	params []param
	newFD  bool // the result is a descriptor
}

func call(params ...param) spec { return spec{params: params} }

func opens(params ...param) spec { return spec{params: params, newFD: true} }

func number(name string) param {
	return param{name: name, at: atEntry, decode: func(_ *frame, v uint64) arg { return arg{Int: int64(v)} }}
}

// small is a C int: the kernel looks at its low half only.
func small(name string) param {
	return param{name: name, at: atEntry, decode: func(_ *frame, v uint64) arg { return arg{Int: int64(int32(v))} }}
}

func descriptor(name string) param {
	return param{name: name, at: atEntry, decode: func(f *frame, v uint64) arg {
		fd := int(int32(v))
		return arg{Int: int64(fd), File: f.file(fd), Stream: f.stream(fd)}
	}}
}

func named(name string, names []bit) param {
	return param{name: name, at: atEntry, decode: func(_ *frame, v uint64) arg {
		v = uint64(uint32(v))
		return arg{Int: int64(v), Text: choice(v, names)}
	}}
}

func flags(name string, bits []bit) param {
	return param{name: name, at: atEntry, decode: func(_ *frame, v uint64) arg {
		if v == 0 {
			return arg{}
		}
		return arg{Int: int64(v), Text: flagText(v, bits)}
	}}
}

func signal(name string) param {
	return param{name: name, at: atEntry, decode: func(_ *frame, v uint64) arg {
		s := recording.Signal(int32(v))
		text := ""
		if s != 0 {
			text = s.String()
		}
		return arg{Int: int64(s), Text: text}
	}}
}

func path(name string) param {
	return param{name: name, at: atEntry, decode: func(f *frame, v uint64) arg { return arg{Text: f.text(v)} }}
}

// in is a buffer that the program hands over; its length is argument n.
func in(name string, n int) param {
	return param{name: name, at: atEntry, decode: func(f *frame, v uint64) arg {
		return arg{Data: f.data(v, length(f.args[n]))}
	}}
}

// out is a buffer that the kernel filled; the result is its length. With
// MSG_TRUNC that is more than fitted into the buffer (recv(2)).
func out(name string) param {
	return param{name: name, at: atExit, decode: func(f *frame, v uint64) arg {
		if f.failed() {
			return arg{Out: true}
		}
		d := f.data(v, min(length(uint64(f.result)), length(f.args[2])))
		d.Len = length(uint64(f.result))
		return arg{Data: d, Out: true}
	}}
}

// mostBytes is what the kernel transfers in one call at most (read(2)).
const mostBytes = 0x7ffff000

// length bounds what a program says to be a length.
func length(v uint64) int { return int(min(v, mostBytes)) }

func (f *frame) data(addr uint64, length int) *recording.Data {
	d := &recording.Data{Len: length}
	if n := f.keep(length); n > 0 {
		d.Bytes = f.read(addr, n)
	}
	return d
}

// vector is an iovec array (readv(2)); count is the argument that holds its
// length.
func vector(name string, count int, at when) param {
	return param{name: name, at: at, decode: func(f *frame, v uint64) arg {
		total := -1
		if at == atExit {
			if f.failed() {
				return arg{Out: true}
			}
			total = int(f.result)
		}
		return arg{Data: f.gather(v, int(int32(f.args[count])), total), Out: at == atExit}
	}}
}

const (
	iovecSize = 16
	mostParts = 1024 // of an iovec array (readv(2), IOV_MAX)
)

// gather joins the parts of an iovec array, total bytes of them; -1 is all.
func (f *frame) gather(addr uint64, parts, total int) *recording.Data {
	if parts < 0 || parts > mostParts {
		return &recording.Data{} // the kernel takes no such array
	}
	raw := f.read(addr, parts*iovecSize)
	d := &recording.Data{Len: vectorLength(raw)}
	if total >= 0 {
		d.Len = min(d.Len, total)
	}
	for left := f.keep(d.Len); left > 0 && len(raw) >= iovecSize; raw = raw[iovecSize:] {
		size := min(left, length(binary.NativeEndian.Uint64(raw[8:])))
		part := f.read(binary.NativeEndian.Uint64(raw), size)
		d.Bytes = append(d.Bytes, part...)
		if left -= len(part); len(part) < size {
			break
		}
	}
	return d
}

// vectorLength sums the lengths in an iovec array.
func vectorLength(raw []byte) int {
	total := 0
	for ; len(raw) >= iovecSize; raw = raw[iovecSize:] {
		total = min(total+length(binary.NativeEndian.Uint64(raw[8:])), mostBytes)
	}
	return total
}

// Offsets of struct msghdr (recvmsg(2)) on 64-bit machines.
const (
	msghdrSize     = 56
	msghdrNameLen  = 8
	msghdrIov      = 16
	msghdrIovCount = 24
)

func message(name string, at when) param {
	return param{name: name, at: at, decode: func(f *frame, v uint64) arg {
		arg := arg{Out: at == atExit}
		h := f.read(v, msghdrSize)
		if len(h) < msghdrSize || at == atExit && f.failed() {
			return arg
		}
		total := -1
		if at == atExit {
			total = int(f.result)
		}
		arg.Data = f.gather(binary.NativeEndian.Uint64(h[msghdrIov:]), int(min(binary.NativeEndian.Uint64(h[msghdrIovCount:]), mostParts+1)), total)
		if n := int(binary.NativeEndian.Uint32(h[msghdrNameLen:])); n > 0 {
			arg.Addr = f.address(binary.NativeEndian.Uint64(h), n)
		}
		return arg
	}}
}

// address is a socket address of the given length.
func address(name string, length int) param {
	return param{name: name, at: atEntry, decode: func(f *frame, v uint64) arg {
		return arg{Addr: f.address(v, int(f.args[length]))}
	}}
}

// addressOut is a socket address that the kernel filled in; the argument length
// points to its length.
func addressOut(name string, length int) param {
	return param{name: name, at: atExit, decode: func(f *frame, v uint64) arg {
		n := f.read(f.args[length], 4)
		if v == 0 || f.failed() || len(n) < 4 {
			return arg{Out: true}
		}
		return arg{Addr: f.address(v, int(binary.NativeEndian.Uint32(n))), Out: true}
	}}
}

// sockaddrSize is the size of struct sockaddr_storage.
const sockaddrSize = 128

func (f *frame) address(v uint64, length int) *recording.Addr {
	if v == 0 || length <= 0 {
		return nil
	}
	return decodeAddress(f.read(v, min(length, sockaddrSize)))
}

func timespec(name string, at when) param {
	return param{name: name, at: at, decode: func(f *frame, v uint64) arg {
		d, ok := f.timespec(v)
		if !ok {
			return arg{Out: at == atExit}
		}
		return arg{Time: &d, Out: at == atExit}
	}}
}

// remaining is the time that was left of a sleep, which the kernel stores where
// a signal has ended it.
func remaining(name string) param {
	p := timespec(name, atExit)
	decode := p.decode
	p.decode = func(f *frame, v uint64) arg {
		if f.result != -int64(unix.EINTR) && f.result != -restartRestartBlock {
			return arg{Out: true}
		}
		return decode(f, v)
	}
	return p
}

func (f *frame) timespec(v uint64) (time.Duration, bool) {
	b := f.read(v, 16)
	if v == 0 || len(b) < 16 {
		return 0, false
	}
	return duration(b, time.Nanosecond), true
}

func timeval(name string, offset uint64) param {
	return param{name: name, at: atEntry, decode: func(f *frame, v uint64) arg {
		b := f.read(v+offset, 16)
		if v == 0 || len(b) < 16 {
			return arg{}
		}
		d := duration(b, time.Microsecond)
		return arg{Time: &d}
	}}
}

// millis and seconds are times given as numbers.
func millis(name string) param {
	return param{name: name, at: atEntry, decode: func(_ *frame, v uint64) arg {
		if int32(v) < 0 { // without end
			return arg{Int: int64(int32(v))}
		}
		d := time.Duration(int32(v)) * time.Millisecond
		return arg{Int: int64(int32(v)), Time: &d}
	}}
}

func seconds(name string) param {
	return param{name: name, at: atEntry, decode: func(_ *frame, v uint64) arg {
		d := time.Duration(uint32(v)) * time.Second
		return arg{Int: int64(v), Time: &d}
	}}
}

func signals(name string, at when) param {
	return param{name: name, at: at, decode: func(f *frame, v uint64) arg {
		b := f.read(v, 8)
		if v == 0 || len(b) < 8 || at == atExit && f.failed() {
			return arg{Out: at == atExit}
		}
		set := recording.SignalSet(binary.NativeEndian.Uint64(b))
		return arg{Set: &set, Out: at == atExit}
	}}
}

// action is a struct sigaction as the kernel knows it: handler, flags, restorer
// (not on every architecture), mask.
func action(name string, at when) param {
	return param{name: name, at: at, decode: func(f *frame, v uint64) arg {
		b := f.read(v, actionSize)
		if v == 0 || len(b) < actionSize || at == atExit && f.failed() {
			return arg{Out: at == atExit}
		}
		a := recording.Action{Handler: handlerText(binary.NativeEndian.Uint64(b))}
		if bits := binary.NativeEndian.Uint32(b[8:]); bits != 0 { // of an unsigned long
			a.Flags = flagText(uint64(bits), actionFlags)
		}
		a.Mask = recording.SignalSet(binary.NativeEndian.Uint64(b[actionMask:]))
		return arg{Action: &a, Out: at == atExit}
	}}
}

func handlerText(v uint64) string {
	switch v {
	case 0:
		return recording.HandlerDefault
	case 1:
		return recording.HandlerIgnore
	}
	return recording.HandlerOwn
}

// status is the int of wait4(2).
func status(name string) param {
	return param{name: name, at: atExit, decode: func(f *frame, v uint64) arg {
		b := f.read(v, 4)
		if v == 0 || len(b) < 4 || f.result <= 0 {
			return arg{Out: true}
		}
		w := recording.WaitStatus(binary.NativeEndian.Uint32(b))
		return arg{Status: &w, Out: true}
	}}
}

// Offsets of siginfo_t for a child's change of state (waitid(2)).
const (
	siginfoSize   = 28
	siginfoCode   = 8
	siginfoPID    = 16
	siginfoStatus = 24
)

// childInfo is the siginfo_t of waitid(2): the child and how it changed.
func childInfo(name string) param {
	return param{name: name, at: atExit, decode: func(f *frame, v uint64) arg {
		b := f.read(v, siginfoSize)
		if v == 0 || len(b) < siginfoSize || f.failed() {
			return arg{Out: true}
		}
		pid := int64(int32(binary.NativeEndian.Uint32(b[siginfoPID:])))
		if pid == 0 {
			return arg{Out: true}
		}
		w := waitStatus(int(binary.NativeEndian.Uint32(b[siginfoCode:])), int(binary.NativeEndian.Uint32(b[siginfoStatus:])))
		return arg{Int: pid, Status: &w, Out: true}
	}}
}

// waitStatus encodes what waitid(2) tells as wait4(2) would.
func waitStatus(code, value int) recording.WaitStatus {
	const exited, killed, dumped, stopped, continued = 1, 2, 3, 5, 6
	switch code {
	case exited:
		return recording.WaitStatus(value & 0xff << 8)
	case killed:
		return recording.WaitStatus(value & 0x7f)
	case dumped:
		return recording.WaitStatus(value&0x7f | 0x80)
	case stopped:
		return recording.WaitStatus(value&0xff<<8 | 0x7f)
	case continued:
		return 0xffff
	}
	return 0
}

// pair is an int[2] that the kernel filled in (pipe(2)).
func pair(name string) param {
	return param{name: name, at: atExit, decode: func(f *frame, v uint64) arg {
		b := f.read(v, 8)
		if len(b) < 8 || f.failed() {
			return arg{Out: true}
		}
		return arg{Numbers: []int{int(binary.NativeEndian.Uint32(b)), int(binary.NativeEndian.Uint32(b[4:]))}, Out: true}
	}}
}

// option is the name of a socket option; its level is the argument before.
func option(name string) param {
	return param{name: name, at: atEntry, decode: func(f *frame, v uint64) arg {
		return arg{Int: int64(int32(v)), Text: choice(uint64(uint32(v)), options[uint64(uint32(f.args[1]))])}
	}}
}

// value is the value of a socket option: an int where it is one.
func value(name string, at when) param {
	return param{name: name, at: at, decode: func(f *frame, v uint64) arg {
		arg := arg{Out: at == atExit}
		length := int(f.args[4])
		if at == atExit {
			if n := f.read(f.args[4], 4); len(n) == 4 && !f.failed() {
				length = int(binary.NativeEndian.Uint32(n))
			} else {
				return arg
			}
		}
		f.optionValue(&arg, f.read(v, min(max(length, 0), 64)), max(length, 0))
		return arg
	}}
}

// optionValue decodes a number, a time, a struct linger; what else there is are
// bytes.
func (f *frame) optionValue(arg *arg, b []byte, length int) {
	name := choice(uint64(uint32(f.args[2])), options[uint64(uint32(f.args[1]))])
	switch {
	case len(b) == 4:
		arg.Int = int64(nativeInt(b))
	case len(b) == 8 && name == "SO_LINGER":
		arg.Numbers = []int{nativeInt(b), nativeInt(b[4:])}
	case len(b) == 16 && strings.HasSuffix(name, "TIMEO"):
		d := duration(b, time.Microsecond)
		arg.Time = &d
	default:
		arg.Data = &recording.Data{Bytes: b, Len: length}
	}
}

// duration reads two numbers: seconds, and parts of a second. What does not fit
// is as long as can be said.
func duration(b []byte, part time.Duration) time.Duration {
	const most = 1 << 32 // seconds
	seconds := min(max(int64(binary.NativeEndian.Uint64(b)), -most), most)
	parts := min(max(int64(binary.NativeEndian.Uint64(b[8:])), 0), int64(time.Second/part))
	return time.Duration(seconds)*time.Second + time.Duration(parts)*part
}

const (
	pollfdSize = 8
	mostPolled = 64
)

// polled lists the descriptors of a pollfd array.
func polled(name string, count int) param {
	return param{name: name, at: atEntry, decode: func(f *frame, v uint64) arg {
		var arg arg
		b := f.read(v, int(min(f.args[count], mostPolled))*pollfdSize)
		for ; len(b) >= pollfdSize; b = b[pollfdSize:] {
			arg.Numbers = append(arg.Numbers, int(int32(binary.NativeEndian.Uint32(b))))
		}
		return arg
	}}
}

// interest is the event mask of epoll_ctl(2).
func interest(name string) param {
	return param{name: name, at: atEntry, decode: func(f *frame, v uint64) arg {
		b := f.read(v, epollEventSize)
		if v == 0 || len(b) < epollEventSize {
			return arg{}
		}
		f.given = binary.NativeEndian.Uint64(b[epollEventData:])
		bits := uint64(binary.NativeEndian.Uint32(b))
		return arg{Int: int64(bits), Text: flagText(bits, epollEvents)}
	}}
}

// cloneArgs is the struct of clone3(2): flags and exit signal.
func cloneArgs(name string) param {
	return param{name: name, at: atEntry, decode: func(f *frame, v uint64) arg {
		b := f.read(v, 40)
		if len(b) < 40 {
			return arg{}
		}
		bits := binary.NativeEndian.Uint64(b)
		return arg{Int: int64(bits), Text: cloneText(bits | binary.NativeEndian.Uint64(b[32:]))}
	}}
}

func cloneWays(name string) param {
	return param{name: name, at: atEntry, decode: func(_ *frame, v uint64) arg {
		return arg{Int: int64(v), Text: cloneText(v)}
	}}
}

// cloneText names the flags and the signal in the lowest byte (clone(2)).
func cloneText(v uint64) string {
	text := ""
	if v&^0xff != 0 {
		text = flagText(v&^0xff, cloneFlags) + "|"
	}
	if s := recording.Signal(v & 0xff); s != 0 {
		return text + s.String()
	}
	if text == "" {
		return "0"
	}
	return text[:len(text)-1]
}

// strings reads a NULL-terminated array of strings, as execve(2) takes it.
func (f *frame) strings(v uint64) []string {
	const most = 64
	var all []string
	for ; len(all) < most; v += 8 {
		b := f.read(v, 8)
		if len(b) < 8 || binary.NativeEndian.Uint64(b) == 0 {
			break
		}
		all = append(all, f.text(binary.NativeEndian.Uint64(b)))
	}
	return all
}

func nativeInt(b []byte) int { return int(int32(binary.NativeEndian.Uint32(b))) }

// decodeAddress reads a struct sockaddr of any family.
func decodeAddress(b []byte) *recording.Addr {
	if len(b) < 2 {
		return nil
	}
	family := uint64(binary.NativeEndian.Uint16(b))
	a := &recording.Addr{Family: choice(family, families)}
	switch {
	case family == unix.AF_INET && len(b) >= unix.SizeofSockaddrInet4:
		a.IP, a.Port = ipText(b[4:8]), int(binary.BigEndian.Uint16(b[2:]))
	case family == unix.AF_INET6 && len(b) >= unix.SizeofSockaddrInet6-4:
		a.IP, a.Port = ipText(b[8:24]), int(binary.BigEndian.Uint16(b[2:]))
	case family == unix.AF_UNIX:
		a.Path = unixPath(b[2:])
	default:
		a.Raw = append([]byte(nil), b[2:]...)
	}
	return a
}
