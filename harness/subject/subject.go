// Package subject describes a program under test: which file, in which role, started how. It also looks at the
// file before anything runs and names, in one line, the mistake that would keep it from starting.
//
// It is the first station of the flow
//
//	subject -> sandbox -> recorder -> recording -> specs -> verdicts -> reports
//
// and knows none of the others. A [Subject] is plain data: it travels in the job that a sandbox carries out and
// in the header of the recording that comes of it.
//
// Whatever [Open] refuses with a [PreflightError] is the program's or its user's fault, never the kit's.
package subject

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"sync"
)

// CagePath is the PATH that a program is given, and therefore the one in which `#!/usr/bin/env NAME` looks
// NAME up. The user's own PATH plays no part, so that a verdict does not depend on whose shell started the kit.
const CagePath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// BuiltinPrefix begins argv[0] of every program that the kit's own binary holds; the rest is its name.
const BuiltinPrefix = "kit-ref-"

// selfPath is the running image, even after the file it came from was replaced or removed.
const selfPath = "/proc/self/exe"

// Subject is a program under test in a role.
type Subject struct {
	Role Role `json:"role"`

	// Path is absolute, with every symbolic link followed: the file that is executed.
	Path string `json:"path"`

	// Given is the path as the user wrote it, for messages; empty for a built-in program.
	Given string `json:"given,omitempty"`

	// Argv is the whole argument list. Argv[0] is what the program sees as its own name: the last element of
	// Given, also when that is a symbolic link to a file of another name.
	Argv []string `json:"argv"`

	// Env holds K=V additions to the environment.
	Env []string `json:"env,omitempty"`

	// SHA256 is the hash of the file in hex.
	SHA256 string `json:"sha256"`

	// Builtin names a program that the kit's own binary holds; empty otherwise.
	Builtin string `json:"builtin,omitempty"`

	// Size is the length of the file in bytes: exactly those that SHA256 covers.
	Size int64 `json:"size"`
}

// Builtin returns the reference program called name, which the kit's own image holds. Nothing is built or looked
// up: the image is started again under a name that makes it that program. SHA256 is that of the running image;
// it is empty where /proc is not mounted, and there no cage can be opened anyway.
func Builtin(role Role, name string) Subject {
	self := selfImage()
	return Subject{
		Role: role, Path: selfPath, Argv: []string{BuiltinPrefix + name},
		SHA256: self.sum, Builtin: name, Size: self.size,
	}
}

// String names the subject for a person, on one line: `server ./a.out`, `client (built in: client)`.
func (s Subject) String() string {
	if s.Builtin != "" {
		return fmt.Sprintf("%s (built in: %s)", s.Role, printable(s.Builtin))
	}
	return fmt.Sprintf("%s %s", s.Role, printable(s.Given))
}

type image struct {
	sum  string
	size int64
}

var selfImage = sync.OnceValue(func() image {
	f, err := os.Open(selfPath)
	if err != nil {
		return image{}
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return image{}
	}
	sum, err := hash(f, info.Size())
	if err != nil {
		return image{}
	}
	return image{sum, info.Size()}
})

// hash reads size bytes, no matter how the file grows meanwhile; a file that shrinks is an error.
func hash(r io.ReaderAt, size int64) (string, error) {
	h := sha256.New()
	n, err := io.Copy(h, io.NewSectionReader(r, 0, size))
	if err == nil && n < size {
		err = io.ErrUnexpectedEOF
	}
	return hex.EncodeToString(h.Sum(nil)), err
}
