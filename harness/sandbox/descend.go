package sandbox

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// killDescendants ends all processes below pid, new ones included: this process
// is their subreaper (prctl(2)), so none can leave the tree. A stopped tree
// cannot fork, so all are stopped before any is killed.
func killDescendants(pid int) {
	for {
		before := descendants(pid)
		for _, d := range before {
			unix.Kill(d, unix.SIGSTOP)
		}
		if len(descendants(pid)) == len(before) {
			for _, d := range before {
				unix.Kill(d, unix.SIGKILL)
			}
			return
		}
	}
}

// descendants lists the living processes below pid.
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

// unusedID returns a user and group id that no process has and no user is
// called by.
func unusedID() (int, error) {
	const first, last = 61184, 65519 // the range that systemd takes ids from for its own passing users
	taken := takenIDs()
	for id := last; id >= first; id-- {
		if !taken[id] {
			return id, nil
		}
	}
	return 0, fmt.Errorf("find an unused user id: none between %d and %d", first, last)
}

// takenIDs returns the ids of all users known to the machine and of the owners
// of all its processes.
func takenIDs() map[int]bool {
	taken := map[int]bool{}
	for _, file := range []string{"/etc/passwd", "/etc/group"} {
		text, _ := os.ReadFile(file) // a machine without it has no named users
		for line := range strings.Lines(string(text)) {
			if fields := strings.Split(line, ":"); len(fields) > 2 {
				id, _ := strconv.Atoi(fields[2])
				taken[id] = true
			}
		}
	}
	entries, _ := os.ReadDir("/proc")
	for _, entry := range entries {
		var st unix.Stat_t
		if unix.Stat("/proc/"+entry.Name(), &st) == nil {
			taken[int(st.Uid)] = true
		}
	}
	return taken
}
