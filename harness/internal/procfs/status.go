package procfs

import (
	"os"
	"strconv"
	"strings"
)

// A Status is the part of proc_pid_status(5) that is of use. In a mask of
// signals, signal n is bit n-1.
type Status struct {
	Tgid      int
	TracerPid int // 0 if not traced

	RealUID, EffectiveUID, SavedUID, FilesystemUID int

	Threads int
	VmRSS   uint64 // resident memory in bytes; 0 for a zombie

	SigQueued, SigQueueMax uint64 // of the real user: SigQ
	SigPnd                 uint64 // pending for the thread
	ShdPnd                 uint64 // pending for the process
	SigBlk                 uint64 // blocked
	SigIgn                 uint64 // ignored
	SigCgt                 uint64 // caught

	CapEff     uint64 // effective capabilities
	NoNewPrivs bool
	Seccomp    int // SECCOMP_MODE_*: 0 none, 1 strict, 2 filter

	VoluntaryCtxt    uint64 // times it gave up the CPU: to sleep
	NonvoluntaryCtxt uint64 // times the CPU was taken from it
}

// HasSignal reports whether signal number sig is in mask.
func HasSignal(mask uint64, sig int) bool {
	return sig >= 1 && sig <= 64 && mask>>(sig-1)&1 == 1
}

// ReadStatus returns the status of pid.
func ReadStatus(pid int) (Status, error) {
	data, err := os.ReadFile(path(pid, "status"))
	if err != nil {
		return Status{}, err
	}
	return parseStatus(data)
}

// Each setter reads the value of one line.
var statusLines = map[string]func(*Status, *fields){
	"Tgid":                       func(s *Status, f *fields) { s.Tgid = f.int(0) },
	"TracerPid":                  func(s *Status, f *fields) { s.TracerPid = f.int(0) },
	"Uid":                        (*Status).uids,
	"Threads":                    func(s *Status, f *fields) { s.Threads = f.int(0) },
	"VmRSS":                      func(s *Status, f *fields) { s.VmRSS = f.uint(0) * 1024 },
	"SigQ":                       (*Status).queue,
	"SigPnd":                     func(s *Status, f *fields) { s.SigPnd = f.mask(0) },
	"ShdPnd":                     func(s *Status, f *fields) { s.ShdPnd = f.mask(0) },
	"SigBlk":                     func(s *Status, f *fields) { s.SigBlk = f.mask(0) },
	"SigIgn":                     func(s *Status, f *fields) { s.SigIgn = f.mask(0) },
	"SigCgt":                     func(s *Status, f *fields) { s.SigCgt = f.mask(0) },
	"CapEff":                     func(s *Status, f *fields) { s.CapEff = f.mask(0) },
	"NoNewPrivs":                 func(s *Status, f *fields) { s.NoNewPrivs = f.int(0) != 0 },
	"Seccomp":                    func(s *Status, f *fields) { s.Seccomp = f.int(0) },
	"voluntary_ctxt_switches":    func(s *Status, f *fields) { s.VoluntaryCtxt = f.uint(0) },
	"nonvoluntary_ctxt_switches": func(s *Status, f *fields) { s.NonvoluntaryCtxt = f.uint(0) },
}

// parseStatus can go by lines: the kernel writes a newline in the name of a
// program as \n. Lines that a kernel lacks leave their fields zero; Tgid must
// be there.
func parseStatus(data []byte) (Status, error) {
	var status Status
	found := false
	for line := range strings.Lines(string(data)) {
		key, value, ok := strings.Cut(line, ":")
		set := statusLines[key]
		if !ok || set == nil {
			continue
		}
		row := fields{file: "status " + key, values: strings.Fields(value)}
		if set(&status, &row); row.err != nil {
			return Status{}, row.err
		}
		found = found || key == "Tgid"
	}
	if !found {
		return Status{}, &SyntaxError{"status", "Tgid", ""}
	}
	return status, nil
}

func (s *Status) uids(f *fields) {
	s.RealUID, s.EffectiveUID, s.SavedUID, s.FilesystemUID = f.int(0), f.int(1), f.int(2), f.int(3)
}

// queue reads "queued/limit".
func (s *Status) queue(f *fields) {
	queued, limit, _ := strings.Cut(f.word(0), "/")
	pair := fields{file: f.file, values: []string{queued, limit}}
	s.SigQueued, s.SigQueueMax = pair.uint(0), pair.uint(1)
	if f.err == nil {
		f.err = pair.err
	}
}

func (f *fields) mask(i int) uint64 {
	n, err := strconv.ParseUint(f.word(i), 16, 64)
	if err != nil {
		f.fail(i, f.word(i))
	}
	return n
}
