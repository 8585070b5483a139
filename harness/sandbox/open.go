package sandbox

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"ipckit/harness/internal/procfs"
)

// User ids inside a cage. The program has the first one; the second serves
// claims that need another user, and exists only where the kit can give it away ([CanShed]).
const (
	InnerUID  = 1000
	SecondUID = 1001
)

// User ids outside that stand for them where the kit is root: inner ids must not
// map to root, or the program would have root's rights over files.
const (
	outerUID       = 65534
	outerSecondUID = 65533
)

// Descriptors of PID 1 at its start.
const (
	jobFD    = 3
	outFD    = 4
	parcelFD = 5 // and following
)

// Config says what cage to open.
type Config struct {
	Isolation Isolation
	Work      string            // name of a registered function
	Job       any               // handed to it as JSON
	Parcels   []*Parcel         // programs that it can start
	Sysctls   map[string]string // of the cage's network namespace: "net.ipv4.tcp_syncookies"
	CPU       int               // CPU for tracer and program; -1: any
	Scale     float64           // multiplier of all time limits
}

// brief is what PID 1 reads first.
type brief struct {
	Isolation Isolation
	Work      string
	Job       json.RawMessage
	Programs  []briefProgram
	Sysctls   map[string]string
	CPU       int
	UID, GID  int  // of the program, where there are no namespaces; -1: as the kit
	Second    bool // a second user id is mapped
}

type briefProgram struct {
	Name string // of the program's file; "" for a builtin
	Size int64
}

// hello is what PID 1 answers when it is ready to work, or cannot be.
type hello struct {
	Ready bool
	Call  string
	Errno int
	Text  string
}

// Cage is an open cage. Close must be called.
type Cage struct {
	// Out is what the work writes.
	Out io.Reader

	cmd  *exec.Cmd
	life *os.File // our end of the lifeline
	out  *os.File
	once sync.Once
}

// starter runs f on a thread that lives as long as the kit does: the parent
// death signal of PID 1 comes when the thread that created it ends, not the
// process (prctl(2), PR_SET_PDEATHSIG).
var starter = sync.OnceValue(func() chan<- func() {
	work := make(chan func())
	go func() {
		runtime.LockOSThread()
		for f := range work {
			f()
		}
	}()
	return work
})

// Open makes a cage and starts its work. It fails with *[RefusedError] where the
// machine does not allow the rung. Ending ctx ends the cage.
func Open(ctx context.Context, config Config) (*Cage, error) {
	refuseLoop()
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	if config.Isolation != Namespaces && config.Isolation != None {
		return nil, fmt.Errorf("unknown isolation %q", config.Isolation)
	}
	brief, err := config.brief()
	if err != nil {
		return nil, err
	}
	image, err := selfImage()
	if err != nil {
		return nil, err
	}
	jobIn, life, err := os.Pipe()
	if err != nil {
		return nil, os.NewSyscallError("pipe", err)
	}
	out, outIn, err := os.Pipe()
	if err != nil {
		jobIn.Close()
		life.Close()
		return nil, os.NewSyscallError("pipe", err)
	}
	c := &Cage{cmd: command(ctx, image, config, jobIn, outIn, life), life: life, out: out}
	err = c.start()
	jobIn.Close()
	outIn.Close()
	if err == nil {
		err = c.greet(brief, config.Scale)
	}
	if err != nil {
		c.Close()
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, err
	}
	return c, nil
}

func command(ctx context.Context, image string, config Config, jobIn, outIn, life *os.File) *exec.Cmd {
	cmd := exec.CommandContext(ctx, image)
	cmd.Args = []string{initName}
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + os.TempDir()}
	cmd.Stderr = os.Stderr
	cmd.ExtraFiles = []*os.File{jobIn, outIn}
	for _, p := range config.Parcels {
		if p.archive != nil {
			cmd.ExtraFiles = append(cmd.ExtraFiles, p.archive)
		}
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{}
	if config.Isolation == Namespaces {
		cmd.SysProcAttr = namespaces()
	} else {
		// A Ctrl+C at the kit's terminal is for the kit alone, which then ends
		// the cage in order.
		cmd.SysProcAttr.Setpgid = true
		cmd.Cancel = life.Close
	}
	return cmd
}

// namespaces are the attributes of PID 1. It runs under the program's own inner
// id and has its rights as ambient capabilities (capabilities(7)), which
// kit-exec sheds: an inner id 0 would give them to the program.
func namespaces() *syscall.SysProcAttr {
	attributes := &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWNS | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS,
		Pdeathsig:  unix.SIGKILL,
		Setpgid:    true,
		AmbientCaps: []uintptr{
			unix.CAP_SYS_ADMIN, unix.CAP_NET_ADMIN, unix.CAP_SYS_PTRACE, unix.CAP_KILL,
			unix.CAP_SETUID, unix.CAP_SETGID, unix.CAP_SYS_RESOURCE, unix.CAP_CHOWN,
		},
	}
	if !canShed() {
		attributes.UidMappings = []syscall.SysProcIDMap{{ContainerID: InnerUID, HostID: os.Getuid(), Size: 1}}
		attributes.GidMappings = []syscall.SysProcIDMap{{ContainerID: InnerUID, HostID: os.Getgid(), Size: 1}}
		return attributes
	}
	both := []syscall.SysProcIDMap{{ContainerID: InnerUID, HostID: outerUID, Size: 1}, {ContainerID: SecondUID, HostID: outerSecondUID, Size: 1}}
	attributes.UidMappings, attributes.GidMappings = both, both
	attributes.GidMappingsEnableSetgroups = true
	attributes.Credential = &syscall.Credential{Uid: InnerUID, Gid: InnerUID}
	return attributes
}

func (c *Cage) start() error {
	result := make(chan error)
	starter() <- func() { result <- c.cmd.Start() }
	err := <-result
	if err == nil {
		return nil
	}
	var path *os.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	if c.cmd.SysProcAttr.Cloneflags == 0 || shortage(err) {
		return fmt.Errorf("start %s: %w", initName, err)
	}
	return &RefusedError{Call: "clone(CLONE_NEWUSER|NEWPID|NEWNET|NEWNS|NEWIPC|NEWUTS)", Err: err, Why: explainClone(err)}
}

// shortage reports whether err says that something is used up for the moment.
func shortage(err error) bool {
	for _, errno := range []error{unix.EAGAIN, unix.ENOMEM, unix.EMFILE, unix.ENFILE} {
		if errors.Is(err, errno) {
			return true
		}
	}
	return false
}

// greet sends the brief and waits for the answer. Who does not answer may not
// read either: the pipe holds less than a large brief.
func (c *Cage) greet(b brief, scale float64) error {
	sent := make(chan error, 1)
	go func() { sent <- json.NewEncoder(c.life).Encode(b) }()
	in := bufio.NewReaderSize(c.out, 64<<10)
	answer, err := c.hello(in, scale)
	if err != nil {
		c.cmd.Process.Kill() // it may never look at its lifeline
		return err
	}
	if !answer.Ready {
		return answer.refusal()
	}
	if err := <-sent; err != nil {
		return fmt.Errorf("send job to %s: %w", initName, err)
	}
	c.Out = in
	return nil
}

func (h hello) refusal() error {
	if h.Errno == 0 {
		return fmt.Errorf("%s: %s", initName, h.Text)
	}
	errno := unix.Errno(h.Errno)
	return &RefusedError{Call: h.Call, Err: errno, Why: explainSetup(h.Call, errno)}
}

func (config Config) brief() (brief, error) {
	job, err := json.Marshal(config.Job)
	if err != nil {
		return brief{}, fmt.Errorf("encode job: %w", err)
	}
	b := brief{
		Isolation: config.Isolation, Work: config.Work, Job: job, Sysctls: config.Sysctls, CPU: config.CPU,
		UID: -1, GID: -1, Second: canShed() && config.Isolation == Namespaces,
	}
	for _, p := range config.Parcels {
		program := briefProgram{Name: p.Program}
		if p.archive != nil {
			info, err := p.archive.Stat()
			if err != nil {
				return brief{}, err
			}
			program.Size = info.Size()
		}
		b.Programs = append(b.Programs, program)
	}
	if config.Isolation == None && canShed() {
		id, err := unusedID()
		if err != nil {
			return brief{}, err
		}
		b.UID, b.GID = id, id
	}
	return b, nil
}

// Time limits for the first word of PID 1. A process all of whose threads sleep for
// half of the first second, without a moment of CPU time, is not one of ours; one
// that works, or waits for a CPU, is only slow.
const (
	helloFirst = 400 * time.Millisecond
	helloLook  = 50 * time.Millisecond
	helloLooks = 10
	helloLimit = 60 * time.Second
)

// hello reads the first line that PID 1 writes.
func (c *Cage) hello(in *bufio.Reader, scale float64) (hello, error) {
	got := make(chan answer, 1)
	go func() {
		line, err := in.ReadSlice('\n')
		got <- answer{line, err}
	}()
	began, idle, last := time.Now(), 0, time.Duration(-1)
	for limit := helloFirst; ; limit = helloLook {
		select {
		case a := <-got:
			return a.hello()
		case <-time.After(limit):
		}
		used, asleep := activity(c.cmd.Process.Pid)
		if idle++; !asleep || used != last {
			idle = 0
		}
		last = used
		if idle >= helloLooks || time.Since(began) > time.Duration(scale*float64(helloLimit)) {
			return hello{}, fmt.Errorf("%s says nothing: main must begin with sandbox.MaybeChild", initName)
		}
	}
}

// answer is what came as the first line.
type answer struct {
	line []byte
	err  error
}

func (a answer) hello() (h hello, err error) {
	if a.err != nil {
		return h, fmt.Errorf("%s ended without a word: main must begin with sandbox.MaybeChild", initName)
	}
	if json.Unmarshal(a.line, &h) != nil {
		return h, fmt.Errorf("%s answered %.80q: main must begin with sandbox.MaybeChild", initName, a.line)
	}
	return h, nil
}

// activity returns the CPU time of all threads of a process, and whether none of
// them runs or could.
func activity(pid int) (used time.Duration, asleep bool) {
	threads, err := procfs.Tasks(pid)
	if err != nil {
		return 0, true
	}
	for _, tid := range threads {
		run, _, _, _ := procfs.SchedDelay(tid)
		used += run
		if stat, err := procfs.ReadStat(tid); err == nil && strings.ContainsRune("RD", rune(stat.State)) {
			return used, false
		}
	}
	return used, true
}

// Close ends everything in the cage and waits until it is gone. How PID 1 ended
// says nothing then: what it had to say is in Out.
func (c *Cage) Close() {
	c.once.Do(func() {
		c.life.Close()
		if c.cmd.Process != nil {
			if c.cmd.SysProcAttr.Cloneflags != 0 {
				c.cmd.Process.Kill()
			}
			_ = c.cmd.Wait() // it was ended just now
		}
		c.out.Close()
	})
}
