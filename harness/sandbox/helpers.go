package sandbox

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"ipckit/harness/internal/seccomp"
)

// Descriptors of kit-leader and kit-exec beside the terminal on 0 and 1, and
// nothing on 2.
const (
	errandFD = 3
	reportFD = 4
)

// leaderLife is the session leader of one terminal: what a login shell is to the
// programs that it starts. It lives until the cage ends, for a leader's end
// hangs up its terminal (setsid(2), NOTES).
func leaderLife() int {
	reports := json.NewEncoder(os.NewFile(reportFD, "reports"))
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
		return notStarted(reports, fmt.Errorf("prctl(PR_CAP_AMBIENT_CLEAR_ALL): %w", err))
	}
	// An interactive shell is not ended by what its jobs send to their parent.
	signal.Notify(make(chan os.Signal, 1))
	errands := os.NewFile(errandFD, "errand")
	program, err := os.StartProcess(ownImage, []string{execName}, &os.ProcAttr{
		Env:   helperEnv,
		Files: []*os.File{os.Stdin, os.Stdout, os.Stderr, errands, os.NewFile(reportFD, "reports")},
		Sys:   &syscall.SysProcAttr{Setpgid: true, Foreground: true, Ctty: 0},
	})
	if err != nil {
		return notStarted(reports, fmt.Errorf("start %s: %w", execName, err))
	}
	errands.Close()
	_ = reports.Encode(report{PID: program.Pid}) // a reader that is gone needs none
	unix.Kill(unix.Getpid(), unix.SIGSTOP)
	var status unix.WaitStatus
	for {
		_, err := unix.Wait4(program.Pid, &status, 0, nil)
		if err != unix.EINTR {
			break
		}
	}
	code := int(status)
	_ = reports.Encode(report{Status: &code})
	awaitHangup(reportFD)
	return 0
}

// notStarted tells PID 1 why there is no program; this, too, is found out by a
// knock.
func notStarted(reports *json.Encoder, err error) int {
	_ = reports.Encode(report{Error: err.Error()})
	unix.Kill(unix.Getpid(), unix.SIGSTOP)
	return 1
}

// awaitHangup waits until nobody holds the other end of the pipe (poll(2),
// POLLERR): PID 1 is gone.
func awaitHangup(fd int32) {
	for {
		n, err := unix.Poll([]unix.PollFd{{Fd: fd}}, -1)
		if n > 0 || err != nil && err != unix.EINTR {
			return
		}
	}
}

// execLife sheds what the program must not have, and becomes the program.
func execLife() int {
	runtime.LockOSThread()
	in := bufio.NewReader(os.NewFile(errandFD, "errand"))
	err := becomeProgram(in)
	_ = json.NewEncoder(os.NewFile(reportFD, "reports")).Encode(report{Error: err.Error()})
	return 127
}

func becomeProgram(in *bufio.Reader) error {
	line, err := in.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("read errand: %w", err)
	}
	var e errand
	if err := json.Unmarshal(line, &e); err != nil {
		return fmt.Errorf("read errand: %w", err)
	}
	if _, err := in.ReadBytes('\n'); err != nil {
		return fmt.Errorf("wait for the word to go: %w", err)
	}
	if err := e.shed(); err != nil {
		return err
	}
	return e.exec()
}

// shed drops rights and sets limits.
func (e *errand) shed() error {
	if err := unix.Chdir(e.Folder); err != nil {
		return fmt.Errorf("chdir %s: %w", e.Folder, err)
	}
	unix.Umask(0o022)
	if err := usualFiles(); err != nil {
		return err
	}
	for resource, limit := range e.Limits {
		if err := unix.Setrlimit(resource, &limit); err != nil {
			return fmt.Errorf("setrlimit(%d): %w", resource, err)
		}
	}
	if e.CPU >= 0 {
		var set unix.CPUSet
		set.Set(e.CPU)
		if err := unix.SchedSetaffinity(0, &set); err != nil {
			return fmt.Errorf("sched_setaffinity(%d): %w", e.CPU, err)
		}
	}
	if e.UID >= 0 {
		if err := become(e.UID, e.GID); err != nil {
			return err
		}
	}
	if err := dropCapabilities(); err != nil {
		return err
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("prctl(PR_SET_NO_NEW_PRIVS): %w", err)
	}
	return nil
}

// become gives up root for good: with a real, effective and saved id other than
// 0 the capabilities are gone (capabilities(7)).
func become(uid, gid int) error {
	if err := syscall.Setgroups(nil); err != nil {
		return fmt.Errorf("setgroups: %w", err)
	}
	if err := syscall.Setresgid(gid, gid, gid); err != nil {
		return fmt.Errorf("setresgid(%d): %w", gid, err)
	}
	if err := syscall.Setresuid(uid, uid, uid); err != nil {
		return fmt.Errorf("setresuid(%d): %w", uid, err)
	}
	return nil
}

// dropCapabilities empties all sets of the calling thread: the inheritable one
// comes from PID 1 and would stay as it is over the exec (capabilities(7)).
func dropCapabilities() error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	if err := unix.Capset(&header, &none[0]); err != nil {
		return fmt.Errorf("capset: %w", err)
	}
	return nil
}

// usualFiles sets the limit on open files to what a login gives. Go's runtime
// has raised it to the most that is allowed, and takes that back only in exec
// calls of its own; the kit's user may have changed it as well.
func usualFiles() error {
	const usual = 1024
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("getrlimit(RLIMIT_NOFILE): %w", err)
	}
	limit.Cur = min(usual, limit.Max)
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("setrlimit(RLIMIT_NOFILE): %w", err)
	}
	return nil
}

// exec replaces this process by the program. Nothing of ours passes over:
// descriptors from 3 on close, dispositions are the default ones (an ignored
// signal would stay ignored, execve(2)), the mask is empty.
func (e *errand) exec() error {
	path, err := unix.BytePtrFromString(e.Path)
	if err != nil {
		return fmt.Errorf("execve: %w", err)
	}
	argv, err := syscall.SlicePtrFromStrings(e.Argv)
	if err != nil {
		return fmt.Errorf("execve: %w", err)
	}
	env, err := syscall.SlicePtrFromStrings(e.Env)
	if err != nil {
		return fmt.Errorf("execve: %w", err)
	}
	if err := unix.Dup3(0, 2, 0); err != nil {
		return fmt.Errorf("dup3: %w", err)
	}
	if err := unix.CloseRange(errandFD, ^uint(0), unix.CLOSE_RANGE_CLOEXEC); err != nil {
		return fmt.Errorf("close_range: %w", err)
	}
	if len(e.Filter) > 0 {
		if err := seccomp.Install(e.Filter); err != nil {
			return err
		}
	}
	if err := resetSignals(); err != nil {
		return err
	}
	_, _, errno := unix.RawSyscall(unix.SYS_EXECVE, uintptr(unsafe.Pointer(path)), uintptr(unsafe.Pointer(&argv[0])), uintptr(unsafe.Pointer(&env[0])))
	return fmt.Errorf("execve: %w", errno)
}

// resetSignals empties the mask and sets all dispositions to the default, behind
// the Go runtime's back: from here on only execve follows.
func resetSignals() error {
	const lastSignal, setSize = 64, 8
	var action [4]uint64 // struct kernel_sigaction: SIG_DFL, no flags, empty mask
	for s := uintptr(1); s <= lastSignal; s++ {
		// SIGKILL and SIGSTOP refuse, and need no reset.
		_, _, _ = unix.RawSyscall6(unix.SYS_RT_SIGACTION, s, uintptr(unsafe.Pointer(&action)), 0, setSize, 0, 0)
	}
	var empty uint64
	if _, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(&empty)), 0, setSize, 0, 0); errno != 0 {
		return os.NewSyscallError("rt_sigprocmask", errno)
	}
	return nil
}
