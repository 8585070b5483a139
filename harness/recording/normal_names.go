package recording

import (
	"fmt"
	"maps"
	"regexp"
	"strconv"
	"strings"
)

// names gives everything that the kernel numbers a name that is the same in
// every run.
type names struct {
	processes map[int]string
	threads   map[int]string
	births    map[string]int         // children and threads so far, and descriptors of each kind, by process
	labels    map[int]map[int]string // of descriptors, by process
	files     map[string]string      // labels of what has an inode
	lowest    int                    // ports that the kernel chooses from
	highest   int
}

// The range of ports that the kernel chooses from where a recording does not say
// (ip(7), ip_local_port_range).
const (
	lowestPort  = 32768
	highestPort = 60999
)

func newNames(r *Recording) *names {
	n := &names{
		processes: map[int]string{}, threads: map[int]string{}, births: map[string]int{}, labels: map[int]map[int]string{}, files: map[string]string{},
		lowest: lowestPort, highest: highestPort,
	}
	var low, high int
	if _, err := fmt.Sscan(r.Header.Sysctls["net.ipv4.ip_local_port_range"], &low, &high); err == nil {
		n.lowest, n.highest = low, high
	}
	return n
}

func (n *names) begin(pid int, name string) { n.processes[pid], n.labels[pid] = name, map[int]string{} }

// count returns the next number of its kind.
func (n *names) count(kind string) int {
	n.births[kind]++
	return n.births[kind]
}

func (n *names) addThread(pid, tid int) string {
	name := fmt.Sprintf("%s/%d", n.process(pid), n.count(n.process(pid)+"/"))
	n.threads[tid] = name
	return name
}

func (n *names) addProcess(parent, pid int) string {
	name := fmt.Sprintf("%s.%d", n.process(parent), n.count(n.process(parent)+"."))
	if len(name) > maxName {
		name = "a distant descendant"
	}
	n.processes[pid], n.labels[pid] = name, maps.Clone(n.labels[parent])
	if n.labels[pid] == nil {
		n.labels[pid] = map[int]string{}
	}
	return name
}

// process names the process with that number.
func (n *names) process(pid int) string {
	if name, ok := n.processes[pid]; ok {
		return name
	}
	if pid == 1 {
		return "init"
	}
	return "a stranger"
}

func (n *names) thread(tid int) string {
	if name, ok := n.threads[tid]; ok {
		return name
	}
	return n.process(tid)
}

// task names the thread that an event is about.
func (n *names) task(e *Event) string {
	if e.TID != 0 {
		return n.thread(e.TID)
	}
	return n.process(e.PID)
}

// number names the process, thread or group that a call speaks of.
func (n *names) number(v int64) string {
	switch _, thread := n.threads[int(v)]; {
	case v == 0 || v == -1:
		return strconv.FormatInt(v, 10)
	case v < 0:
		return "group of " + n.process(int(-v))
	case thread:
		return n.threads[int(v)]
	}
	return n.process(int(v))
}

const (
	pipeKind   = "pipe"
	socketKind = "socket"
	fileKind   = "file"
)

var anonymous = regexp.MustCompile(`^anon_inode:\[?(\w+)\]?$`)

// kindOf says what sort of thing a descriptor refers to.
func kindOf(file string) string {
	switch match := anonymous.FindStringSubmatch(file); {
	case match != nil:
		return match[1]
	case strings.HasPrefix(file, "socket:"):
		return socketKind
	case strings.HasPrefix(file, "pipe:"):
		return pipeKind
	}
	return fileKind
}

// label names what a descriptor of a process refers to, by the process that
// was first seen with it: "server socket#2".
func (n *names) label(pid, fd int, file string) string {
	if file == "" {
		return strconv.Itoa(fd)
	}
	if strings.HasPrefix(file, "tty:") {
		return file
	}
	kind := kindOf(file)
	inode := kind == socketKind || kind == pipeKind
	name, known := n.labels[pid][fd]
	if inode {
		name, known = n.files[file]
	}
	if !known {
		name = fmt.Sprintf("%s#%d", kind, n.count(n.process(pid)+" "+kind))
		name = n.process(pid) + " " + name
	}
	if inode {
		n.files[file] = name
	}
	n.know(pid, fd, name)
	return name
}

func (n *names) know(pid, fd int, name string) {
	if n.labels[pid] == nil {
		n.labels[pid] = map[int]string{}
	}
	n.labels[pid][fd] = name
}

// learn keeps what a call did to the descriptors of its process.
func (n *names) learn(e *Event) {
	c := e.Call
	fd := int(c.Int("fd"))
	switch {
	case c.Name == "close":
		delete(n.labels[e.PID], fd)
	case copies(c) && c.OK():
		if name, ok := n.labels[e.PID][fd]; ok {
			n.know(e.PID, int(c.Result), name)
		}
	}
}

// copies reports whether the call makes a copy of its descriptor.
func copies(c *Call) bool {
	if c.Name == "fcntl" {
		op := c.Arg("op")
		return op != nil && strings.HasPrefix(op.Text, "F_DUPFD")
	}
	return c.Name == "dup" || c.Name == "dup2" || c.Name == "dup3"
}

// address masks the port that the kernel chose.
func (n *names) address(a *Addr) string {
	masked := *a
	if a.Port >= n.lowest && a.Port <= n.highest {
		masked.Port = 0
	}
	if chosen.MatchString(a.Path) {
		masked.Path = "@?????"
	}
	return masked.String()
}

// chosen are the names of Unix domain sockets that the kernel gives (unix(7),
// "Autobind feature").
var chosen = regexp.MustCompile("^@[0-9a-f]{5}$")
