package sandbox

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Folders of the cage.
const (
	kitFolder      = "/run/ipckit"
	programsFolder = kitFolder + "/programs"
	workFolder     = "/tmp/work" // working folder of the programs
)

const tmpfsOptions = "mode=1777,size=64m,nr_inodes=16k"

// mount is one mount(2) of the furnishing.
type mount struct {
	what, where, kind string
	flags             uintptr
	options           string
	optional          bool // the folder may be missing on this machine
}

// furnish turns fresh namespaces into a cage. The order matters: the machine's
// tree becomes read-only before anything of our own is laid over it.
func furnish(b *brief) error {
	if err := step("mount / private", unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")); err != nil {
		return err
	}
	readOnly := &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOSUID}
	if err := step("mount_setattr / read-only", unix.MountSetattr(unix.AT_FDCWD, "/", unix.AT_RECURSIVE, readOnly)); err != nil {
		return err
	}
	if err := mountAll(); err != nil {
		return err
	}
	if err := ownNames(); err != nil {
		return err
	}
	if err := os.Mkdir(workFolder, 0o777); err != nil {
		return step("mkdir "+workFolder, err)
	}
	if err := step("sethostname", unix.Sethostname([]byte("cage"))); err != nil {
		return err
	}
	if err := loopbackUp(); err != nil {
		return err
	}
	return setSysctls(b.Sysctls)
}

func mountAll() error {
	const safe = unix.MS_NOSUID | unix.MS_NODEV
	mounts := []mount{
		{"proc", "/proc", "proc", safe | unix.MS_NOEXEC, "", false},
		{"tmpfs", "/tmp", "tmpfs", safe, tmpfsOptions, false},
		{"tmpfs", "/var/tmp", "tmpfs", safe, tmpfsOptions, true},
		{"tmpfs", "/dev/shm", "tmpfs", safe, tmpfsOptions, true},
		{"tmpfs", "/run", "tmpfs", safe, "mode=755,size=256m,nr_inodes=64k", false},
		{"mqueue", "/dev/mqueue", "mqueue", safe, "", true},
		{"devpts", "/dev/pts", "devpts", unix.MS_NOSUID | unix.MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620", false},
	}
	for _, m := range mounts {
		err := unix.Mount(m.what, m.where, m.kind, m.flags, m.options)
		if m.optional && err == unix.ENOENT {
			continue
		}
		if err != nil {
			return step("mount "+m.where, err)
		}
	}
	return bindPtmx()
}

// bindPtmx makes /dev/ptmx that of the new instance, where it is not a symbolic
// link to it already (devpts in the kernel's documentation).
func bindPtmx() error {
	if info, err := os.Lstat("/dev/ptmx"); err == nil && info.Mode()&os.ModeSymlink != 0 {
		return nil
	}
	return step("mount /dev/ptmx", unix.Mount("/dev/pts/ptmx", "/dev/ptmx", "", unix.MS_BIND, ""))
}

// ownNames makes name resolution depend on nothing but one line.
func ownNames() error {
	if err := os.Mkdir(kitFolder, 0o755); err != nil {
		return step("mkdir "+kitFolder, err)
	}
	files := map[string]string{
		"/etc/hosts":         "127.0.0.1 localhost\n",
		"/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
		"/etc/resolv.conf":   "",
	}
	for target, text := range files {
		own := filepath.Join(kitFolder, filepath.Base(target))
		if err := os.WriteFile(own, []byte(text), 0o444); err != nil {
			return step("write "+own, err)
		}
		err := unix.Mount(own, target, "", unix.MS_BIND, "")
		if err == unix.ENOENT && target != "/etc/hosts" {
			continue // not there: nothing to hide
		}
		if err != nil {
			return step("mount "+target, err)
		}
	}
	return nil
}

func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return step("socket", err)
	}
	defer unix.Close(fd)
	request, err := unix.NewIfreq("lo")
	if err != nil {
		return step("lo up", err)
	}
	request.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return step("ioctl(SIOCSIFFLAGS) lo", unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, request))
}

// setSysctls sets what the scenario asks for, and forbids namespaces within the
// cage: they would give the program rights that the machine never meant for it
// (user_namespaces(7)).
func setSysctls(values map[string]string) error {
	all := map[string]string{"user.max_user_namespaces": "0"}
	for name, value := range values {
		all[name] = value
	}
	for name, value := range all {
		if err := os.WriteFile(sysctlPath(name), []byte(value), 0); err != nil {
			return step("sysctl "+name, err)
		}
	}
	return nil
}

func sysctlPath(name string) string {
	return "/proc/sys/" + strings.ReplaceAll(name, ".", "/")
}

// seal makes the kit's own folder read-only, the programs in it included.
func (in *Inside) seal(base string) error {
	if in.Isolation != Namespaces {
		return nil
	}
	const flags = unix.MS_REMOUNT | unix.MS_RDONLY | unix.MS_NOSUID | unix.MS_NODEV
	if err := unix.Mount("", "/run", "", flags, ""); err != nil {
		return step(fmt.Sprintf("remount %s read-only", base), err)
	}
	return nil
}
