package sandbox

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"ipckit/harness/internal/procfs"
)

// killDescendants ends all processes below pid, new ones included: this process
// is their subreaper (prctl(2)), so none can leave the tree. A process with a
// SIGSTOP to come cannot fork, so all are stopped before any is killed.
func killDescendants(pid int) {
	stopped := map[int]bool{}
	for fresh := true; fresh; {
		fresh = false
		for _, d := range descendants(pid) {
			if !stopped[d] {
				stopped[d], fresh = true, true
				unix.Kill(d, unix.SIGSTOP)
			}
		}
	}
	for d := range stopped {
		unix.Kill(d, unix.SIGKILL)
	}
}

// dying is how long killed processes may take to be gone.
const dying = 10 * time.Second

// awaitDeaths kills the processes below pid until none is left: one that is in
// the middle of a system call finishes it first, and a list of children may lack
// one (proc_tid_children(5)). Whoever else waits for children may take their
// statuses.
func awaitDeaths(pid int) {
	for began := time.Now(); time.Since(began) < dying; time.Sleep(time.Millisecond) {
		if !slices.ContainsFunc(descendants(pid), alive) {
			return
		}
		killDescendants(pid)
	}
}

// alive reports whether the process runs: a zombie does not.
func alive(pid int) bool {
	stat, err := procfs.ReadStat(pid)
	return err == nil && stat.State != 'Z' && stat.State != 'X'
}

// descendants lists the processes below pid, zombies included.
func descendants(pid int) []int {
	var all []int
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		return nil
	}
	for _, task := range tasks {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/children", pid, task.Name()))
		if err != nil {
			continue
		}
		for _, field := range strings.Fields(string(text)) {
			child, err := strconv.Atoi(field)
			if err != nil {
				continue
			}
			all = append(all, child)
			all = append(all, descendants(child)...)
		}
	}
	return all
}
