package sandbox

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// Isolation names how a cage is kept apart from the machine.
type Isolation string

// The rungs of the ladder.
const (
	Namespaces Isolation = "namespaces" // own user, pid, net, mount, ipc and uts namespaces
	None       Isolation = "none"       // among the machine's processes; one cage at a time
)

// RefusedError says that the machine refused a cage: which call, and what the
// user can do about it.
type RefusedError struct {
	Call string // "clone(CLONE_NEWUSER|...)", "mount /proc"
	Err  error  // the errno
	Why  string // in words; "" where nothing more is known
}

// Error returns one line.
func (e *RefusedError) Error() string {
	text := fmt.Sprintf("%s: %v", e.Call, e.Err)
	if e.Why != "" {
		text += ": " + e.Why
	}
	return text
}

// Unwrap returns the errno.
func (e *RefusedError) Unwrap() error { return e.Err }

// explainClone says why new namespaces were refused, from what the kernel tells
// about itself (user_namespaces(7)).
func explainClone(err error) string {
	switch {
	case sysctl("user/max_user_namespaces") == "0":
		return "user namespaces are switched off; as root: sysctl user.max_user_namespaces=10000"
	case sysctl("kernel/unprivileged_userns_clone") == "0" && os.Getuid() != 0:
		return "user namespaces are for root only here; as root: sysctl kernel.unprivileged_userns_clone=1"
	case sysctl("kernel/apparmor_restrict_unprivileged_userns") == "1" && os.Getuid() != 0:
		return "AppArmor restricts user namespaces (Ubuntu does); as root: sysctl kernel.apparmor_restrict_unprivileged_userns=0"
	case errors.Is(err, unix.ENOSPC):
		return "the limit on namespaces is reached; see namespaces(7), /proc/sys/user"
	case errors.Is(err, unix.EPERM) && os.Getuid() == 0 && !capable(unix.CAP_SETFCAP):
		return "root without CAP_SETFCAP cannot map its own user id (user_namespaces(7)); run the kit as an ordinary user"
	case errors.Is(err, unix.EPERM):
		return "a container's seccomp profile refuses it (Docker's default does); run the container with --security-opt seccomp=unconfined"
	case errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOSYS):
		return "this kernel was built without a namespace that is needed"
	}
	return ""
}

// explainSetup says why a step inside the fresh namespaces was refused.
func explainSetup(call string, err error) string {
	switch {
	case strings.Contains(call, "/proc") && errors.Is(err, unix.EPERM):
		return "a container that masks parts of /proc refuses a fresh one (mount_namespaces(7)); run it with --security-opt systempaths=unconfined"
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES):
		return "the namespaces were made, but give no rights: AppArmor restricts user namespaces on Ubuntu (sysctl kernel.apparmor_restrict_unprivileged_userns=0)"
	case errors.Is(err, unix.ENOSYS):
		return "the kernel is older than 5.12"
	case errors.Is(err, unix.ENOENT):
		return "this machine lacks a file or folder that a cage is furnished with"
	}
	return ""
}

func sysctl(name string) string {
	text, err := os.ReadFile("/proc/sys/" + name)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}
