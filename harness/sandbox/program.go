package sandbox

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"ipckit/harness/subject"
)

// Program says what to start in a cage, and how.
type Program struct {
	Parcel int // index into Config.Parcels
	Argv   []string
	Env    []string
	UID    int                 // InnerUID, or SecondUID
	Filter []unix.SockFilter   // seccomp filter, installed after Attach
	CPU    int                 // -1: any
	Limits map[int]unix.Rlimit // by resource (setrlimit(2))
}

// Started is a program on its way: it waits before its exec until it is let go.
type Started struct {
	PID      int      // of the program; valid when its leader has knocked
	Leader   int      // pid of its terminal's session leader
	Terminal *os.File // our end of its terminal

	goAhead    *os.File
	reports    *bufio.Reader
	reportFile *os.File
}

// close frees what a start that failed has taken.
func (s *Started) close() {
	for _, f := range []*os.File{s.Terminal, s.goAhead, s.reportFile} {
		f.Close() // of nil it does nothing
	}
}

// report is what the leader and kit-exec tell PID 1, a line each.
type report struct {
	PID    int    `json:",omitempty"` // the program's
	Error  string `json:",omitempty"` // it could not be started
	Status *int   `json:",omitempty"` // it ended (wait status)
}

// errand is what kit-exec has to do.
type errand struct {
	Path     string
	Argv     []string
	Env      []string
	Folder   string // working folder
	CPU      int
	UID, GID int // to become, where there are no namespaces; -1: stay
	Limits   map[int]unix.Rlimit
	Filter   []unix.SockFilter
}

// Start starts the leader of a new terminal, which starts the program. When the
// program is there and waits, the leader stops itself: whoever waits for the
// children of PID 1 sees it, and calls [Inside.Knocked].
func (in *Inside) Start(p Program) (*Started, error) {
	terminal, slave, err := pty.Open()
	if err != nil {
		return nil, fmt.Errorf("open terminal: %w", err)
	}
	defer slave.Close()
	s := &Started{Terminal: terminal}
	if err := in.start(s, slave, p); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (in *Inside) start(s *Started, slave *os.File, p Program) error {
	attributes := &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 0}
	if p.UID == SecondUID {
		attributes.Credential = &syscall.Credential{Uid: SecondUID, Gid: SecondUID}
		if err := slave.Chown(SecondUID, -1); err != nil {
			return err
		}
	}
	goRead, goWrite, err := os.Pipe()
	if err != nil {
		return os.NewSyscallError("pipe", err)
	}
	defer goRead.Close()
	s.goAhead = goWrite
	reportRead, reportWrite, err := os.Pipe()
	if err != nil {
		return os.NewSyscallError("pipe", err)
	}
	defer reportWrite.Close()
	s.reports, s.reportFile = bufio.NewReader(reportRead), reportRead
	if err := s.send(in.errand(p)); err != nil {
		return err
	}
	// What the Go runtime of our helpers may have to say is not the program's.
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer null.Close()
	in.mu.Lock()
	defer in.mu.Unlock()
	leader, err := os.StartProcess(ownImage, []string{leaderName}, &os.ProcAttr{
		Env:   helperEnv,
		Files: []*os.File{slave, slave, null, goRead, reportWrite},
		Sys:   attributes,
	})
	if err != nil {
		return fmt.Errorf("start %s: %w", leaderName, err)
	}
	s.Leader = leader.Pid
	leader.Release()
	in.leaders[s.Leader] = s
	return nil
}

// helperEnv keeps the Go runtime of the short-lived helpers quiet: few threads,
// and no SIGURG of its preemption that would stay pending over the exec.
var helperEnv = []string{"GODEBUG=asyncpreemptoff=1", "GOMAXPROCS=1", "GOGC=off"}

func (in *Inside) errand(p Program) errand {
	e := errand{
		Path: ownImage, Argv: p.Argv, Folder: in.home, CPU: p.CPU, UID: in.brief.UID, GID: in.brief.GID,
		Limits: p.Limits, Filter: p.Filter,
	}
	tmp := "/tmp"
	if in.Isolation == None {
		tmp = e.Folder // removed with the cage
	}
	if name := in.brief.Programs[p.Parcel].Name; name != "" {
		e.Path = filepath.Join(in.folders[p.Parcel], name)
	}
	e.Env = append([]string{
		"PATH=" + subject.CagePath, "HOME=" + e.Folder, "USER=student", "LOGNAME=student", "SHELL=/bin/sh",
		"TERM=xterm", "LANG=C.UTF-8", "TZ=UTC", "TMPDIR=" + tmp, "PWD=" + e.Folder,
	}, p.Env...)
	return e
}

// errandLimit is the largest errand: it must fit into the pipe, for nobody reads
// it yet (pipe(7), "Pipe capacity").
const errandLimit = 1 << 20

func (s *Started) send(e errand) error {
	text, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("encode errand: %w", err)
	}
	if len(text) >= errandLimit {
		return fmt.Errorf("start program: arguments and environment of %d bytes are too large", len(text))
	}
	if _, err := unix.FcntlInt(s.goAhead.Fd(), unix.F_SETPIPE_SZ, errandLimit); err != nil {
		return os.NewSyscallError("fcntl(F_SETPIPE_SZ)", err)
	}
	_, err = s.goAhead.Write(append(text, '\n'))
	return err
}

// Path returns where the program of a parcel lies in the cage.
func (in *Inside) Path(parcel int) string { return in.errand(Program{Parcel: parcel}).Path }

// Knocked tells that the child pid of PID 1 has stopped itself. If it is a
// leader, its program is returned: it can be traced now; [Started.Go] lets both
// go on.
func (in *Inside) Knocked(pid int) (*Started, error) {
	in.mu.Lock()
	s := in.leaders[pid]
	in.mu.Unlock()
	if s == nil || s.PID != 0 {
		return nil, nil
	}
	r, err := s.report()
	if err != nil {
		return s, fmt.Errorf("start program: %w", err)
	}
	if r.Error != "" {
		return s, fmt.Errorf("start program: %s", r.Error)
	}
	s.PID = r.PID
	return s, nil
}

// Leads reports whether pid is the session leader of a terminal.
func (in *Inside) Leads(pid int) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.leaders[pid] != nil
}

// Go lets the program become itself, and its leader wait for it.
func (s *Started) Go() error {
	if _, err := s.goAhead.WriteString("go\n"); err != nil {
		return fmt.Errorf("let program go: %w", err)
	}
	return os.NewSyscallError("kill", unix.Kill(s.Leader, unix.SIGCONT))
}

// Await waits for the program's end, as its leader saw it: a wait status, or an
// error where it never became itself. It must not be called before [Started.Go].
func (s *Started) Await() (status int, err error) {
	for {
		r, err := s.report()
		switch {
		case errors.Is(err, io.EOF):
			return 0, fmt.Errorf("%s ended before the program", leaderName)
		case err != nil:
			return 0, err
		case r.Error != "":
			return 0, fmt.Errorf("%s", r.Error)
		case r.Status != nil:
			return *r.Status, nil
		}
	}
}

func (s *Started) report() (report, error) {
	line, err := s.reports.ReadString('\n')
	if err != nil {
		return report{}, err
	}
	var r report
	if err := json.Unmarshal([]byte(strings.TrimSpace(line)), &r); err != nil {
		return report{}, fmt.Errorf("read report of %s: %w", leaderName, err)
	}
	return r, nil
}
