package sandbox

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// Inside is a cage as PID 1 sees it.
type Inside struct {
	Job       json.RawMessage
	Out       *os.File // what is written here the kit reads as Cage.Out
	CPU       int
	Isolation Isolation
	// Second tells whether programs can be started under [SecondUID].
	Second bool

	brief   brief
	folders []string // of the parcels, by index
	home    string   // working folder of the programs
	tmp     string   // where there are no namespaces: the folder to remove

	mu      sync.Mutex
	leaders map[int]*Started // by the leader's pid
}

// initLife is PID 1: it builds the cage, says hello, and works.
func initLife() int {
	in := &Inside{Out: os.NewFile(outFD, "out"), leaders: map[int]*Started{}}
	unix.Umask(0) // the kit's own is its user's; files here are to have the modes that they are made with
	unix.CloseOnExec(jobFD)
	unix.CloseOnExec(outFD)
	// Caught, not ignored: a disposition of SIG_IGN would pass through fork and
	// exec to the program (signal(7)).
	signal.Notify(make(chan os.Signal, 1), syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGPIPE, syscall.SIGUSR1, syscall.SIGUSR2)
	life := bufio.NewReader(os.NewFile(jobFD, "job"))
	if err := in.setUp(life); err != nil {
		in.clean()
		in.say(refused(err))
		return 1
	}
	go in.watch(life)
	in.say(hello{Ready: true})
	if err := in.work(); err != nil && !errors.Is(err, unix.EPIPE) { // EPIPE: the kit is gone
		fmt.Fprintf(os.Stderr, "%s: %v\n", initName, err)
		return 1
	}
	return 0
}

// work does what the cage is for, and leaves nothing behind even if it panics.
func (in *Inside) work() error {
	defer in.end()
	return works[in.brief.Work](in)
}

func (in *Inside) say(h hello) { _ = json.NewEncoder(in.Out).Encode(h) }

func refused(err error) hello {
	h := hello{Text: err.Error()}
	var step *stepError
	var errno unix.Errno
	if errors.As(err, &step) && errors.As(err, &errno) {
		h.Call, h.Errno = step.call, int(errno)
	}
	return h
}

// stepError names the step of the set-up that was refused.
type stepError struct {
	call string
	err  error
}

func (e *stepError) Error() string { return e.call + ": " + e.err.Error() }
func (e *stepError) Unwrap() error { return e.err }

func step(call string, err error) error {
	if err == nil {
		return nil
	}
	return &stepError{call: call, err: err}
}

func (in *Inside) setUp(life *bufio.Reader) error {
	line, err := life.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("read job: %w", err)
	}
	if err := json.Unmarshal(line, &in.brief); err != nil {
		return fmt.Errorf("read job: %w", err)
	}
	b := &in.brief
	if works[b.Work] == nil {
		return fmt.Errorf("no work is registered under the name %q", b.Work)
	}
	in.Job, in.CPU, in.Isolation, in.Second = b.Job, b.CPU, b.Isolation, b.Second
	if b.Isolation == Namespaces {
		if err := furnish(b); err != nil {
			return err
		}
	} else if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return step("prctl(PR_SET_CHILD_SUBREAPER)", err)
	}
	if err := in.unpack(); err != nil {
		return err
	}
	// From here on the program cannot look into this process (ptrace(2), "Ptrace
	// access mode checking"): its memory, its descriptors.
	return step("prctl(PR_SET_DUMPABLE)", unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0))
}

// watch waits for the end of the lifeline: the kit has closed the cage, or died.
func (in *Inside) watch(life *bufio.Reader) {
	for {
		if _, err := life.ReadByte(); err != nil {
			break
		}
	}
	in.end()
	leave(0)
}

// end ends what runs in the cage and removes what lies outside of it.
func (in *Inside) end() {
	in.sweep()
	if in.Isolation == None {
		awaitDeaths(os.Getpid())
	}
	in.clean()
}

// unpack lays out the programs' files.
func (in *Inside) unpack() error {
	base, err := in.base()
	if err != nil {
		return err
	}
	fd := parcelFD
	for i, program := range in.brief.Programs {
		folder := ""
		if program.Name != "" {
			folder = filepath.Join(base, strconv.Itoa(i))
			archive := os.NewFile(uintptr(fd), "parcel")
			unix.CloseOnExec(fd)
			fd++
			if err := os.Mkdir(folder, 0o755); err != nil {
				return err
			}
			if err := unpack(archive, program.Size, folder); err != nil {
				return err
			}
			archive.Close()
		}
		in.folders = append(in.folders, folder)
	}
	return in.seal(base)
}

// base returns the folder for the programs' files.
func (in *Inside) base() (string, error) {
	if in.Isolation == Namespaces {
		in.home = workFolder
		return programsFolder, step("mkdir "+programsFolder, os.Mkdir(programsFolder, 0o755))
	}
	base, err := in.temporary()
	if err != nil {
		return "", fmt.Errorf("make a folder for the programs, in TMPDIR, /tmp or /var/tmp: %w", err)
	}
	in.tmp, in.home = base, filepath.Join(base, "work")
	if err := os.Chmod(base, 0o755); err != nil {
		return "", err
	}
	if err := os.Mkdir(in.home, 0o755); err != nil {
		return "", err
	}
	return base, os.Chown(in.home, in.brief.UID, in.brief.GID)
}

// temporary makes a folder from which the program can be executed: under its own
// user id it cannot pass one of mode 0700.
func (in *Inside) temporary() (string, error) {
	var problems []error
	for _, folder := range []string{os.TempDir(), "/tmp", "/var/tmp"} {
		var st unix.Statfs_t
		if unix.Statfs(folder, &st) == nil && st.Flags&unix.ST_NOEXEC != 0 {
			problems = append(problems, fmt.Errorf("%s is mounted noexec", folder))
			continue
		}
		if in.brief.UID >= 0 && !open(folder) {
			problems = append(problems, fmt.Errorf("%s is closed to others", folder))
			continue
		}
		made, err := os.MkdirTemp(folder, "ipckit-")
		if err == nil {
			return made, nil
		}
		problems = append(problems, err)
	}
	return "", problems[0]
}

// open reports whether anybody can pass the folder and all those above it.
func open(folder string) bool {
	for ; ; folder = filepath.Dir(folder) {
		info, err := os.Stat(folder)
		if err != nil || info.Mode()&0o001 == 0 {
			return false
		}
		if folder == filepath.Dir(folder) {
			return true
		}
	}
}

// sweep ends every process of the cage but this one.
func (in *Inside) sweep() {
	if in.Isolation == Namespaces {
		unix.Kill(-1, unix.SIGKILL)
		return
	}
	killDescendants(os.Getpid())
}

// Sweep ends every process of the cage but PID 1 itself; their deaths are then
// reported to whoever waits.
func (in *Inside) Sweep() { in.sweep() }

// clean removes what lies outside of namespaces that vanish by themselves.
func (in *Inside) clean() {
	if in.tmp == "" || os.RemoveAll(in.tmp) == nil {
		return
	}
	// An ordinary user cannot empty a folder that the program has closed.
	_ = filepath.WalkDir(in.tmp, func(path string, entry fs.DirEntry, _ error) error {
		if entry != nil && entry.IsDir() {
			_ = os.Chmod(path, 0o700)
		}
		return nil
	})
	os.RemoveAll(in.tmp)
}
