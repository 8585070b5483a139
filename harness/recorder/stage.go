package recorder

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"ipckit/harness/internal/procfs"
	"ipckit/harness/internal/sockdiag"
	"ipckit/harness/recording"
	"ipckit/harness/sandbox"
	"ipckit/harness/scenario"
)

// stage is the inside of a cage for a script: scenario.Stage.
type stage struct {
	in     *sandbox.Inside
	job    *job
	t      *tracer
	out    *emitter
	random *rand.Rand
	filter []unix.SockFilter
	pin    int
	first  func()        // tells that a child exists
	before time.Duration // that the tracer waited for a CPU before the script began

	count   map[string]int // starts of a part
	drains  sync.WaitGroup // readers of terminals
	closing []io.Closer
}

// unreached ends a script from within.
type unreached struct{ what, because string }

// kitFailure ends a script whose stage has failed.
type kitFailure struct{ err error }

func newStage(in *sandbox.Inside, j *job, t *tracer) *stage {
	return &stage{
		in: in, job: j, t: t, out: t.out, pin: in.CPU, count: map[string]int{},
		random: rand.New(rand.NewPCG(uint64(j.Header.Seed), hashName(string(j.Scenario)))),
	}
}

// hashName spreads the seed over the scenarios (FNV-1a).
func hashName(name string) uint64 {
	h := uint64(14695981039346656037)
	for _, c := range []byte(name) {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return h
}

// play runs the script to its end, and then ends what still runs.
func (s *stage) play(script scenario.Scenario, first chan struct{}) (trailer recording.Trailer) {
	s.first = sync.OnceFunc(func() { close(first) })
	_, s.before, _, _ = procfs.SchedDelay(os.Getpid())
	defer s.first()
	if script.Unpinned {
		s.pin = -1
	}
	func() {
		defer func() {
			switch end := recover().(type) {
			case nil:
			case unreached:
				trailer.Unreached, trailer.Because, trailer.Expired = end.what, end.because, strings.HasPrefix(end.because, expired)
			case kitFailure:
				trailer.Broken = end.err.Error()
			default:
				panic(end)
			}
		}()
		filter, err := policy(!script.Untraced).Assemble()
		s.must(err)
		s.filter = filter
		s.freePort()
		script.Script(s)
	}()
	s.end()
	trailer.Delay = s.delay()
	return trailer
}

// delay is for how long the programs were kept waiting: for a CPU of their own,
// and for the tracer to get one.
func (s *stage) delay() time.Duration {
	for _, pid := range s.alive() {
		tids, _ := procfs.Tasks(pid)
		for _, tid := range tids {
			s.t.delayed(tid)
		}
	}
	_, tracer, _, _ := procfs.SchedDelay(os.Getpid())
	s.t.mu.Lock()
	defer s.t.mu.Unlock()
	return s.t.delay + tracer - s.before
}

// lingers is how long Linux keeps a closed connection in TIME_WAIT, and a little
// more.
const lingers = 65 * time.Second

// freePort waits, where all cages share the machine's network, until the article's
// port is free of what an earlier scenario left in TIME_WAIT: a correct server may
// be refused the port because of it (socket(7), SO_REUSEADDR).
func (s *stage) freePort() {
	if s.in.Isolation != sandbox.None {
		return
	}
	held := ""
	free := func() bool {
		rows, err := sockets(sockdiag.AllStates)
		s.must(err)
		held = ""
		for _, r := range rows {
			if r.Local.Port == scenario.Port {
				held = fmt.Sprintf("%s of %v", r.State, r.Remote)
			}
			if r.Local.Port == scenario.Port && r.State == "LISTEN" {
				return true // somebody's server: waiting does not help
			}
		}
		return held == ""
	}
	s.wait(lingers, 0, sometimes(lingers/100, free))
	if held != "" {
		s.must(fmt.Errorf("port %d is in use on this machine (%s), and there is no network of the cage's own", scenario.Port, held))
	}
}

// end records what is left, and ends it.
func (s *stage) end() {
	s.Mark(EndMark)
	s.delay() // of those that still run
	s.t.over.Store(true)
	for _, pid := range s.alive() {
		s.t.observe(pid, "left at the end")
	}
	for _, c := range s.closing {
		c.Close()
	}
	s.in.Sweep()
	s.drains.Wait()
}

// EndMark is the mark behind which everything is the kit's own doing.
const EndMark = "end"

func (s *stage) must(err error) {
	if err != nil {
		panic(kitFailure{err})
	}
}

func (s *stage) scaled(d time.Duration) time.Duration {
	return time.Duration(float64(d) * s.job.Scale)
}

func (s *stage) Rand() *rand.Rand { return s.random }

func (s *stage) HasSecond() bool { return s.in.Second }

func (s *stage) Mark(name string) {
	s.out.emit(&recording.Event{Kind: recording.KindMark, Mark: &recording.Mark{Name: name}})
}

func (s *stage) Start(part string, args ...string) scenario.Program {
	i := slices.IndexFunc(s.job.Parts, func(p jobPart) bool { return p.Part.Name == part })
	if i < 0 {
		s.must(fmt.Errorf("the scenario has no part %q", part))
	}
	p := s.job.Parts[i]
	s.count[part]++
	subject := p.Subject
	if n := s.count[part]; n > 1 {
		subject.Name = fmt.Sprintf("%s-%d", part, n)
	}
	subject.Argv = append(slices.Clone(p.Argv), args...)
	uid := sandbox.InnerUID
	if p.Part.Second {
		uid = sandbox.SecondUID
	}
	return s.start(subject, sandbox.Program{Parcel: p.Parcel, Argv: subject.Argv, Env: p.Env, UID: uid, Filter: s.filter, CPU: s.pin})
}

// start starts a program and waits until it has become itself.
func (s *stage) start(subject recording.Subject, p sandbox.Program) scenario.Program {
	st := &start{subject: subject, done: make(chan struct{})}
	s.t.mu.Lock()
	started, err := s.in.Start(p)
	if err == nil {
		st.started = started
		s.t.starting[started.Leader] = st
		s.t.terminals[terminalName(started.Terminal)] = subject.Name
	}
	s.t.mu.Unlock()
	s.must(err)
	s.first()
	running := &program{stage: s, name: subject.Name, started: started}
	s.drains.Add(1)
	go running.drain()
	<-st.done
	if st.err != nil {
		panic(unreached{subject.Role + " starts", st.err.Error()})
	}
	return running
}

// terminalName returns the name of the other end of a terminal (ptsname(3)).
func terminalName(master *os.File) string {
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("/dev/pts/%d", n)
}

// alive lists the processes of the programs.
func (s *stage) alive() []int {
	s.t.mu.Lock()
	defer s.t.mu.Unlock()
	var all []int
	for pid, p := range s.t.processes {
		if !p.ended {
			all = append(all, pid)
		}
	}
	slices.Sort(all)
	return all
}

// nap is how long programs may sleep without using a CPU before what is awaited
// is given up: nobody is there to bring it about.
const nap = 2 * time.Second

// look is how often states are looked at between events, at most and at least:
// the longer a wait lasts, the less often.
const (
	look     = 10 * time.Millisecond
	seldom   = 50 * time.Millisecond
	slowdown = 20 // looks in a wait of unchanged length
)

// expired begins the reason of a wait that was given up for its limit alone.
const expired = "not within"

// indulgence is by how many times its length a limit is extended at most, for the
// time in which programs or tracer were ready to run and got no CPU.
const indulgence = 3

func (s *stage) Await(what string, limit time.Duration, done func() bool) {
	if because := s.wait(limit, nap, done); because != "" {
		panic(unreached{what, because})
	}
}

func (s *stage) Until(_ string, limit time.Duration, done func() bool) bool {
	return s.wait(limit, 0, done) == ""
}

// wait waits for done, and says why it gave up. A patience of 0 waits the limit
// out.
func (s *stage) wait(limit, patience time.Duration, done func() bool) (because string) {
	limit, patience = s.scaled(limit), s.scaled(patience)
	began, delay := time.Now(), s.delay()
	rest := newRest()
	for !done() {
		s.alarm()
		if patience > 0 {
			alive := s.alive()
			if len(alive) == 0 {
				if done() {
					return ""
				}
				return "no process of the program is left"
			}
			if quiet := rest.look(alive); quiet >= patience {
				return fmt.Sprintf("the program has slept for %v without using a CPU", patience)
			}
		}
		if waited := time.Since(began); waited >= limit && waited >= limit+min(s.delay()-delay, indulgence*limit) {
			return fmt.Sprintf("%s %v", expired, limit)
		}
		select {
		case <-s.out.wake:
		case <-time.After(min(max(look, time.Since(began)/slowdown), seldom, limit)):
		}
	}
	return ""
}

// sometimes asks a question that costs something only so often.
func sometimes(every time.Duration, question func() bool) func() bool {
	var last time.Time
	return func() bool {
		if time.Since(last) < every {
			return false
		}
		last = time.Now()
		return question()
	}
}

// alarm ends the script where the kit itself has failed.
func (s *stage) alarm() {
	s.t.mu.Lock()
	err := s.t.failed
	s.t.mu.Unlock()
	s.must(err)
}

func (s *stage) Rest(quiet time.Duration) {
	const restless = 10 // times quiet: a program that never rests is judged by what it does then
	rest := newRest()
	s.wait(restless*quiet, 0, func() bool { return rest.look(s.alive()) >= s.scaled(quiet) })
}

// rest measures for how long processes have been asleep.
type rest struct {
	since time.Time
	used  time.Duration
	last  time.Time
}

// lazy is the share of a CPU that a sleeping program may use: runtimes with
// timers of their own wake up now and then.
const lazy = 0.02

func newRest() *rest { return &rest{since: time.Now(), used: -1} }

// look returns for how long all processes have slept. One that is ready to run
// and does not get a CPU is not asleep.
func (r *rest) look(pids []int) time.Duration {
	now := time.Now()
	if now.Sub(r.last) < look/2 {
		return 0
	}
	r.last = now
	used, ready := usage(pids)
	window := now.Sub(r.since)
	if ready || r.used < 0 || float64(used-r.used) > lazy*float64(window)+float64(200*time.Microsecond) {
		r.since, r.used = now, used
		return 0
	}
	return window
}

// usage sums the CPU time of all threads, and tells whether one is ready to run.
func usage(pids []int) (used time.Duration, ready bool) {
	for _, pid := range pids {
		tasks, err := procfs.Tasks(pid)
		if err != nil {
			continue
		}
		for _, tid := range tasks {
			run, _, _, err := procfs.SchedDelay(tid)
			if err != nil {
				continue
			}
			used += run
			if stat, err := procfs.ReadStat(tid); err == nil && strings.ContainsRune("Rt", rune(stat.State)) {
				ready = true
			}
		}
	}
	return used, ready
}

func (s *stage) Sockets(why string) []recording.SocketRow {
	rows, err := sockets(sockdiag.AllStates)
	s.must(err)
	s.out.emit(&recording.Event{Kind: recording.KindSockets, Sockets: &recording.Sockets{Why: why, Rows: rows}})
	return rows
}

// sockets asks the kernel for the TCP sockets of the network namespace that are
// in one of the states.
func sockets(states uint32) ([]recording.SocketRow, error) {
	var rows []recording.SocketRow
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		found, err := sockdiag.Inet(family, unix.IPPROTO_TCP, states)
		if err != nil {
			return nil, fmt.Errorf("ask for sockets: %w", err)
		}
		for _, f := range found {
			rows = append(rows, row(f))
		}
	}
	slices.SortFunc(rows, func(a, b recording.SocketRow) int {
		return strings.Compare(a.State+a.Local.String()+a.Remote.String(), b.State+b.Local.String()+b.Remote.String())
	})
	return rows, nil
}

func row(f sockdiag.InetSocket) recording.SocketRow {
	family := map[uint8]string{unix.AF_INET: "AF_INET", unix.AF_INET6: "AF_INET6"}[f.Family]
	return recording.SocketRow{
		State:    f.State.String(),
		Local:    recording.Addr{Family: family, IP: f.Local.Addr().String(), Port: int(f.Local.Port())},
		Remote:   recording.Addr{Family: family, IP: f.Remote.Addr().String(), Port: int(f.Remote.Port())},
		Received: int(f.RQueue), Queue: int(f.WQueue), Inode: int(f.Inode),
	}
}

// program is a started program: scenario.Program.
type program struct {
	stage   *stage
	name    string
	started *sandbox.Started
}

func (p *program) Name() string { return p.name }

func (p *program) PID() int { return p.started.PID }

// drain reads the terminal to its end: a program must never wait for us.
func (p *program) drain() {
	defer p.stage.drains.Done()
	buffer := make([]byte, 32<<10)
	for {
		n, err := p.started.Terminal.Read(buffer)
		if n > 0 {
			p.stage.out.emit(&recording.Event{Kind: recording.KindOutput, Output: &recording.Output{
				Subject: p.name, Stream: "terminal", Data: p.stage.out.data(buffer[:n]),
			}})
		}
		// EIO says that nobody has the other end open (pty(7)).
		if err != nil {
			return
		}
	}
}

func (p *program) Ended() bool {
	p.stage.t.mu.Lock()
	defer p.stage.t.mu.Unlock()
	main := p.stage.t.mains[p.name]
	return main != nil && main.ended
}

func (p *program) Gone() bool {
	return !slices.ContainsFunc(p.stage.alive(), func(pid int) bool { return p.stage.subjectOf(pid) == p.name })
}

func (p *program) AwaitEnd(limit time.Duration) {
	patience := nap
	if limit > scenario.Soon {
		patience = limit // it sleeps for long by itself
	}
	if because := p.stage.wait(limit, patience, p.Ended); because != "" {
		panic(unreached{p.name + " ends", because})
	}
}

func (p *program) AwaitListening(port int) {
	s := p.stage
	listening := func() bool {
		rows, err := sockets(sockdiag.States(sockdiag.Listen)) // the other states would cost a walk over all connections
		s.must(err)
		return slices.ContainsFunc(rows, func(r recording.SocketRow) bool { return r.Local.Port == port })
	}
	ended := false
	because := s.wait(scenario.Soon, nap, sometimes(look/2, func() bool { ended = p.Ended(); return ended || listening() }))
	if ended {
		because = "the program has ended"
	}
	if because != "" {
		s.Sockets("not listening")
		panic(unreached{fmt.Sprintf("%s listens on port %d", p.name, port), because})
	}
	s.Mark(ReadyMark)
}

// ReadyMark tells the kit that a program has started: another cage may start
// its own.
const ReadyMark = "ready"

func (p *program) Observe(why string) {
	for _, pid := range p.stage.alive() {
		if p.stage.subjectOf(pid) == p.name {
			p.stage.t.observe(pid, why)
		}
	}
}

func (s *stage) subjectOf(pid int) string {
	s.t.mu.Lock()
	defer s.t.mu.Unlock()
	if p := s.t.processes[pid]; p != nil {
		return p.subject
	}
	return ""
}

func (p *program) Type(keys string) {
	data := p.stage.out.data([]byte(keys))
	p.stage.out.emit(&recording.Event{Kind: recording.KindPeer, Peer: &recording.Peer{Name: "keyboard", Act: recording.ActTyped, Data: &data}})
	_, err := p.started.Terminal.WriteString(keys)
	p.stage.must(err)
}

func (p *program) Signal(sig recording.Signal) { p.send(p.PID(), sig) }

func (p *program) Kill() {
	for _, pid := range p.stage.alive() {
		if p.stage.subjectOf(pid) == p.name {
			p.send(pid, recording.SIGKILL)
		}
	}
	p.stage.Await(p.name+" ends", scenario.Soon, p.Gone)
}

func (p *program) send(target int, sig recording.Signal) {
	p.stage.out.emit(&recording.Event{Kind: recording.KindPeer, Peer: &recording.Peer{Name: "kit", Act: recording.ActSignalled, Signal: sig, Target: target}})
	if err := unix.Kill(target, unix.Signal(sig)); err != nil && !errors.Is(err, unix.ESRCH) {
		p.stage.must(os.NewSyscallError("kill", err))
	}
}

// Pause stops the program's process group and waits until it stands still.
func (p *program) Pause() {
	p.send(-p.PID(), recording.SIGSTOP)
	p.stage.wait(scenario.Soon, 0, func() bool {
		stat, err := procfs.ReadStat(p.PID())
		return err != nil || strings.ContainsRune("TtZ", rune(stat.State))
	})
}

// Resume lets it go on.
func (p *program) Resume() { p.send(-p.PID(), recording.SIGCONT) }
