package recorder

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// bit is a named value of a flags argument.
type bit struct {
	value uint64
	name  string
}

// flagText names the bits that are set: "SOCK_STREAM|SOCK_CLOEXEC"; what has no
// name is left as a number.
func flagText(value uint64, bits []bit) string {
	var names []string
	for _, b := range bits {
		if b.value != 0 && value&b.value == b.value {
			names = append(names, b.name)
			value &^= b.value
		}
	}
	if value != 0 || len(names) == 0 {
		names = append(names, fmt.Sprintf("%#x", value))
	}
	return strings.Join(names, "|")
}

// choice names one value out of a list.
func choice(value uint64, names []bit) string {
	for _, n := range names {
		if n.value == value {
			return n.name
		}
	}
	return fmt.Sprintf("%#x", value)
}

var families = []bit{
	{unix.AF_UNSPEC, "AF_UNSPEC"}, {unix.AF_UNIX, "AF_UNIX"}, {unix.AF_INET, "AF_INET"}, {unix.AF_INET6, "AF_INET6"},
	{unix.AF_NETLINK, "AF_NETLINK"}, {unix.AF_PACKET, "AF_PACKET"}, {unix.AF_VSOCK, "AF_VSOCK"}, {unix.AF_ALG, "AF_ALG"},
}

var socketTypes = []bit{
	{unix.SOCK_STREAM, "SOCK_STREAM"}, {unix.SOCK_DGRAM, "SOCK_DGRAM"}, {unix.SOCK_RAW, "SOCK_RAW"},
	{unix.SOCK_RDM, "SOCK_RDM"}, {unix.SOCK_SEQPACKET, "SOCK_SEQPACKET"},
}

var socketFlags = []bit{{unix.SOCK_NONBLOCK, "SOCK_NONBLOCK"}, {unix.SOCK_CLOEXEC, "SOCK_CLOEXEC"}}

// socketTypeMask parts the type from the flags (socket(2)).
const socketTypeMask = 0xf

func socketTypeText(v uint64) string {
	text := choice(v&socketTypeMask, socketTypes)
	if rest := v &^ socketTypeMask; rest != 0 {
		text += "|" + flagText(rest, socketFlags)
	}
	return text
}

var protocols = []bit{
	{0, "0"}, {unix.IPPROTO_TCP, "IPPROTO_TCP"}, {unix.IPPROTO_UDP, "IPPROTO_UDP"}, {unix.IPPROTO_ICMP, "IPPROTO_ICMP"},
	{unix.IPPROTO_IPV6, "IPPROTO_IPV6"}, {unix.IPPROTO_SCTP, "IPPROTO_SCTP"}, {unix.IPPROTO_MPTCP, "IPPROTO_MPTCP"},
}

var levels = []bit{
	{unix.SOL_SOCKET, "SOL_SOCKET"}, {unix.IPPROTO_TCP, "IPPROTO_TCP"}, {unix.IPPROTO_IP, "IPPROTO_IP"},
	{unix.IPPROTO_IPV6, "IPPROTO_IPV6"}, {unix.IPPROTO_UDP, "IPPROTO_UDP"}, {unix.IPPROTO_MPTCP, "IPPROTO_MPTCP"},
}

var options = map[uint64][]bit{
	unix.SOL_SOCKET: {
		{unix.SO_REUSEADDR, "SO_REUSEADDR"}, {unix.SO_REUSEPORT, "SO_REUSEPORT"}, {unix.SO_KEEPALIVE, "SO_KEEPALIVE"},
		{unix.SO_LINGER, "SO_LINGER"}, {unix.SO_BROADCAST, "SO_BROADCAST"}, {unix.SO_RCVBUF, "SO_RCVBUF"}, {unix.SO_SNDBUF, "SO_SNDBUF"},
		{unix.SO_RCVTIMEO, "SO_RCVTIMEO"}, {unix.SO_SNDTIMEO, "SO_SNDTIMEO"}, {unix.SO_ERROR, "SO_ERROR"}, {unix.SO_TYPE, "SO_TYPE"},
		{unix.SO_ACCEPTCONN, "SO_ACCEPTCONN"}, {unix.SO_PROTOCOL, "SO_PROTOCOL"}, {unix.SO_DOMAIN, "SO_DOMAIN"},
		{unix.SO_PEERCRED, "SO_PEERCRED"}, {unix.SO_PASSCRED, "SO_PASSCRED"},
	},
	unix.IPPROTO_TCP: {
		{unix.TCP_NODELAY, "TCP_NODELAY"}, {unix.TCP_CORK, "TCP_CORK"}, {unix.TCP_KEEPIDLE, "TCP_KEEPIDLE"}, {unix.TCP_KEEPINTVL, "TCP_KEEPINTVL"},
		{unix.TCP_KEEPCNT, "TCP_KEEPCNT"}, {unix.TCP_DEFER_ACCEPT, "TCP_DEFER_ACCEPT"}, {unix.TCP_USER_TIMEOUT, "TCP_USER_TIMEOUT"},
		{unix.TCP_INFO, "TCP_INFO"}, {unix.TCP_QUICKACK, "TCP_QUICKACK"}, {unix.TCP_FASTOPEN, "TCP_FASTOPEN"},
	},
	unix.IPPROTO_IPV6: {{unix.IPV6_V6ONLY, "IPV6_V6ONLY"}},
	unix.IPPROTO_IP:   {{unix.IP_TOS, "IP_TOS"}, {unix.IP_TTL, "IP_TTL"}, {unix.IP_RECVERR, "IP_RECVERR"}, {unix.IP_BIND_ADDRESS_NO_PORT, "IP_BIND_ADDRESS_NO_PORT"}},
}

var messageFlags = []bit{
	{unix.MSG_NOSIGNAL, "MSG_NOSIGNAL"}, {unix.MSG_DONTWAIT, "MSG_DONTWAIT"}, {unix.MSG_PEEK, "MSG_PEEK"}, {unix.MSG_WAITALL, "MSG_WAITALL"},
	{unix.MSG_TRUNC, "MSG_TRUNC"}, {unix.MSG_OOB, "MSG_OOB"}, {unix.MSG_MORE, "MSG_MORE"}, {unix.MSG_CMSG_CLOEXEC, "MSG_CMSG_CLOEXEC"},
	{unix.MSG_ERRQUEUE, "MSG_ERRQUEUE"}, {unix.MSG_WAITFORONE, "MSG_WAITFORONE"},
}

var shutdownWays = []bit{{unix.SHUT_RD, "SHUT_RD"}, {unix.SHUT_WR, "SHUT_WR"}, {unix.SHUT_RDWR, "SHUT_RDWR"}}

var waitFlags = []bit{
	{unix.WNOHANG, "WNOHANG"}, {unix.WUNTRACED, "WUNTRACED"}, {unix.WEXITED, "WEXITED"}, {unix.WCONTINUED, "WCONTINUED"},
	{unix.WNOWAIT, "WNOWAIT"}, {unix.WALL, "__WALL"}, {unix.WCLONE, "__WCLONE"}, {unix.WNOTHREAD, "__WNOTHREAD"},
}

var idTypes = []bit{{unix.P_ALL, "P_ALL"}, {unix.P_PID, "P_PID"}, {unix.P_PGID, "P_PGID"}, {unix.P_PIDFD, "P_PIDFD"}}

const (
	saNoCldStop = 0x1
	saNoCldWait = 0x2
	saSigInfo   = 0x4
	saRestorer  = 0x04000000
	saOnStack   = 0x08000000
	saRestart   = 0x10000000
	saNoDefer   = 0x40000000
	saResetHand = 0x80000000
)

var actionFlags = []bit{
	{saNoCldStop, "SA_NOCLDSTOP"}, {saNoCldWait, "SA_NOCLDWAIT"}, {saSigInfo, "SA_SIGINFO"}, {saOnStack, "SA_ONSTACK"},
	{saRestart, "SA_RESTART"}, {saNoDefer, "SA_NODEFER"}, {saResetHand, "SA_RESETHAND"}, {saRestorer, "SA_RESTORER"},
}

var maskWays = []bit{{unix.SIG_BLOCK, "SIG_BLOCK"}, {unix.SIG_UNBLOCK, "SIG_UNBLOCK"}, {unix.SIG_SETMASK, "SIG_SETMASK"}}

var cloneFlags = []bit{
	{unix.CLONE_VM, "CLONE_VM"}, {unix.CLONE_FS, "CLONE_FS"}, {unix.CLONE_FILES, "CLONE_FILES"}, {unix.CLONE_SIGHAND, "CLONE_SIGHAND"},
	{unix.CLONE_PIDFD, "CLONE_PIDFD"}, {unix.CLONE_VFORK, "CLONE_VFORK"}, {unix.CLONE_PARENT, "CLONE_PARENT"}, {unix.CLONE_THREAD, "CLONE_THREAD"},
	{unix.CLONE_NEWNS, "CLONE_NEWNS"}, {unix.CLONE_SYSVSEM, "CLONE_SYSVSEM"}, {unix.CLONE_SETTLS, "CLONE_SETTLS"},
	{unix.CLONE_PARENT_SETTID, "CLONE_PARENT_SETTID"}, {unix.CLONE_CHILD_CLEARTID, "CLONE_CHILD_CLEARTID"}, {unix.CLONE_CHILD_SETTID, "CLONE_CHILD_SETTID"},
	{unix.CLONE_NEWUSER, "CLONE_NEWUSER"}, {unix.CLONE_NEWPID, "CLONE_NEWPID"}, {unix.CLONE_NEWNET, "CLONE_NEWNET"},
	{unix.CLONE_NEWIPC, "CLONE_NEWIPC"}, {unix.CLONE_NEWUTS, "CLONE_NEWUTS"}, {unix.CLONE_CLEAR_SIGHAND, "CLONE_CLEAR_SIGHAND"},
}

var fileFlags = []bit{{unix.O_NONBLOCK, "O_NONBLOCK"}, {unix.O_CLOEXEC, "O_CLOEXEC"}, {unix.O_DIRECT, "O_DIRECT"}, {unix.O_APPEND, "O_APPEND"}, {unix.O_RDWR, "O_RDWR"}, {unix.O_WRONLY, "O_WRONLY"}}

var fcntlCommands = []bit{
	{unix.F_DUPFD, "F_DUPFD"}, {unix.F_GETFD, "F_GETFD"}, {unix.F_SETFD, "F_SETFD"}, {unix.F_GETFL, "F_GETFL"}, {unix.F_SETFL, "F_SETFL"},
	{unix.F_DUPFD_CLOEXEC, "F_DUPFD_CLOEXEC"}, {unix.F_SETLK, "F_SETLK"}, {unix.F_GETLK, "F_GETLK"}, {unix.F_SETLKW, "F_SETLKW"},
	{unix.F_GETPIPE_SZ, "F_GETPIPE_SZ"}, {unix.F_SETPIPE_SZ, "F_SETPIPE_SZ"}, {unix.F_SETOWN, "F_SETOWN"}, {unix.F_SETSIG, "F_SETSIG"},
}

var clocks = []bit{{unix.CLOCK_REALTIME, "CLOCK_REALTIME"}, {unix.CLOCK_MONOTONIC, "CLOCK_MONOTONIC"}, {unix.CLOCK_BOOTTIME, "CLOCK_BOOTTIME"}}

var timerFlags = []bit{{unix.TIMER_ABSTIME, "TIMER_ABSTIME"}}

var timers = []bit{{0, "ITIMER_REAL"}, {1, "ITIMER_VIRTUAL"}, {2, "ITIMER_PROF"}}

var epollWays = []bit{{unix.EPOLL_CTL_ADD, "EPOLL_CTL_ADD"}, {unix.EPOLL_CTL_DEL, "EPOLL_CTL_DEL"}, {unix.EPOLL_CTL_MOD, "EPOLL_CTL_MOD"}}

var epollEvents = []bit{
	{unix.EPOLLIN, "EPOLLIN"}, {unix.EPOLLOUT, "EPOLLOUT"}, {unix.EPOLLERR, "EPOLLERR"}, {unix.EPOLLHUP, "EPOLLHUP"}, {unix.EPOLLRDHUP, "EPOLLRDHUP"},
	{unix.EPOLLPRI, "EPOLLPRI"}, {unix.EPOLLET, "EPOLLET"}, {unix.EPOLLONESHOT, "EPOLLONESHOT"}, {unix.EPOLLEXCLUSIVE, "EPOLLEXCLUSIVE"},
}

var prctls = []bit{
	{unix.PR_SET_PDEATHSIG, "PR_SET_PDEATHSIG"}, {unix.PR_SET_CHILD_SUBREAPER, "PR_SET_CHILD_SUBREAPER"}, {unix.PR_SET_NAME, "PR_SET_NAME"},
	{unix.PR_SET_DUMPABLE, "PR_SET_DUMPABLE"}, {unix.PR_SET_NO_NEW_PRIVS, "PR_SET_NO_NEW_PRIVS"}, {unix.PR_SET_PTRACER, "PR_SET_PTRACER"},
	{unix.PR_SET_SECCOMP, "PR_SET_SECCOMP"}, {unix.PR_SET_VMA, "PR_SET_VMA"}, {unix.PR_CAPBSET_READ, "PR_CAPBSET_READ"},
}
