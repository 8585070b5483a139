package ptrace

import (
	"encoding/binary"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Values of si_code, sigaction(2), that x/sys/unix lacks.
const (
	SI_USER   = 0    // kill
	SI_KERNEL = 0x80 // the kernel, for instance Ctrl+C on a terminal
	SI_QUEUE  = -1   // sigqueue
	SI_TIMER  = -2   // timer_settime
	SI_MESGQ  = -3   // mq_notify
	SI_SIGIO  = -5   // queued SIGIO
	SI_TKILL  = -6   // tkill, tgkill: also raise and pthread_kill

	CLD_EXITED    = 1
	CLD_KILLED    = 2
	CLD_DUMPED    = 3
	CLD_TRAPPED   = 4
	CLD_STOPPED   = 5
	CLD_CONTINUED = 6
)

// A Siginfo is the typed siginfo_t of a signal. The kernel stores a union in
// it; a field that the signal does not have is zero.
type Siginfo struct {
	Signo unix.Signal
	Errno unix.Errno // seldom other than 0
	Code  int32      // SI_*, CLD_*, or of the signal's own list

	// HasPID says that PID and UID are there. They are the sender's for
	// SI_USER, SI_TKILL, SI_QUEUE and SI_MESGQ, the child's for CLD_*. PID is
	// in the tracee's pid namespace, and 0 if that does not contain the sender.
	HasPID bool
	PID    int
	UID    uint32

	// Status is the child's, for CLD_*: the exit status if CLD_EXITED, else a
	// signal number.
	Status int

	// Value is the sigval of SI_QUEUE, SI_TIMER and SI_MESGQ (as an int of C:
	// int32(Value)), the band of SIGPOLL, the call's number of SIGSYS.
	Value int64

	// Addr is the address of a fault, or the calling instruction of SIGSYS.
	Addr uint64
}

// rawSiginfo is siginfo_t for a 64-bit kernel, linux asm-generic/siginfo.h.
type rawSiginfo [128]byte

func (r *rawSiginfo) int32(offset int) int32 {
	return int32(binary.NativeEndian.Uint32(r[offset:]))
}

func (r *rawSiginfo) uint64(offset int) uint64 {
	return binary.NativeEndian.Uint64(r[offset:])
}

// Offsets of members of the union. The first is at 16, for it is aligned to 8.
const (
	offsetPID    = 16 // kill, sigqueue and SIGCHLD
	offsetUID    = 20
	offsetStatus = 24 // SIGCHLD
	offsetValue  = 24 // sigqueue, timers
	offsetAddr   = 16 // faults, SIGSYS
	offsetBand   = 16 // SIGPOLL
	offsetCall   = 24 // SIGSYS
)

// SigInfo returns what is known of the signal tid is stopped at. At a stop that
// is no signal's it describes the stop: Code then has the PTRACE_EVENT_* in its
// second byte. EINVAL for a group-stop, of ptrace(2), is not for seized tracees.
func SigInfo(tid int) (Siginfo, error) {
	var raw rawSiginfo
	err := requestInto("PTRACE_GETSIGINFO", unix.PTRACE_GETSIGINFO, tid, 0, unsafe.Pointer(&raw))
	if err != nil {
		return Siginfo{}, err
	}
	return raw.decode(), nil
}

func (r *rawSiginfo) decode() Siginfo {
	info := Siginfo{Signo: unix.Signal(r.int32(0)), Errno: unix.Errno(r.int32(4)), Code: r.int32(8)}
	// Codes from 1 up to SI_KERNEL are per signal; the others mean the same
	// for all. So kill(pid, SIGSEGV) has a sender and no address, as the
	// kernel's siginfo_layout has it.
	if info.Code > SI_USER && info.Code < SI_KERNEL {
		r.decodeOwn(&info)
	} else {
		r.decodeGeneral(&info)
	}
	return info
}

// decodeGeneral decodes a signal that some process or timer has made. Negative
// codes not listed can be made up by any sender, and their union with them.
func (r *rawSiginfo) decodeGeneral(info *Siginfo) {
	switch info.Code {
	case SI_USER, SI_TKILL:
		r.decodeSender(info)
	case SI_QUEUE, SI_MESGQ:
		r.decodeSender(info)
		info.Value = int64(r.uint64(offsetValue))
	case SI_TIMER:
		info.Value = int64(r.uint64(offsetValue))
	case SI_SIGIO:
		info.Value = int64(r.uint64(offsetBand))
	}
}

// decodeOwn decodes a signal that the kernel has made for an event of its own.
func (r *rawSiginfo) decodeOwn(info *Siginfo) {
	switch info.Signo {
	case unix.SIGCHLD:
		r.decodeSender(info)
		info.Status = int(r.int32(offsetStatus))
	case unix.SIGILL, unix.SIGFPE, unix.SIGSEGV, unix.SIGBUS, unix.SIGTRAP:
		info.Addr = r.uint64(offsetAddr)
	case unix.SIGSYS:
		info.Addr = r.uint64(offsetAddr)
		info.Value = int64(r.int32(offsetCall))
	case unix.SIGIO: // SIGPOLL; with F_SETSIG another signal can carry this too
		info.Value = int64(r.uint64(offsetBand))
	}
}

func (r *rawSiginfo) decodeSender(info *Siginfo) {
	info.HasPID = true
	info.PID = int(r.int32(offsetPID))
	info.UID = uint32(r.int32(offsetUID))
}
