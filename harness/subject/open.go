package subject

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// Open is [OpenFrom] the current directory.
func Open(role Role, path string, args, env []string) (Subject, error) {
	return OpenFrom("", role, path, args, env)
}

// OpenFrom looks at the program at path, relative to dir, and returns it as a subject, or a [*PreflightError]
// that names the mistake. Nothing is executed. args follow the program's own name; env are K=V additions.
// Any other error is not the program's: an unknown role, or a current directory that is gone.
func OpenFrom(dir string, role Role, path string, args, env []string) (Subject, error) {
	if _, err := ParseRole(string(role)); err != nil {
		return Subject{}, err
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return Subject{}, err
	}
	s := Subject{
		Role: role, Given: path,
		Argv: append([]string{filepath.Base(path)}, args...), Env: slices.Clone(env),
	}
	if refusal := s.fill(dir); refusal != nil {
		refusal.Role, refusal.Path = role, path
		return Subject{}, refusal
	}
	return s, nil
}

// fill is the pre-flight: each step names its own mistakes.
func (s *Subject) fill(dir string) *PreflightError {
	if refusal := startable(s.Argv[1:], s.Env); refusal != nil {
		return refusal
	}
	path, info, refusal := resolve(dir, s.Given)
	if refusal != nil {
		return refusal
	}
	f, refusal := openRegular(path, info)
	if refusal != nil {
		return refusal
	}
	defer f.Close()
	if refusal := examine(f, info, place{given: s.Given, path: path, search: searchPath(s.Env)}); refusal != nil {
		return refusal
	}
	sum, err := hash(f, info.Size())
	if err != nil {
		return refuse(Unreadable, err, "%v", err)
	}
	s.Path, s.SHA256, s.Size = path, sum, info.Size()
	return nil
}

// place is where a file was found, for messages and for what it refers to.
type place struct {
	given  string // as the user wrote it
	path   string // absolute
	search string // the PATH it will be started with
}

// startable checks what execve takes beside the path.
func startable(args, env []string) *PreflightError {
	for _, arg := range args {
		if strings.Contains(arg, "\x00") {
			return refuse(BadArgument, syscall.EINVAL, "%s holds a NUL byte", printable(arg))
		}
	}
	for _, entry := range env {
		if strings.Index(entry, "=") < 1 || strings.Contains(entry, "\x00") {
			return refuse(BadEnvironment, syscall.EINVAL, "%s is not NAME=VALUE", printable(entry))
		}
	}
	return nil
}

// searchPath is the PATH that counts: the user's addition if there is one, the last as for getenv in a cage.
func searchPath(env []string) string {
	for _, entry := range slices.Backward(env) {
		if value, found := strings.CutPrefix(entry, "PATH="); found {
			return value
		}
	}
	return CagePath
}

// resolve makes a path absolute and follows its links. dir and path are joined without [filepath.Join], which
// would shorten `link/../a.out` to `a.out` where the kernel goes to the parent of what the link points to.
func resolve(dir, given string) (string, fs.FileInfo, *PreflightError) {
	if given == "" {
		return "", nil, refuse(Missing, syscall.ENOENT, "the path is empty")
	}
	path := given
	if !filepath.IsAbs(path) {
		path = dir + "/" + path
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", nil, absent(dir, given, path, err)
	}
	resolved, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "", nil, refuse(Unreachable, err, "%v", err)
	}
	return resolved, info, nil
}

// absent explains why a path leads to no file.
func absent(dir, given, path string, err error) *PreflightError {
	if !errors.Is(err, syscall.ENOENT) && !errors.Is(err, syscall.ENOTDIR) {
		return refuse(Unreachable, err, "%v", bare(err))
	}
	if target, linkErr := os.Readlink(path); linkErr == nil {
		return refuse(BrokenLink, err, "it points to %s, which does not exist", printable(target))
	}
	return refuse(Missing, err, "%s", absentHint(dir, given))
}

// absentHint guesses what the user meant by a path that names nothing.
func absentHint(dir, given string) string {
	if words := strings.Fields(given); len(words) > 1 {
		if refersTo(dir, words[0]) != "" {
			return "give arguments apart from the path"
		}
	}
	if found := lookup(given, CagePath); found != "" {
		return "a path is needed, did you mean " + found + "?"
	}
	if filepath.IsAbs(given) {
		return ""
	}
	return "looked in " + printable(dir)
}

// refersTo returns name as an absolute path if something is there, else "".
func refersTo(dir, name string) string {
	if !filepath.IsAbs(name) {
		name = filepath.Join(dir, name)
	}
	if _, err := os.Stat(name); err != nil {
		return ""
	}
	return name
}

// bare strips the operation and path from an error of package os: the message names the path already.
func bare(err error) error {
	if pathErr := (*fs.PathError)(nil); errors.As(err, &pathErr) {
		return pathErr.Err
	}
	return err
}

// openRegular opens a file that cannot block or act: it is known to be regular before, O_NONBLOCK and O_NOCTTY
// cover a fifo or terminal put in its place meanwhile, and what was opened must be what was looked at.
func openRegular(path string, seen fs.FileInfo) (*os.File, *PreflightError) {
	if refusal := regular(seen); refusal != nil {
		return nil, refusal
	}
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOFOLLOW|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, refuse(Unreadable, err, "%v: the kit reads a program to identify it", bare(err))
	}
	if now, err := f.Stat(); err != nil || !os.SameFile(seen, now) {
		f.Close()
		return nil, refuse(Unreadable, errors.Join(err, fs.ErrInvalid), "it was replaced while it was being opened")
	}
	return f, nil
}

func regular(info fs.FileInfo) *PreflightError {
	mode := info.Mode()
	switch {
	case mode.IsRegular():
		return nil
	case mode.IsDir():
		return refuse(Directory, syscall.EACCES, "give the path of a program in it")
	}
	return refuse(NotRegular, syscall.EACCES, "it is a %s", kindOf(mode))
}

// kindOf names a type of file in words.
func kindOf(mode fs.FileMode) string {
	switch {
	case mode&fs.ModeNamedPipe != 0:
		return "fifo"
	case mode&fs.ModeSocket != 0:
		return "socket"
	case mode&fs.ModeDevice != 0:
		return "device"
	}
	return "special file"
}

// examine judges content and permission. A file of the wrong kind is named as such even without its x bit, since
// chmod would not help; a script is told of the x bit first.
func examine(f io.ReaderAt, info fs.FileInfo, at place) *PreflightError {
	content := inspect(f, info.Size(), at)
	if content != nil && !content.Problem.inScript() {
		return content
	}
	if err := mayExecute(at.path, info.Mode()); err != nil {
		return refuse(NotExecutable, err, "%s", permissionHint(at))
	}
	return content
}

// inspect judges what the kernel would judge by the first bytes of the file.
func inspect(f io.ReaderAt, size int64, at place) *PreflightError {
	head := make([]byte, min(size, kernelHead))
	if n, err := f.ReadAt(head, 0); n < len(head) {
		return refuse(Unreadable, err, "%v", bare(err))
	}
	switch {
	case len(head) == 0:
		return refuse(Empty, syscall.ENOEXEC, "it has no bytes: was it built, or copied in full?")
	case strings.HasPrefix(string(head), "#!"):
		return inspectScript(head, at)
	case strings.HasPrefix(string(head), "\x7fELF"):
		return inspectELF(f, size, at)
	}
	return inspectOther(head, at)
}

const (
	atFDCWD   = -100  // AT_FDCWD
	atEACCESS = 0x200 // AT_EACCESS: ask for the effective user, not the real one
	xOK       = 1     // X_OK
	rOK       = 4     // R_OK
	stNoexec  = 0x8   // ST_NOEXEC
)

// mayExecute returns EACCES if execve would. The bits are looked at first: root may do anything to a file, except
// execute one that has no x bit at all, and not every file system's access(2) says so. The call adds what the
// bits do not show: whose they are, access lists, and a mount with noexec.
func mayExecute(path string, mode fs.FileMode) error {
	if !mode.IsRegular() || mode.Perm()&0o111 == 0 {
		return syscall.EACCES
	}
	if err := syscall.Faccessat(atFDCWD, path, xOK, atEACCESS); errors.Is(err, syscall.EACCES) {
		return err
	}
	return nil
}

func permissionHint(at place) string {
	if onNoexec(at.path) {
		return "its file system is mounted noexec: copy it elsewhere"
	}
	return "run chmod +x " + shellWord(at.given)
}

func onNoexec(path string) bool {
	var st syscall.Statfs_t
	return syscall.Statfs(path, &st) == nil && st.Flags&stNoexec != 0
}
