package sandbox

import (
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// ownImage is the kit's own binary, also after its file was replaced.
const ownImage = "/proc/self/exe"

// selfImage returns a path by which a process without root's rights can execute
// the kit's own binary. It is another one only where root has kept the binary
// for itself (a build under umask 077): then it leads to a copy in memory.
var selfImage = sync.OnceValues(func() (string, error) {
	var st unix.Stat_t
	if err := unix.Stat(ownImage, &st); err != nil {
		return "", fmt.Errorf("find the kit's own binary: /proc must be mounted: %w", err)
	}
	if os.Getuid() != 0 || st.Mode&0o001 != 0 {
		return ownImage, nil
	}
	fd, err := copyImage()
	if err != nil {
		return "", fmt.Errorf("copy the kit's own binary, which is not executable for others (chmod o+x helps): %w", err)
	}
	return fmt.Sprintf("/proc/self/fd/%d", fd), nil
})

// imageFD is the lowest number of the copy's descriptor: a child lays its own
// descriptors over low ones before it executes the copy.
const imageFD = 500

// copyImage returns a descriptor of a copy that anybody can execute. Nobody may
// have it open for writing then (execve(2), ETXTBSY), no child of ours either.
func copyImage() (int, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	from, err := os.Open(ownImage)
	if err != nil {
		return 0, err
	}
	defer from.Close()
	fd, err := unix.MemfdCreate("ipckit", unix.MFD_CLOEXEC|unix.MFD_EXEC)
	if err == unix.EINVAL { // a kernel before 6.3, where each can be executed
		fd, err = unix.MemfdCreate("ipckit", unix.MFD_CLOEXEC)
	}
	if err != nil {
		return 0, os.NewSyscallError("memfd_create", err)
	}
	to := os.NewFile(uintptr(fd), "ipckit")
	defer to.Close()
	if _, err := io.Copy(to, from); err != nil {
		return 0, err
	}
	if err := to.Chmod(0o555); err != nil {
		return 0, err
	}
	low, err := unix.Open(fmt.Sprintf("/proc/self/fd/%d", fd), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, os.NewSyscallError("open", err)
	}
	defer unix.Close(low)
	return unix.FcntlInt(uintptr(low), unix.F_DUPFD_CLOEXEC, imageFD)
}
