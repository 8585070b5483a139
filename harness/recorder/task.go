package recorder

import (
	"maps"
	"strings"
	"time"

	"ipckit/harness/internal/procfs"
	"ipckit/harness/recording"
)

// task is a thread of a program that is traced.
type task struct {
	tid     int
	process *process
	call    *pending         // the call that it is in
	held    *recording.Event // a call that the kernel may restart: what comes next tells
	// filtered is set once it has stopped at the filter, which is put on right
	// before a program begins.
	filtered bool
}

// pending is a call between its entry and its return.
type pending struct {
	name  string
	spec  *spec
	frame frame
	args  []arg
	enter int
	began time.Duration
	exec  []string // argv of an execve
}

// process is what the threads of a program share.
type process struct {
	pid     int
	parent  int
	subject string
	live    bool // it has become the program; before, it is a helper of ours
	stopped bool // by a signal
	files   *files
	actions map[recording.Signal]recording.Action // what sigaction set; missing is the default
	ended   bool
	status  recording.WaitStatus
	kids    []*process
	watched map[watch]int // descriptors that epoll_ctl named, by their data
}

// watch is what a program gave to an epoll instance to know a descriptor by.
type watch struct {
	epfd int
	data uint64
}

func (p *process) interest(epfd int, data uint64) (fd int, ok bool) {
	fd, ok = p.watched[watch{epfd, data}]
	return fd, ok
}

// fork returns the process that a fork of p makes (fork(2): descriptors and
// dispositions are copied; shared says that descriptors are not, clone(2),
// CLONE_FILES).
func (p *process) fork(pid int, shared bool) *process {
	child := &process{pid: pid, parent: p.pid, subject: p.subject, live: p.live, files: p.files, actions: maps.Clone(p.actions), watched: maps.Clone(p.watched)}
	if !shared {
		child.files = p.files.copy()
	}
	p.kids = append(p.kids, child)
	return child
}

// exec does what execve(2) does to dispositions: handlers become the default.
func (p *process) exec() {
	p.files = &files{byFD: map[int]string{}, streams: p.files.streams}
	for s, a := range p.actions {
		if a.Handler == recording.HandlerOwn {
			delete(p.actions, s)
		}
	}
}

// handler returns the disposition of a signal.
func (p *process) action(s recording.Signal) recording.Action {
	if a, ok := p.actions[s]; ok {
		return a
	}
	return recording.Action{Handler: recording.HandlerDefault}
}

// defaultIgnored are the signals whose default action is to do nothing
// (signal(7)).
var defaultIgnored = map[recording.Signal]bool{recording.SIGCHLD: true, recording.SIGCONT: true, 23: true, 28: true}

// fate says what the delivery of s does to p.
func (p *process) fate(s recording.Signal) string {
	switch a := p.action(s); {
	case s == recording.SIGKILL || s == recording.SIGSTOP:
		return recording.FateDefault
	case a.Handler == recording.HandlerOwn:
		return recording.FateHandled
	case a.Handler == recording.HandlerIgnore, defaultIgnored[s]:
		return recording.FateIgnored
	}
	return recording.FateDefault
}

// files remembers what descriptors refer to, as long as they stay open, and which
// of them are standard streams: all three are one terminal, so that only their
// numbers tell them apart, and those of their copies (perror(3) writes to a copy
// of standard error).
type files struct {
	byFD    map[int]string
	streams map[int]string
}

func newFiles() *files {
	return &files{byFD: map[int]string{}, streams: map[int]string{}}
}

// standard are the streams by the numbers that they have by convention.
var standard = map[int]string{0: "stdin", 1: recording.Stdout, 2: recording.Stderr}

// stream returns which standard stream a descriptor is, or "".
func (f *files) stream(fd int) string {
	if name, ok := f.streams[fd]; ok {
		return name
	}
	return standard[fd]
}

func (f *files) copy() *files {
	return &files{byFD: maps.Clone(f.byFD), streams: maps.Clone(f.streams)}
}

// forget drops what was known of the descriptors from first to last. A standard
// stream that was closed is none any more: its number goes to whatever is opened
// next.
func (f *files) forget(first, last int) {
	for fd := range standard {
		if fd >= first && fd <= last {
			f.streams[fd] = ""
		}
	}
	if first == last {
		delete(f.byFD, first)
		if _, low := standard[first]; !low {
			delete(f.streams, first)
		}
		return
	}
	gone := func(fd int, _ string) bool { return fd >= first && fd <= last }
	maps.DeleteFunc(f.byFD, gone)
	maps.DeleteFunc(f.streams, func(fd int, stream string) bool { return gone(fd, stream) && standard[fd] == "" })
}

// duplicate notes that made is a copy of old (dup(2)). A runtime that opens its
// terminal anew and puts that in the place of a standard stream writes to the
// original: it is that stream, too.
func (f *files) duplicate(old, made int) {
	stream := f.stream(old)
	f.forget(made, made)
	if stream == "" && standard[made] != "" {
		stream = standard[made]
		f.streams[old] = stream
	}
	if stream != "" {
		f.streams[made] = stream
	}
}

// file returns what a descriptor of the task refers to: "socket:[17]",
// "tty:server", a path; "" where it is not open.
func (t *tracer) file(k *task, fd int) string {
	if fd < 0 {
		return ""
	}
	if name, ok := k.process.files.byFD[fd]; ok {
		return name
	}
	name, err := procfs.FD(k.tid, fd)
	if err != nil {
		return ""
	}
	name = t.rename(name)
	k.process.files.byFD[fd] = name
	return name
}

// rename gives a terminal of ours the name of its subject.
func (t *tracer) rename(file string) string {
	if !strings.HasPrefix(file, "/dev/pts/") {
		return file
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if subject, ok := t.terminals[file]; ok {
		return recording.TerminalFile(subject)
	}
	return file
}

// communicates reports whether bytes on the file are worth recording.
func communicates(file string, fd int) bool {
	const standard = 2
	return fd <= standard && fd >= 0 || strings.HasPrefix(file, "socket:") || strings.HasPrefix(file, "pipe:") ||
		strings.HasPrefix(file, "tty:") || strings.HasPrefix(file, "anon_inode:")
}
