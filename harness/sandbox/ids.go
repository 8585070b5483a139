package sandbox

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// CanShed reports whether the kit can give a program other user ids than its own,
// and so take root's rights from it. Being root is not enough: in a container the
// other ids may not be mapped (user_namespaces(7)), or the capability be missing.
func CanShed() bool { return canShed() }

var canShed = sync.OnceValue(func() bool {
	return os.Getuid() == 0 && capable(unix.CAP_SETUID) && capable(unix.CAP_SETGID) && mapped("uid_map") && mapped("gid_map")
})

// capable reports whether the capability is effective.
func capable(number uint) bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var sets [2]unix.CapUserData
	return unix.Capget(&header, &sets[0]) == nil && sets[number/32].Effective&(1<<(number%32)) != 0
}

// mapped reports whether the ids that the kit gives away exist here.
func mapped(file string) bool {
	text, err := os.ReadFile("/proc/self/" + file)
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(text)) {
		var first, outside, count int64
		if n, _ := fmt.Sscan(line, &first, &outside, &count); n == 3 && first <= firstUnused && outerUID < first+count {
			return true
		}
	}
	return false
}

// The range of ids that one is taken from where there are no namespaces: the one
// from which systemd takes ids for its own passing users.
const firstUnused, lastUnused = 61184, 65519

// unusedID returns a user and group id that no process has and no user is
// called by.
func unusedID() (int, error) {
	taken := takenIDs()
	for id := lastUnused; id >= firstUnused; id-- {
		if !taken[id] {
			return id, nil
		}
	}
	return 0, fmt.Errorf("find an unused user id: none between %d and %d", firstUnused, lastUnused)
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
