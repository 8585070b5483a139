// Package procfs reads what /proc says about processes and threads, typed.
//
// Where a function takes a pid, the id of a thread serves as well and gives that
// thread's values. A process can vanish between any two reads: errors then wrap
// fs.ErrNotExist or ESRCH. The parsers are pure functions over bytes, and
// trust nothing that a program can choose, such as its name.
//
// See proc(5), and the page proc_pid_NAME(5) of each file.
package procfs

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Root is where the proc file system is mounted.
const Root = "/proc"

func path(pid int, elements ...string) string {
	return filepath.Join(append([]string{Root, strconv.Itoa(pid)}, elements...)...)
}

// Tasks returns the ids of pid's threads, in ascending order.
func Tasks(pid int) ([]int, error) { return numbers(path(pid, "task")) }

// numbers returns the names of dir's entries that are numbers, sorted.
func numbers(dir string) ([]int, error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	names, err := d.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	found := make([]int, 0, len(names))
	for _, name := range names {
		if n, err := strconv.Atoi(name); err == nil {
			found = append(found, n)
		}
	}
	slices.Sort(found)
	return found, nil
}

// FD returns what descriptor n of pid refers to: a path, or a word like
// "socket:[inode]", "pipe:[inode]", "anon_inode:[eventpoll]". It needs the
// right to trace pid, ptrace(2).
func FD(pid, n int) (string, error) {
	return os.Readlink(path(pid, "fd", strconv.Itoa(n)))
}

// FDs returns the open descriptors of pid and what each refers to, as FD does.
// One that is closed meanwhile is left out.
func FDs(pid int) (map[int]string, error) {
	open, err := numbers(path(pid, "fd"))
	if err != nil {
		return nil, err
	}
	targets := make(map[int]string, len(open))
	for _, n := range open {
		target, err := FD(pid, n)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return nil, err
		default:
			targets[n] = target
		}
	}
	return targets, nil
}

// Children returns the ids of pid's child processes, zombies too, in ascending
// order. The kernel promises a complete list only while the children are
// stopped, proc_tid_children(5): one may be missing if another exits meanwhile.
func Children(pid int) ([]int, error) {
	tasks, err := Tasks(pid)
	if err != nil {
		return nil, err
	}
	var children []int
	for _, tid := range tasks {
		data, err := os.ReadFile(path(pid, "task", strconv.Itoa(tid), "children"))
		if gone(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		of, err := parseChildren(data)
		if err != nil {
			return nil, err
		}
		children = append(children, of...)
	}
	slices.Sort(children)
	return children, nil
}

func gone(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH)
}

func parseChildren(data []byte) ([]int, error) {
	var children []int
	for field := range strings.FieldsSeq(string(data)) {
		pid, err := strconv.Atoi(field)
		if err != nil {
			return nil, &SyntaxError{"children", "pid", field}
		}
		children = append(children, pid)
	}
	return children, nil
}

// A SyntaxError tells of a file that is not as proc(5) says.
type SyntaxError struct {
	File  string // its last name
	Field string
	Value string // what was there
}

// Error names file and field.
func (e *SyntaxError) Error() string {
	return "parse " + e.File + ": " + e.Field + " is " + strconv.Quote(e.Value)
}
