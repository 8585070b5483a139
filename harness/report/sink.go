package report

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"ipckit/harness/claim"
)

// writers are the formats that a [Sink] can write, by name.
var writers = map[string]func(io.Writer, *claim.Result) error{
	"json": JSON,
	"text": func(w io.Writer, r *claim.Result) error { return Text(w, r, TextOptions{Detail: Full}) },
}

// Formats returns the names that [OpenSink] takes.
func Formats() []string { return slices.Sorted(maps.Keys(writers)) }

// Sink is a place for a report. It is opened before a run, so that a report that
// cannot be written is found before the programs are run and not after.
type Sink struct {
	target string // as the user named it
	final  string // the file to replace; "" where out is written directly
	out    *os.File
	write  func(io.Writer, *claim.Result) error
	done   bool
}

// OpenSink prepares a report of that format. The target "-" is standard output.
// A regular file appears, or is replaced, whole or not at all; anything else that
// exists (a terminal, a pipe, /dev/null) is written directly.
func OpenSink(format, target string) (*Sink, error) {
	write := writers[format]
	if write == nil {
		return nil, fmt.Errorf("unknown report format %q: use %s", Safe(format), strings.Join(Formats(), " or "))
	}
	s := &Sink{target: target, write: write}
	if err := s.open(); err != nil {
		if s.out != nil {
			s.Abort()
		}
		return nil, fmt.Errorf("create report %s: %w", Safe(target), cause(err))
	}
	return s, nil
}

func (s *Sink) open() error {
	switch s.target {
	case "":
		return errors.New("no file name")
	case "-", "/dev/stdout": // not opened anew: that would begin a redirected file again
		s.out = os.Stdout
		return nil
	case "/dev/stderr":
		s.out = os.Stderr
		return nil
	}
	info, err := os.Stat(s.target)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return s.create(s.target)
	case err != nil:
		return err
	case info.IsDir():
		return syscall.EISDIR
	case !info.Mode().IsRegular():
		return s.direct()
	}
	return s.replace(info.Mode().Perm())
}

// direct opens what is no regular file. A pipe that nobody reads yet would hold
// the run up for ever, so it is an error (fifo(7)).
func (s *Sink) direct() (err error) {
	s.out, err = os.OpenFile(s.target, os.O_WRONLY|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0)
	if errors.Is(err, syscall.ENXIO) {
		return errors.New("nobody reads from it yet")
	}
	return err
}

// replace prepares to replace an existing file, behind its symbolic links. A file
// that may not be written may not be replaced either.
func (s *Sink) replace(mode fs.FileMode) error {
	old, err := os.OpenFile(s.target, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	old.Close()
	file, err := filepath.EvalSymlinks(s.target)
	if err != nil {
		return err
	}
	if err := s.create(file); err != nil {
		return err
	}
	return s.out.Chmod(mode)
}

// create makes the temporary file beside the final one: a rename does not cross
// file systems.
func (s *Sink) create(final string) (err error) {
	name := filepath.Join(filepath.Dir(final), ".ipckit-"+rand.Text()+".tmp")
	s.final = final
	s.out, err = os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no folder %s", Safe(filepath.Dir(final)))
	}
	return err
}

// Write writes the report; the sink is used up then.
func (s *Sink) Write(result *claim.Result) error {
	if s.done {
		return fmt.Errorf("write report %s: it is closed", Safe(s.target))
	}
	var b bytes.Buffer
	err := s.write(&b, result)
	if err == nil {
		_, err = s.out.Write(b.Bytes())
	}
	if err == nil && s.final != "" {
		err = s.out.Sync()
	}
	if err != nil {
		s.Abort()
		return fmt.Errorf("write report %s: %w", Safe(s.target), cause(err))
	}
	return s.finish()
}

// finish gives the file its name. Where that fails the report is not thrown
// away: the error says where it is.
func (s *Sink) finish() error {
	s.done = true
	if s.std() {
		return nil
	}
	err := s.out.Close()
	if err == nil && s.final != "" {
		err = os.Rename(s.out.Name(), s.final)
	}
	switch {
	case err == nil:
		return nil
	case s.final == "":
		return fmt.Errorf("write report %s: %w", Safe(s.target), cause(err))
	}
	return fmt.Errorf("write report %s: %w (it is in %s)", Safe(s.target), cause(err), Safe(s.out.Name()))
}

// Abort leaves everything as it was before OpenSink. After Write it does nothing.
func (s *Sink) Abort() {
	if s.done {
		return
	}
	s.done = true
	if s.std() {
		return
	}
	s.out.Close()
	if s.final != "" {
		os.Remove(s.out.Name())
	}
}

func (s *Sink) std() bool { return s.out == os.Stdout || s.out == os.Stderr }

// cause returns what an error of package os says beside the operation and the
// path, which our errors name already.
func cause(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	var link *os.LinkError
	if errors.As(err, &link) {
		return link.Err
	}
	return err
}
