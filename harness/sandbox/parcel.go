package sandbox

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"ipckit/harness/subject"
)

// FolderLimit is how many bytes of a program's own folder come along with it.
const FolderLimit = 32 << 20

// Parcel is a private copy of a program and of the files beside it, made once
// for all cages of a run: the program cannot change between two scenarios. It
// lives in memory only (memfd_create(2)), so that nothing is left on a disk.
type Parcel struct {
	Subject subject.Subject
	Program string // path of the program within the parcel; "" for a builtin
	archive *os.File
}

// Pack copies the program of s. As root it reads with root's rights, so that a
// program below a folder of mode 0700 can be run by a cage that has none.
func Pack(s subject.Subject) (*Parcel, error) {
	if s.Builtin != "" {
		return &Parcel{Subject: s}, nil
	}
	archive, err := memfile("ipckit-parcel")
	if err != nil {
		return nil, err
	}
	p := &Parcel{Subject: s, Program: filepath.Base(s.Path), archive: archive}
	if err := p.fill(); err != nil {
		archive.Close()
		return nil, fmt.Errorf("copy %s: %w", s.Path, err)
	}
	if _, err := unix.FcntlInt(archive.Fd(), unix.F_ADD_SEALS, unix.F_SEAL_WRITE|unix.F_SEAL_GROW|unix.F_SEAL_SHRINK|unix.F_SEAL_SEAL); err != nil {
		archive.Close()
		return nil, os.NewSyscallError("fcntl(F_ADD_SEALS)", err)
	}
	return p, nil
}

func memfile(name string) (*os.File, error) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

// fill writes the folder of the program where it is small enough, else the
// program alone.
func (p *Parcel) fill() error {
	out := tar.NewWriter(p.archive)
	siblings, err := p.Subject.Siblings(FolderLimit)
	var large *subject.TooLargeError
	if err != nil && !errors.As(err, &large) {
		return err
	}
	for _, entry := range siblings.Entries {
		if entry.Path == p.Program {
			continue
		}
		if err := addEntry(out, siblings.Root, entry); err != nil && !errors.Is(err, fs.ErrPermission) && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := addFile(out, p.Subject.Path, p.Program); err != nil {
		return err
	}
	return out.Close()
}

func addEntry(out *tar.Writer, folder string, entry subject.Entry) error {
	switch {
	case entry.Mode.IsDir():
		return out.WriteHeader(&tar.Header{Name: entry.Path, Typeflag: tar.TypeDir, Mode: 0o755})
	case entry.Mode&fs.ModeSymlink != 0:
		return out.WriteHeader(&tar.Header{Name: entry.Path, Typeflag: tar.TypeSymlink, Linkname: entry.Target})
	}
	return addFile(out, filepath.Join(folder, entry.Path), entry.Path)
}

// addFile adds a regular file, readable by all: inside the cage the owner is
// another one.
func addFile(out *tar.Writer, path, name string) error {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0) // O_NONBLOCK: should it have become a fifo
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is no longer a regular file", path)
	}
	mode := int64(0o444)
	if info.Mode()&0o111 != 0 {
		mode = 0o555
	}
	if err := out.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: mode, Size: info.Size()}); err != nil {
		return err
	}
	if _, err := io.CopyN(out, f, info.Size()); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// unpack writes the parcel's files below folder. The archive is the kit's own,
// but names in it are a stranger's: os.Root keeps them below the folder.
func unpack(archive io.ReaderAt, size int64, folder string) error {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return err
	}
	defer root.Close()
	for in := tar.NewReader(io.NewSectionReader(archive, 0, size)); ; {
		entry, err := in.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read parcel: %w", err)
		}
		if entry.Size > size { // a sparse file: Pack writes none
			return fmt.Errorf("unpack parcel: %s is larger than the parcel", entry.Name)
		}
		if err := unpackEntry(root, entry, in); err != nil {
			return fmt.Errorf("unpack parcel: %w", err)
		}
	}
}

func unpackEntry(root *os.Root, entry *tar.Header, in io.Reader) error {
	switch entry.Typeflag {
	case tar.TypeDir:
		return root.MkdirAll(entry.Name, 0o755)
	case tar.TypeSymlink:
		return root.Symlink(entry.Linkname, entry.Name)
	case tar.TypeReg:
		return unpackFile(root, entry, in)
	}
	return fmt.Errorf("%s: unknown type %q", entry.Name, entry.Typeflag)
}

func unpackFile(root *os.Root, entry *tar.Header, in io.Reader) error {
	if err := root.MkdirAll(filepath.Dir(entry.Name), 0o755); err != nil {
		return err
	}
	f, err := root.OpenFile(entry.Name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, fs.FileMode(entry.Mode))
	if err != nil {
		return err
	}
	if _, err := io.Copy(f, in); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

// Close frees the copy.
func (p *Parcel) Close() error {
	if p.archive == nil {
		return nil
	}
	return p.archive.Close()
}

// As returns the same program under another argument list.
func (p *Parcel) As(argv []string) *Parcel {
	other := *p
	other.Subject.Argv = argv
	return &other
}
