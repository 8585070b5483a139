package subject

import (
	"fmt"
	"strings"
)

// Problem says why a program cannot be started.
type Problem uint8

// The problems that [Open] tells apart.
const (
	Missing                  Problem = iota + 1 // the path names nothing
	BrokenLink                                  // a symbolic link that leads to nothing
	Unreachable                                 // the path cannot be followed: permission, a loop, a name too long
	Directory                                   // a folder
	NotRegular                                  // a fifo, socket or device
	Unreadable                                  // the kit may not read it, or reading failed
	Empty                                       // zero bytes
	NotExecutable                               // no permission to execute
	NoInterpreterLine                           // text without a usable #! line: execve answers ENOEXEC
	InterpreterMissing                          // the interpreter that #! names is not there
	InterpreterNotExecutable                    // the interpreter, or the ELF loader, cannot be executed
	InterpreterTooLong                          // the #! line is longer than what the kernel reads of it
	CarriageReturn                              // the #! line ends as Windows ends lines
	SourceFile                                  // source of a compiled language
	ForeignFormat                               // a program or archive of another system
	UnknownFormat                               // neither ELF nor text
	WrongArchitecture                           // ELF for another machine, or for 32 bits
	NotProgram                                  // ELF, but an object file, a library or a core dump
	Damaged                                     // ELF that contradicts itself or is cut off
	LoaderMissing                               // ELF whose dynamic loader is not there
	BadArgument                                 // a fixed argument that execve cannot carry
	BadEnvironment                              // an environment entry that is not K=V
)

var problemText = [...]string{
	Missing:                  "no such file",
	BrokenLink:               "broken symbolic link",
	Unreachable:              "cannot be reached",
	Directory:                "is a directory",
	NotRegular:               "not a regular file",
	Unreadable:               "cannot be read",
	Empty:                    "empty file",
	NotExecutable:            "not executable",
	NoInterpreterLine:        "no #! line",
	InterpreterMissing:       "interpreter missing",
	InterpreterNotExecutable: "interpreter not executable",
	InterpreterTooLong:       "#! line too long",
	CarriageReturn:           "carriage return in the #! line",
	SourceFile:               "not a program",
	ForeignFormat:            "not a Linux program",
	UnknownFormat:            "unknown file format",
	WrongArchitecture:        "wrong architecture",
	NotProgram:               "ELF file, but not a program",
	Damaged:                  "damaged ELF file",
	LoaderMissing:            "dynamic loader missing",
	BadArgument:              "bad argument",
	BadEnvironment:           "bad environment",
}

// String returns the problem in words.
func (p Problem) String() string {
	if int(p) < len(problemText) && problemText[p] != "" {
		return problemText[p]
	}
	return fmt.Sprintf("problem %d", uint8(p))
}

// inScript reports whether an editor cures the problem, as opposed to another file being needed.
func (p Problem) inScript() bool {
	switch p {
	case NoInterpreterLine, InterpreterMissing, InterpreterNotExecutable, InterpreterTooLong, CarriageReturn:
		return true
	}
	return false
}

// PreflightError says why a program cannot be started at all. The fault is the program's or its user's.
type PreflightError struct {
	Role    Role
	Path    string  // as the user wrote it
	Problem Problem // what is wrong
	Err     error   // the cause, with the errno that the kernel gave, or would give to execve
	Hint    string  // the particulars and what to do, on one line, safe to print
}

// Error returns one line without control characters, such as
// `server ./a.out: not executable: run chmod +x ./a.out`.
func (e *PreflightError) Error() string {
	parts := []string{string(e.Role) + " " + printable(e.Path), e.Problem.String()}
	if e.Hint != "" {
		parts = append(parts, e.Hint)
	}
	return escape(strings.Join(parts, ": "))
}

// Unwrap returns the cause.
func (e *PreflightError) Unwrap() error { return e.Err }

// refuse begins a PreflightError; [OpenFrom] adds whom it is about.
func refuse(problem Problem, cause error, hint string, args ...any) *PreflightError {
	return &PreflightError{Problem: problem, Err: cause, Hint: escape(fmt.Sprintf(hint, args...))}
}
