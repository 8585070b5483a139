package recorder

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"ipckit/harness/internal/procfs"
	"ipckit/harness/internal/ptrace"
	"ipckit/harness/internal/seccomp"
	"ipckit/harness/internal/sysnum"
	"ipckit/harness/recording"
	"ipckit/harness/sandbox"
)

// traceOptions make every child of a program a tracee from birth, stop it at
// the filter, and end it with the tracer (ptrace(2)).
const traceOptions = unix.PTRACE_O_TRACESYSGOOD | unix.PTRACE_O_TRACESECCOMP | unix.PTRACE_O_TRACEFORK | unix.PTRACE_O_TRACEVFORK |
	unix.PTRACE_O_TRACECLONE | unix.PTRACE_O_TRACEEXEC | unix.PTRACE_O_TRACEEXIT | unix.PTRACE_O_EXITKILL

// tracer follows all programs of a cage. Its loop runs on the first thread of
// PID 1, which is their tracer and the reaper of orphans; only what stands under
// mu is shared with the script.
type tracer struct {
	in      *sandbox.Inside
	out     *emitter
	specs   map[int64]known
	traced  bool
	tasks   map[int]*task
	waiting map[int]bool // children that stopped before their parent's event came
	rings   bool         // io_uring was asked for
	over    atomic.Bool  // the script has ended: deaths from here on are the kit's doing

	mu        sync.Mutex
	processes map[int]*process // alive, or not yet collected by us
	mains     map[string]*process
	starting  map[int]*start    // by the leader's pid
	becoming  map[int]*start    // by the program's pid, until its exec
	terminals map[string]string // subject by /dev/pts name
	failed    error             // of the kit
	delay     time.Duration     // the longest that a thread of the programs waited for a CPU
	scratch   ptrace.Call
}

// known is a call that is recorded.
type known struct {
	name string
	spec spec
}

// start is a program on its way.
type start struct {
	started *sandbox.Started
	subject recording.Subject
	done    chan struct{} // closed when it is the program, or cannot become it
	err     error
}

func newTracer(in *sandbox.Inside, out *emitter, traced bool) *tracer {
	t := &tracer{
		in: in, out: out, traced: traced, specs: map[int64]known{}, tasks: map[int]*task{}, waiting: map[int]bool{},
		processes: map[int]*process{}, mains: map[string]*process{}, starting: map[int]*start{}, becoming: map[int]*start{},
		terminals: map[string]string{},
	}
	for name, s := range calls {
		if nr, ok := sysnum.Number(name); ok {
			t.specs[int64(nr)] = known{name, s}
		}
	}
	return t
}

// policy is the filter of a traced program, or of one that is not.
func policy(traced bool) seccomp.Policy {
	names := make([]string, 0, len(calls))
	for name := range calls {
		names = append(names, name)
	}
	return seccomp.Policy{Trace: names, Deny: denied, Traced: traced}
}

// run reaps and traces until there is no child left.
func (t *tracer) run() error {
	for {
		tid, status, err := ptrace.Wait(-1, unix.WALL|unix.WUNTRACED)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.ECHILD):
			return t.failed
		case err != nil:
			return err
		}
		if err := t.handle(tid, status); err != nil && !errors.Is(err, unix.ESRCH) {
			// ESRCH is a task that was killed while it was stopped: its death
			// comes next (ptrace(2), "Death under ptrace").
			t.fail(err)
		}
	}
}

// fail notes the kit's own failure and ends the cage.
func (t *tracer) fail(err error) {
	t.mu.Lock()
	if t.failed == nil {
		t.failed = err
	}
	t.mu.Unlock()
	t.out.emit(note("kit", err.Error()))
	t.in.Sweep()
}

func note(topic, text string) *recording.Event {
	return &recording.Event{Kind: recording.KindNote, Note: &recording.Note{Topic: topic, Text: text}}
}

func (t *tracer) handle(tid int, status unix.WaitStatus) error {
	k := t.tasks[tid]
	if status.Exited() || status.Signaled() {
		t.death(tid, k, status)
		return nil
	}
	if k == nil {
		return t.stranger(tid, status)
	}
	if ptrace.SyscallStop(status) {
		return t.exitStop(k)
	}
	switch event := ptrace.StopEvent(status); event {
	case unix.PTRACE_EVENT_SECCOMP:
		return t.entryStop(k)
	case unix.PTRACE_EVENT_FORK, unix.PTRACE_EVENT_VFORK, unix.PTRACE_EVENT_CLONE:
		return t.spawned(k, event)
	case unix.PTRACE_EVENT_EXEC:
		return t.became(k)
	case unix.PTRACE_EVENT_EXIT:
		t.ending(k)
		return ptrace.Cont(tid, 0)
	case unix.PTRACE_EVENT_STOP:
		return t.groupStop(k, status.StopSignal())
	case 0:
		return t.delivery(k, status.StopSignal())
	}
	return ptrace.Cont(tid, 0)
}

// stranger is a stop of something that is not yet a task: a leader that knocks,
// or a child that was quicker than its parent's event.
func (t *tracer) stranger(tid int, status unix.WaitStatus) error {
	if ptrace.StopEvent(status) == unix.PTRACE_EVENT_STOP {
		t.waiting[tid] = true
		return nil
	}
	started, err := t.in.Knocked(tid)
	if started == nil {
		return err
	}
	t.mu.Lock()
	s := t.starting[tid]
	t.mu.Unlock()
	if err != nil {
		s.err = err
		close(s.done)
		return nil
	}
	return t.attach(s)
}

// attach makes the program that waits in kit-exec a tracee and lets it go.
func (t *tracer) attach(s *start) error {
	pid := s.started.PID
	p := &process{pid: pid, parent: s.started.Leader, subject: s.subject.Name, files: newFiles(), actions: map[recording.Signal]recording.Action{}}
	t.mu.Lock()
	t.processes[pid], t.mains[s.subject.Name], t.becoming[pid] = p, p, s
	t.mu.Unlock()
	if t.traced {
		if err := ptrace.Seize(pid, traceOptions); err != nil {
			return err
		}
		t.tasks[pid] = &task{tid: pid, process: p}
	}
	if err := s.started.Go(); err != nil {
		return err
	}
	if !t.traced {
		t.announce(p) // nobody sees its execve
	}
	go t.follow(s, p)
	return nil
}

// follow waits for the leader's word: the program ended, or never became itself.
func (t *tracer) follow(s *start, p *process) {
	status, err := s.started.Await()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.becoming[p.pid] == s && err != nil {
		delete(t.becoming, p.pid)
		s.err = err
		close(s.done)
	}
	if !t.traced {
		if err != nil {
			t.out.emit(note("kit", err.Error()))
		}
		p.ended, p.status = true, recording.WaitStatus(status)
		t.out.emit(&recording.Event{PID: p.pid, Kind: recording.KindExit, Exit: &recording.Exit{Status: p.status}})
	}
}

// announce says that the process is the program from here on.
func (t *tracer) announce(p *process) *start {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.becoming[p.pid]
	if s == nil {
		return nil
	}
	delete(t.becoming, p.pid)
	p.live = true
	t.out.emit(&recording.Event{PID: p.pid, Kind: recording.KindExec, Exec: &recording.Exec{
		Path: s.subject.Path, Argv: s.subject.Argv, Subject: s.subject.Name,
	}})
	close(s.done)
	return s
}

// entryStop is the entry of a call that the filter picked out.
func (t *tracer) entryStop(k *task) error {
	if !k.process.live {
		k.filtered = true
		return ptrace.Cont(k.tid, 0)
	}
	t.release(k, true)
	if err := ptrace.SyscallInfo(k.tid, &t.scratch); err != nil {
		return err
	}
	info := &t.scratch
	switch info.RetData {
	case seccomp.Deny:
		name := sysnum.Name(info.Nr)
		if strings.HasPrefix(name, "io_uring") && !t.rings {
			t.rings = true
			t.out.emit(note("io-uring", fmt.Sprintf("process %d asked for io_uring, whose work no tracer sees: refused with ENOSYS", k.process.pid)))
		}
		return t.deny(k, name, denied[name])
	case seccomp.Foreign:
		t.out.emit(note("foreign-call", fmt.Sprintf("process %d made system call %#x of another architecture: refused with ENOSYS", k.process.pid, info.Nr)))
		return t.deny(k, fmt.Sprintf("foreign_%#x", uint64(info.Nr)), unix.ENOSYS)
	}
	s, ok := t.specs[info.Nr]
	if !ok {
		return ptrace.Cont(k.tid, 0)
	}
	c := &pending{name: s.name, spec: &s.spec}
	c.frame = frame{
		memory: reader(k.tid), args: info.Args, keep: t.out.keep, file: func(fd int) string { return t.file(k, fd) },
		stream: k.process.files.stream, interest: k.process.interest,
	}
	if quiet[s.name] {
		if fd := int(int32(info.Args[0])); !communicates(t.file(k, fd), fd) {
			k.process.files.forget(fd, fd)
			return ptrace.Cont(k.tid, 0)
		}
	}
	c.decode(atEntry)
	if s.name == "execve" || s.name == "execveat" {
		c.exec = c.frame.strings(info.Args[map[string]int{"execve": 1, "execveat": 2}[s.name]])
	}
	c.enter, c.began = t.out.number()
	k.call = c
	t.out.poke()
	return ptrace.Syscall(k.tid, 0)
}

// deny keeps a call from happening and records it.
func (t *tracer) deny(k *task, name string, errno unix.Errno) error {
	if err := ptrace.SkipSyscall(k.tid, errno); err != nil {
		return err
	}
	enter, began := t.out.number()
	t.emitCall(k, &recording.Call{Name: name, Result: -1, Errno: recording.Errno(errno), Enter: enter, Began: began, Fate: recording.Denied})
	return ptrace.Cont(k.tid, 0)
}

// decode reads the arguments that are there at the stop.
func (c *pending) decode(at when) {
	if at == atEntry {
		c.args = make([]arg, len(c.spec.params))
	}
	for i, p := range c.spec.params {
		if p.decode == nil || p.at != at {
			continue
		}
		c.args[i] = p.decode(&c.frame, c.frame.args[p.position(i)])
		if c.args[i].Name == nothing {
			c.args[i].Name = ""
			continue
		}
		c.args[i].Name = p.name
	}
}

// exitStop is the return of a call.
func (t *tracer) exitStop(k *task) error {
	c := k.call
	k.call = nil
	if c == nil {
		return ptrace.Cont(k.tid, 0)
	}
	if err := ptrace.SyscallInfo(k.tid, &t.scratch); err != nil {
		return err
	}
	c.frame.result = t.scratch.Ret
	t.settle(k, c)
	return ptrace.Cont(k.tid, 0)
}

// settle records a call that returned.
func (t *tracer) settle(k *task, c *pending) {
	c.decode(atExit)
	made := &recording.Call{Name: c.name, Args: c.named(), Enter: c.enter, Began: c.began, Result: c.frame.result}
	if c.frame.failed() {
		made.Result, made.Errno = -1, recording.Errno(-c.frame.result)
	}
	t.learn(k, c, made)
	event := &recording.Event{PID: k.process.pid, TID: k.thread(), Kind: recording.KindCall, Call: made}
	if restarts(made.Errno) {
		k.held = event
		return
	}
	t.out.emit(event)
}

// named drops the arguments that are not recorded.
func (c *pending) named() []arg {
	kept := c.args[:0]
	for _, a := range c.args {
		if a.Name != "" {
			kept = append(kept, a)
		}
	}
	return kept
}

// thread returns the tid where it is not that of the process's first thread.
func (k *task) thread() int {
	if k.tid == k.process.pid {
		return 0
	}
	return k.tid
}

func (t *tracer) emitCall(k *task, c *recording.Call) {
	t.out.emit(&recording.Event{PID: k.process.pid, TID: k.thread(), Kind: recording.KindCall, Call: c})
}

// learn keeps what the recorder must know of the process: descriptors and
// dispositions.
func (t *tracer) learn(k *task, c *pending, made *recording.Call) {
	p, first := k.process, int(int32(c.frame.args[0]))
	switch {
	case c.name == "close":
		// Whether it failed or not, the descriptor is gone (close(2), NOTES).
		p.files.forget(first, first)
	case c.name == "close_range" && made.Errno == 0 && c.frame.args[2]&unix.CLOSE_RANGE_CLOEXEC == 0:
		p.files.forget(first, int(min(c.frame.args[1], 1<<30)))
	case made.Errno == 0 && duplicates(c):
		p.files.duplicate(first, int(made.Result))
	case c.name == "epoll_ctl" && made.Errno == 0:
		p.watch(first, c)
	case made.Errno == 0 && slices.Contains(collecting, c.name):
		p.collected(made)
	case made.Errno == 0 && slices.Contains(senders, c.name):
		t.blocked(made)
	case c.name == "rt_sigaction" && made.Errno == 0:
		if a := made.Arg("act"); a != nil && a.Action != nil {
			p.actions[recording.Signal(first)] = *a.Action
		}
	}
	if (c.spec.newFD || duplicates(c)) && made.Errno == 0 && made.Result >= 0 {
		fd := int(made.Result)
		if !duplicates(c) {
			p.files.forget(fd, fd)
		}
		made.New = t.file(k, fd)
	}
	for _, name := range []string{"sv", "pipefd", "passed"} {
		if list := made.Arg(name); list != nil && list.Out {
			t.opened(k, list)
		}
	}
}

// opened says of descriptors that a call opened what they are.
func (t *tracer) opened(k *task, list *recording.Arg) {
	for _, fd := range list.Numbers {
		k.process.files.forget(fd, fd)
		list.Text += t.file(k, fd) + " "
	}
}

// watch remembers what a descriptor is known by to an epoll instance.
func (p *process) watch(epfd int, c *pending) {
	const most = 4096
	if c.frame.args[1] == unix.EPOLL_CTL_DEL || len(p.watched) >= most {
		return
	}
	if p.watched == nil {
		p.watched = map[watch]int{}
	}
	p.watched[watch{epfd, c.frame.given}] = int(int32(c.frame.args[2]))
}

// collecting are the calls that take a child out of the process table.
var collecting = []string{"wait4", "waitid"}

// collected forgets a child that is gone, so that nobody looks for a zombie.
func (p *process) collected(made *recording.Call) {
	pid := made.Result
	if info := made.Arg("infop"); info != nil {
		pid = info.Int
	}
	p.kids = slices.DeleteFunc(p.kids, func(kid *process) bool {
		return kid.pid == int(pid) && kid.ended && !stands(kid.pid)
	})
}

// stands reports whether the process table has the process.
func stands(pid int) bool {
	_, err := procfs.ReadStat(pid)
	return err == nil
}

// senders are the calls that send a signal to one process.
var senders = []string{"kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo"}

// blocked looks at who was sent a signal: whether it stays pending. Go's runtime
// sends SIGURG all the time, which is never blocked for long.
func (t *tracer) blocked(made *recording.Call) {
	to := made.Arg("pid")
	for _, name := range []string{"tid", "tgid"} {
		if to == nil {
			to = made.Arg(name)
		}
	}
	sig := recording.Signal(made.Int("sig"))
	if k := t.tasks[int(to.Int)]; k != nil && sig != 0 && sig != recording.Signal(unix.SIGURG) {
		t.pending(k.process.pid, k.tid, recording.WhyBlocked)
	}
}

// duplicates reports whether the call copies its first argument, a descriptor.
func duplicates(c *pending) bool {
	switch c.name {
	case "dup", "dup2", "dup3":
		return true
	case "fcntl":
		return c.frame.args[1] == unix.F_DUPFD || c.frame.args[1] == unix.F_DUPFD_CLOEXEC
	}
	return false
}

// The kernel's private results of an interrupted call (linux/errno.h): what the
// program sees depends on the signal that comes next.
const (
	restartSys          = 512 // EINTR, or anew with SA_RESTART
	restartNoIntr       = 513 // anew
	restartNoHand       = 514 // EINTR
	restartRestartBlock = 516 // EINTR
)

func restarts(e recording.Errno) bool { return e >= restartSys && e <= restartRestartBlock }

// release records a held call: anew where no handler ran, for the kernel then
// begins the call again and the program sees nothing.
func (t *tracer) release(k *task, again bool) {
	if k.held == nil {
		return
	}
	c := k.held.Call
	if again {
		c.Fate, c.Errno, c.Result = recording.Restarted, 0, 0
	} else {
		c.Errno = recording.Errno(unix.EINTR)
	}
	t.out.emit(k.held)
	k.held = nil
}

// delivery is a signal on its way to the task.
func (t *tracer) delivery(k *task, sig unix.Signal) error {
	if !k.process.live {
		return ptrace.Cont(k.tid, sig)
	}
	info, err := ptrace.SigInfo(k.tid)
	if err != nil {
		return err
	}
	s := recording.Signal(sig)
	d := &recording.Deliver{Signal: s, Code: int(info.Code), CodeName: codeName(s, info.Code), Value: int64(int32(info.Value)), Fate: k.process.fate(s)}
	if info.HasPID {
		d.Sender = info.PID
	}
	if s == recording.SIGCHLD && childCodes[info.Code] != "" {
		status := waitStatus(int(info.Code), info.Status)
		d.Status = &status
	}
	if d.Fate == recording.FateHandled {
		t.release(k, t.again(k, s))
		k.process.handled(s)
	}
	t.out.emit(&recording.Event{PID: k.process.pid, TID: k.thread(), Kind: recording.KindSignal, Signal: d})
	return ptrace.Cont(k.tid, sig)
}

// again reports whether the held call is begun anew after a handler for s.
func (t *tracer) again(k *task, s recording.Signal) bool {
	if k.held == nil {
		return false
	}
	switch k.held.Call.Errno {
	case restartNoIntr:
		return true
	case restartSys:
		return hasFlag(k.process.action(s), saRestart)
	}
	return false
}

// handled does what the delivery to a handler does to the disposition.
func (p *process) handled(s recording.Signal) {
	if hasFlag(p.action(s), saResetHand) {
		delete(p.actions, s)
	}
}

// groupStop is a stop of the whole process by a signal, or its end, or the first
// stop of a new task.
func (t *tracer) groupStop(k *task, sig unix.Signal) error {
	p := k.process
	switch sig {
	case unix.SIGSTOP, unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU:
		if p.live && !p.stopped {
			p.stopped = true
			t.out.emit(&recording.Event{PID: p.pid, Kind: recording.KindStop, Stop: &recording.Stop{Signal: recording.Signal(sig)}})
		}
		return ptrace.Listen(k.tid)
	}
	if p.stopped {
		p.stopped = false
		t.out.emit(&recording.Event{PID: p.pid, Kind: recording.KindStop, Stop: &recording.Stop{Signal: recording.SIGCONT}})
	}
	return ptrace.Cont(k.tid, 0)
}

// spawned is the birth of a process or thread.
func (t *tracer) spawned(k *task, event int) error {
	message, err := ptrace.EventMsg(k.tid)
	if err != nil {
		return err
	}
	child := int(message)
	how := map[int]string{unix.PTRACE_EVENT_FORK: recording.ByFork, unix.PTRACE_EVENT_VFORK: recording.ByVfork, unix.PTRACE_EVENT_CLONE: recording.ByClone}[event]
	if err := t.adopt(k, child, how); err != nil {
		return err
	}
	return resume(k)
}

// resume lets a task go on from a stop inside a call, to the call's return where
// that is recorded.
func resume(k *task) error {
	if k.call != nil {
		return ptrace.Syscall(k.tid, 0)
	}
	return ptrace.Cont(k.tid, 0)
}

// adopt makes a new task known, and lets it run if it waited for that.
func (t *tracer) adopt(k *task, child int, how string) error {
	if p := k.process; thread(child, p.pid) {
		t.tasks[child] = &task{tid: child, process: p}
		t.emitSpawn(k, child, recording.ByThread)
	} else {
		t.adoptProcess(k, child, how)
	}
	if t.waiting[child] {
		delete(t.waiting, child)
		return ptrace.Cont(child, 0)
	}
	return nil
}

func (t *tracer) adoptProcess(k *task, child int, how string) {
	made := k.process.fork(child, k.sharesFiles())
	t.tasks[child] = &task{tid: child, process: made}
	t.mu.Lock()
	t.processes[child] = made
	t.mu.Unlock()
	t.emitSpawn(k, child, how)
}

func (t *tracer) emitSpawn(k *task, child int, how string) {
	if k.process.live {
		t.out.emit(&recording.Event{PID: k.process.pid, TID: k.thread(), Kind: recording.KindSpawn, Spawn: &recording.Spawn{Child: child, How: how}})
	}
}

// thread reports whether the new task belongs to the process pid.
func thread(tid, pid int) bool {
	status, err := procfs.ReadStatus(tid)
	return err == nil && status.Tgid == pid && tid != pid
}

// sharesFiles reports whether the task is in a clone that shares descriptors.
func (k *task) sharesFiles() bool {
	if k.call == nil || k.call.name != "clone" && k.call.name != "clone3" {
		return false
	}
	return len(k.call.args) > 0 && uint64(k.call.args[0].Int)&unix.CLONE_FILES != 0
}

// became is an execve that succeeded.
func (t *tracer) became(k *task) error {
	message, err := ptrace.EventMsg(k.tid)
	if err != nil {
		return err
	}
	former := int(message)
	if old := t.tasks[former]; old != nil && former != k.tid {
		// A thread other than the first called it and has taken the first one's
		// id over; the first one's death is not reported (ptrace(2)).
		delete(t.tasks, former)
		t.unfinished(k)
		k.call, k.held = old.call, old.held
	}
	p := k.process
	if !p.live && !k.filtered {
		// Our helper's own execve: it may be seized on the last steps of that.
		return ptrace.Cont(k.tid, 0)
	}
	p.exec()
	if t.announce(p) != nil {
		return ptrace.Cont(k.tid, 0)
	}
	if c := k.call; c != nil && p.live {
		exec := &recording.Exec{Path: c.args[pathIndex(c.name)].Text, Argv: c.exec}
		if former != k.tid {
			exec.Former = former
		}
		t.out.emit(&recording.Event{PID: p.pid, Kind: recording.KindExec, Exec: exec})
	}
	return resume(k)
}

func pathIndex(name string) int {
	if name == "execveat" {
		return 1
	}
	return 0
}

// ending is the last stop of a task. At that of a process's first thread the
// children that it leaves as zombies are looked at, while they still are.
func (t *tracer) ending(k *task) {
	if k.process.live {
		t.delayed(k.tid)
	}
	if k.tid != k.process.pid || !k.process.live || t.over.Load() {
		return
	}
	for _, kid := range k.process.kids {
		if kid.ended && (k.process.disowns() || stands(kid.pid)) {
			t.observe(kid.pid, recording.WhyParentEnds)
		}
	}
	t.pending(k.process.pid, k.tid, recording.WhyPending)
}

// disowns reports whether the kernel collects the process's children by itself
// (sigaction(2), SA_NOCLDWAIT; wait(2), NOTES): no wait call tells of them then.
func (p *process) disowns() bool {
	a := p.action(recording.SIGCHLD)
	return a.Handler == recording.HandlerIgnore || hasFlag(a, saNoCldWait)
}

// delayed notes for how long a thread of the programs was ready to run and got no
// CPU.
func (t *tracer) delayed(tid int) {
	if _, wait, _, err := procfs.SchedDelay(tid); err == nil {
		t.mu.Lock()
		t.delay = max(t.delay, wait)
		t.mu.Unlock()
	}
}

// pending records the blocked signals that wait for a process, or for one of its
// threads, if any does.
func (t *tracer) pending(pid, tid int, why string) {
	status, err := procfs.ReadStatus(tid)
	waiting := recording.SignalSet((status.SigPnd | status.ShdPnd) & status.SigBlk)
	if err != nil || waiting&^(1<<(recording.SIGCHLD-1)) == 0 {
		return
	}
	t.out.emit(&recording.Event{PID: pid, Kind: recording.KindState, State: &recording.State{
		Why: why, State: "R", Threads: status.Threads, Pending: waiting, Blocked: recording.SignalSet(status.SigBlk),
		Ignored: recording.SignalSet(status.SigIgn), Caught: recording.SignalSet(status.SigCgt),
	}})
}

// death is the end of a task.
func (t *tracer) death(tid int, k *task, status unix.WaitStatus) {
	if k == nil {
		delete(t.waiting, tid)
		return // a helper of ours, or an orphan whose death was reported before
	}
	t.unfinished(k)
	delete(t.tasks, tid)
	p := k.process
	t.mu.Lock()
	if tid == p.pid {
		p.ended, p.status = true, recording.WaitStatus(status)
		delete(t.processes, tid)
	}
	t.mu.Unlock()
	if p.live && !t.over.Load() {
		t.out.emit(&recording.Event{PID: p.pid, TID: k.thread(), Kind: recording.KindExit, Exit: &recording.Exit{Status: recording.WaitStatus(status)}})
	}
	t.orphans(p)
}

// unfinished records the call that a task was in when it ended.
func (t *tracer) unfinished(k *task) {
	if c := k.call; c != nil && k.process.live {
		t.emitCall(k, &recording.Call{Name: c.name, Args: c.named(), Enter: c.enter, Began: c.began, Fate: recording.Unfinished})
	}
	if k.held != nil {
		k.held.Call.Fate, k.held.Call.Errno, k.held.Call.Result = recording.Unfinished, 0, 0
		t.out.emit(k.held)
	}
	k.call, k.held = nil, nil
}

// orphans lets children go whose parent p was killed before its event came.
func (t *tracer) orphans(p *process) {
	for child := range t.waiting {
		stat, err := procfs.ReadStat(child)
		if err != nil || thread(child, p.pid) || t.tasks[stat.PPID] != nil {
			continue
		}
		delete(t.waiting, child)
		t.adoptProcess(&task{tid: p.pid, process: p}, child, recording.ByFork)
		if err := ptrace.Cont(child, 0); err != nil && !errors.Is(err, unix.ESRCH) {
			t.fail(err)
		}
	}
}

// reader reads the memory of a task.
type reader int

func (r reader) read(addr uint64, n int) []byte {
	if n <= 0 || addr == 0 {
		return nil
	}
	b := make([]byte, n)
	got, _ := ptrace.ReadMemory(int(r), addr, b)
	return b[:max(got, 0)]
}

func (r reader) text(addr uint64) string {
	const longest = 4096
	s, _, _ := ptrace.ReadCString(int(r), addr, longest)
	return s
}

// observe records what /proc says of a process.
func (t *tracer) observe(pid int, why string) {
	s := stateOf(pid, why)
	for i := range s.FDs {
		s.FDs[i].File = t.rename(s.FDs[i].File)
	}
	t.out.emit(&recording.Event{PID: pid, Kind: recording.KindState, State: s})
}

func stateOf(pid int, why string) *recording.State {
	stat, err := procfs.ReadStat(pid)
	if err != nil {
		return &recording.State{Why: why, State: "gone"}
	}
	s := &recording.State{
		Why: why, State: string(stat.State), Parent: stat.PPID, Group: stat.PGRP, Session: stat.Session, CPU: stat.UTime + stat.STime, Threads: stat.Threads,
	}
	if status, err := procfs.ReadStatus(pid); err == nil {
		s.Pending = recording.SignalSet(status.SigPnd | status.ShdPnd)
		s.Blocked, s.Ignored, s.Caught = recording.SignalSet(status.SigBlk), recording.SignalSet(status.SigIgn), recording.SignalSet(status.SigCgt)
	}
	open, err := procfs.FDs(pid)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return s
	}
	for fd, file := range open {
		s.FDs = append(s.FDs, recording.FD{FD: fd, File: file})
	}
	slices.SortFunc(s.FDs, func(a, b recording.FD) int { return a.FD - b.FD })
	return s
}
