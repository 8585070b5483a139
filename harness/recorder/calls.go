package recorder

import (
	"net/netip"
	"strings"
)

// calls are the system calls that are recorded, with their parameters under the
// names of section 2 of the manual. A call that an architecture lacks is never
// met there.
var calls = map[string]spec{
	// sockets
	"socket":      opens(named("domain", families), param{name: "type", decode: socketTypeArg}, named("protocol", protocols)),
	"socketpair":  call(named("domain", families), param{name: "type", decode: socketTypeArg}, named("protocol", protocols), pair("sv")),
	"bind":        call(descriptor("fd"), address("addr", 2)),
	"listen":      call(descriptor("fd"), small("backlog")),
	"accept":      opens(descriptor("fd"), addressOut("addr", 2)),
	"accept4":     opens(descriptor("fd"), addressOut("addr", 2), skip(), flags4("flags", socketFlags)),
	"connect":     call(descriptor("fd"), address("addr", 2)),
	"shutdown":    call(descriptor("fd"), named("how", shutdownWays)),
	"setsockopt":  call(descriptor("fd"), named("level", levels), option("optname"), value("optval", atEntry)),
	"getsockopt":  call(descriptor("fd"), named("level", levels), option("optname"), value("optval", atExit)),
	"getsockname": call(descriptor("fd"), addressOut("addr", 2)),
	"getpeername": call(descriptor("fd"), addressOut("addr", 2)),

	// bytes
	"read":     call(descriptor("fd"), out("buf"), number("count")),
	"write":    call(descriptor("fd"), in("buf", 2), number("count")),
	"readv":    call(descriptor("fd"), vector("iov", 2, atExit), small("iovcnt")),
	"writev":   call(descriptor("fd"), vector("iov", 2, atEntry), small("iovcnt")),
	"pread64":  call(descriptor("fd"), out("buf"), number("count"), number("offset")),
	"pwrite64": call(descriptor("fd"), in("buf", 2), number("count"), number("offset")),
	"preadv":   call(descriptor("fd"), vector("iov", 2, atExit), small("iovcnt")),
	"pwritev":  call(descriptor("fd"), vector("iov", 2, atEntry), small("iovcnt")),
	"recvfrom": call(descriptor("fd"), out("buf"), number("size"), flags4("flags", messageFlags), addressOut("src_addr", 5)),
	"sendto":   call(descriptor("fd"), in("buf", 2), number("size"), flags4("flags", messageFlags), address("dest_addr", 5)),
	"recvmsg":  call(descriptor("fd"), message("msg", atExit), flags4("flags", messageFlags), also(1, passed("passed", atExit))),
	"sendmsg":  call(descriptor("fd"), message("msg", atEntry), flags4("flags", messageFlags), also(1, passed("passed", atEntry))),
	"recvmmsg": call(descriptor("fd"), messages("msgvec", atExit), number("vlen"), flags4("flags", messageFlags)),
	"sendmmsg": call(descriptor("fd"), messages("msgvec", atEntry), number("vlen"), flags4("flags", messageFlags)),
	"sendfile": call(descriptor("fd"), descriptor("in_fd"), skip(), number("count")),
	"splice":   call(descriptor("in_fd"), skip(), descriptor("fd"), skip(), number("size"), number("flags")),
	"tee":      call(descriptor("in_fd"), descriptor("fd"), number("size"), number("flags")),
	"vmsplice": call(descriptor("fd"), vector("iov", 2, atEntry), small("nr_segs"), number("flags")),
	"preadv2":  call(descriptor("fd"), vector("iov", 2, atExit), small("iovcnt")),
	"pwritev2": call(descriptor("fd"), vector("iov", 2, atEntry), small("iovcnt")),

	// descriptors
	"close":             call(descriptor("fd")),
	"close_range":       call(number("first"), number("last"), number("flags")),
	"dup":               opens(descriptor("fd")),
	"dup2":              opens(descriptor("fd"), small("newfd")),
	"dup3":              opens(descriptor("fd"), small("newfd"), flags4("flags", fileFlags)),
	"fcntl":             call(descriptor("fd"), named("op", fcntlCommands), fcntlArgument("arg")),
	"pipe":              call(pair("pipefd")),
	"pipe2":             call(pair("pipefd"), flags4("flags", fileFlags)),
	"eventfd2":          opens(number("initval"), flags4("flags", fileFlags)),
	"signalfd4":         opens(small("fd"), signals("mask", atEntry), skip(), flags4("flags", fileFlags)),
	"timerfd_create":    opens(named("clockid", clocks), flags4("flags", fileFlags)),
	"timerfd_settime":   call(descriptor("fd"), number("flags"), timerValue("new_value")),
	"pidfd_open":        opens(small("pid"), number("flags")),
	"pidfd_send_signal": call(descriptor("fd"), signal("sig")),
	"pidfd_getfd":       opens(descriptor("fd"), small("targetfd")),
	"epoll_create1":     opens(flags4("flags", fileFlags)),
	"epoll_create":      opens(small("size")),
	"epoll_ctl":         call(descriptor("epfd"), named("op", epollWays), descriptor("fd"), interest("event")),
	"epoll_wait":        call(descriptor("fd"), skip(), small("maxevents"), millis("timeout"), also(1, happened("ready"))),
	"epoll_pwait":       call(descriptor("fd"), skip(), small("maxevents"), millis("timeout"), signals("sigmask", atEntry), also(1, happened("ready"))),
	"epoll_pwait2":      call(descriptor("fd"), skip(), small("maxevents"), timespec("timeout", atEntry), signals("sigmask", atEntry), also(1, happened("ready"))),
	"poll":              call(polled("fds", 1), number("nfds"), millis("timeout"), also(0, ready("ready", 1))),
	"ppoll":             call(polled("fds", 1), number("nfds"), timespec("timeout", atEntry), signals("sigmask", atEntry), also(0, ready("ready", 1))),
	"select":            call(small("nfds"), selected("readfds", atEntry), selected("writefds", atEntry), selected("exceptfds", atEntry), timeval("timeout", 0), also(1, selected("ready", atExit)), also(2, selected("ready_writing", atExit)), also(3, selected("ready_except", atExit))),
	"pselect6":          call(small("nfds"), selected("readfds", atEntry), selected("writefds", atEntry), selected("exceptfds", atEntry), timespec("timeout", atEntry), also(1, selected("ready", atExit)), also(2, selected("ready_writing", atExit)), also(3, selected("ready_except", atExit))),

	// signals
	"kill":              call(small("pid"), signal("sig")),
	"tkill":             call(small("tid"), signal("sig")),
	"tgkill":            call(small("tgid"), small("tid"), signal("sig")),
	"rt_sigqueueinfo":   call(small("pid"), signal("sig"), queued("info")),
	"rt_tgsigqueueinfo": call(small("tgid"), small("tid"), signal("sig"), queued("info")),
	"rt_sigaction":      call(signal("sig"), action("act", atEntry), action("oldact", atExit)),
	"rt_sigprocmask":    call(named("how", maskWays), signals("set", atEntry), signals("oldset", atExit)),
	"rt_sigsuspend":     call(signals("mask", atEntry)),
	"rt_sigpending":     call(signals("set", atExit)),
	"rt_sigtimedwait":   call(signals("set", atEntry), taken("info"), timespec("timeout", atEntry)),
	"pause":             call(),
	"sigaltstack":       call(stack("ss", atEntry), stack("old_ss", atExit)),

	// processes
	"fork":     call(),
	"vfork":    call(),
	"clone":    call(cloneWays("flags")),
	"clone3":   call(cloneArgs("cl_args")),
	"execve":   call(path("path")),
	"execveat": call(small("dirfd"), path("path")),
	"wait4":    call(small("pid"), status("wstatus"), flags4("options", waitFlags)),
	"waitid":   call(named("idtype", idTypes), small("id"), childInfo("infop"), flags4("options", waitFlags)),

	"exit":       call(small("status")),
	"exit_group": call(small("status")),
	"setsid":     call(),
	"setpgid":    call(small("pid"), small("pgid")),
	"prctl":      call(named("op", prctls), prctlArgument("arg2")),

	// time
	"nanosleep":       call(timespec("duration", atEntry), remaining("rem")),
	"clock_nanosleep": call(named("clockid", clocks), flags4("flags", timerFlags), timespec("t", atEntry), remaining("remain")),
	"alarm":           call(seconds("seconds")),
	"setitimer":       call(named("which", timers), timeval("new_value", 16)),
	"timer_create":    call(named("clockid", clocks), notification("sevp"), timerNumber("timerid")),
	"timer_delete":    call(number("timerid")),
	"timer_settime":   call(number("timerid"), number("flags"), timerValue("new_value")),
	"restart_syscall": call(),
}

// quiet calls are recorded only where they concern a socket, a pipe, a terminal
// or one of the first three descriptors: what a loader or a runtime reads from
// files says nothing about communication.
var quiet = map[string]bool{
	"read": true, "write": true, "readv": true, "writev": true, "pread64": true, "pwrite64": true, "preadv": true, "pwritev": true,
	"preadv2": true, "pwritev2": true,
	"close": true, "fcntl": true,
}

// denied calls are what no exercise in communication needs and what would harm,
// or would hide what the program does. The error is the one that a kernel
// without the feature gives.
var denied = deniedCalls()

// skip passes over an argument that is not recorded.
func skip() param { return param{} }

// flags4 is a flags argument of type int.
func flags4(name string, bits []bit) param {
	p := flags(name, bits)
	decode := p.decode
	p.decode = func(f *frame, v uint64) arg { return decode(f, uint64(uint32(v))) }
	return p
}

func socketTypeArg(_ *frame, v uint64) arg {
	return arg{Int: int64(uint32(v)), Text: socketTypeText(uint64(uint32(v)))}
}

// timerValue is a struct itimerspec: the time until the first expiry.
func timerValue(name string) param {
	return param{name: name, at: atEntry, decode: func(f *frame, v uint64) arg {
		const valueOffset = 16
		d, ok := f.timespec(v + valueOffset)
		if v == 0 || !ok {
			return arg{}
		}
		return arg{Time: &d}
	}}
}

func ipText(b []byte) string {
	ip, _ := netip.AddrFromSlice(b)
	return ip.String()
}

// unixPath reads sun_path: up to the first NUL, which the caller's length may
// lie behind; a leading NUL is the abstract name space, where every byte counts.
func unixPath(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	if b[0] == 0 {
		return "@" + string(b[1:])
	}
	name, _, _ := strings.Cut(string(b), "\x00")
	return name
}
