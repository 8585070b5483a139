package recorder

import "golang.org/x/sys/unix"

func deniedCalls() map[string]unix.Errno {
	all := map[string]unix.Errno{}
	for _, name := range []string{
		// A ring does work that no tracer sees (io_uring(7)).
		"io_uring_setup", "io_uring_enter", "io_uring_register",
	} {
		all[name] = unix.ENOSYS
	}
	for _, name := range []string{
		"ptrace", "process_vm_readv", "process_vm_writev", "mount", "umount2", "pivot_root", "chroot", "move_mount", "open_tree", "fsopen", "fsmount", "fsconfig",
		"fspick", "mount_setattr", "unshare", "setns", "keyctl", "add_key", "request_key", "bpf", "perf_event_open", "userfaultfd", "init_module", "finit_module",
		"delete_module", "kexec_load", "kexec_file_load", "reboot", "swapon", "swapoff", "acct", "quotactl", "settimeofday", "clock_settime", "adjtimex",
		"clock_adjtime", "sethostname", "setdomainname", "syslog", "vhangup", "open_by_handle_at",
	} {
		all[name] = unix.EPERM
	}
	return all
}
