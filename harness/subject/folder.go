package subject

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

const (
	maxEntries = 10_000 // of a folder: a program's own, not a home directory
	maxDepth   = 64     // folders within folders
	readBatch  = 256    // directory entries read at a time, so that a folder of millions is not held in memory
)

// Folder is what lies beside a program: its configuration, its modules, its assets. Whoever copies it goes through
// Entries in order; a folder always comes before what is in it.
type Folder struct {
	Root    string    `json:"root"` // absolute
	Entries []Entry   `json:"entries"`
	Skipped []Skipped `json:"skipped,omitempty"`
	Bytes   int64     `json:"bytes"` // of all regular files
}

// Entry is a regular file, a folder or a symbolic link; Mode.Type() says which.
type Entry struct {
	Path   string      `json:"path"` // relative to the folder
	Mode   fs.FileMode `json:"mode"`
	Size   int64       `json:"size"`             // of a regular file, else 0
	Target string      `json:"target,omitempty"` // of a symbolic link, as written; it may point anywhere
}

// Skipped is something that a copy of the folder will lack.
type Skipped struct {
	Path   string `json:"path"`
	Reason string `json:"reason"`
}

// TooLargeError says that a folder is not a program's own, or too large to copy. What counts is the limit that was
// passed: bytes, or entries.
type TooLargeError struct {
	Root    string
	Limit   int64 // bytes allowed
	Seen    int64 // bytes seen when the walk stopped
	Entries int   // entries seen when the walk stopped
}

// Error says which limit was passed.
func (e *TooLargeError) Error() string {
	if e.Seen > e.Limit {
		return fmt.Sprintf("folder %s: more than %d bytes", printable(e.Root), e.Limit)
	}
	return fmt.Sprintf("folder %s: more than %d entries", printable(e.Root), e.Entries-1)
}

// Siblings lists the folder that holds the program, the program included. Links are listed, never followed; sockets,
// fifos, devices, unreadable entries and what is mounted there go to Skipped. Beyond limit bytes or 10,000
// entries it returns a [*TooLargeError] together with a Folder that holds the program's own file alone.
// A built-in program has no folder: it gets an empty one.
func (s Subject) Siblings(limit int64) (Folder, error) {
	return s.siblings(limit, maxEntries)
}

func (s Subject) siblings(limit int64, entries int) (Folder, error) {
	if s.Builtin != "" {
		return Folder{}, nil
	}
	w := &walk{folder: Folder{Root: filepath.Dir(s.Path)}, limit: limit, entries: entries}
	err := w.run()
	if tooLarge := (*TooLargeError)(nil); errors.As(err, &tooLarge) || !w.lists(filepath.Base(s.Path)) {
		return s.alone(w.folder.Skipped, err)
	}
	w.sort()
	return w.folder, err
}

// alone is the folder of a program of which nothing but the file can be had.
func (s Subject) alone(skipped []Skipped, cause error) (Folder, error) {
	info, err := os.Lstat(s.Path)
	if err != nil {
		return Folder{Root: filepath.Dir(s.Path), Skipped: skipped}, errors.Join(cause, err)
	}
	own := Entry{Path: filepath.Base(s.Path), Mode: info.Mode(), Size: info.Size()}
	return Folder{Root: filepath.Dir(s.Path), Entries: []Entry{own}, Skipped: skipped, Bytes: own.Size}, cause
}

// walk is one pass over a folder. All access goes through an [os.Root], so that a folder swapped for a link while
// we look does not lead out of it.
type walk struct {
	folder  Folder
	root    *os.Root
	device  uint64
	limit   int64    // bytes
	entries int      // how many at most, skipped ones included
	pending []string // folders still to be read; a list and not recursion, so that one is open at a time
}

// run fills the folder. The only errors are those that make the whole list useless.
func (w *walk) run() error {
	root, err := os.OpenRoot(w.folder.Root)
	if err != nil {
		w.skip(".", bare(err).Error())
		return nil
	}
	defer root.Close()
	info, err := root.Lstat(".")
	if err != nil {
		return err
	}
	w.root, w.device, w.pending = root, deviceOf(info), []string{"."}
	for len(w.pending) > 0 {
		next := w.pending[0]
		w.pending = w.pending[1:]
		if err := w.readFolder(next); err != nil {
			return err
		}
	}
	return nil
}

// readFolder lists one folder. O_DIRECTORY and O_NONBLOCK cover a fifo put in its place meanwhile.
func (w *walk) readFolder(path string) error {
	f, err := w.root.OpenFile(path, os.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NONBLOCK, 0)
	if err != nil {
		w.skip(path, bare(err).Error())
		return nil
	}
	defer f.Close()
	for {
		batch, err := f.ReadDir(readBatch)
		for _, entry := range batch {
			if err := w.add(filepath.Join(path, entry.Name())); err != nil {
				return err
			}
		}
		if err != nil {
			if err != io.EOF {
				w.skip(path, bare(err).Error())
			}
			return nil
		}
	}
}

// add lists one entry, or says why not. Skipped ones count too: the walk itself must end.
func (w *walk) add(path string) error {
	entry, reason := w.look(path)
	if reason != "" {
		w.skip(path, reason)
	} else {
		w.folder.Entries = append(w.folder.Entries, entry)
		w.folder.Bytes += entry.Size
	}
	if seen := len(w.folder.Entries) + len(w.folder.Skipped); w.folder.Bytes > w.limit || seen > w.entries {
		return &TooLargeError{Root: w.folder.Root, Limit: w.limit, Seen: w.folder.Bytes, Entries: seen}
	}
	if entry.Mode.IsDir() {
		w.pending = append(w.pending, path)
	}
	return nil
}

// look returns an entry, or the reason why it has no place in a copy.
func (w *walk) look(path string) (Entry, string) {
	info, err := w.root.Lstat(path)
	if err != nil {
		return Entry{}, bare(err).Error()
	}
	entry := Entry{Path: path, Mode: info.Mode()}
	switch {
	case deviceOf(info) != w.device:
		return Entry{}, "on another file system"
	case info.IsDir() && strings.Count(path, "/") >= maxDepth:
		return Entry{}, fmt.Sprintf("more than %d folders deep", maxDepth)
	case info.IsDir():
		return entry, ""
	case info.Mode().IsRegular():
		entry.Size = info.Size()
		err = syscall.Faccessat(atFDCWD, filepath.Join(w.folder.Root, path), rOK, atEACCESS)
	case info.Mode().Type() == fs.ModeSymlink:
		entry.Target, err = w.root.Readlink(path)
	default:
		return Entry{}, "a " + kindOf(info.Mode())
	}
	if err != nil {
		return Entry{}, bare(err).Error()
	}
	return entry, ""
}

func (w *walk) skip(path, reason string) {
	w.folder.Skipped = append(w.folder.Skipped, Skipped{path, reason})
}

func (w *walk) lists(path string) bool {
	return slices.ContainsFunc(w.folder.Entries, func(e Entry) bool { return e.Path == path })
}

// sort makes two walks of the same folder equal; a folder's path is a prefix of those in it and so comes first.
func (w *walk) sort() {
	slices.SortFunc(w.folder.Entries, func(a, b Entry) int { return cmp.Compare(a.Path, b.Path) })
	slices.SortFunc(w.folder.Skipped, func(a, b Skipped) int { return cmp.Compare(a.Path, b.Path) })
}

func deviceOf(info fs.FileInfo) uint64 {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return st.Dev
	}
	return 0
}
