package sandbox

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

// Names under which the kit's binary is started again.
const (
	lifePrefix   = "kit-"
	initName     = "kit-init"
	leaderName   = "kit-leader"
	execName     = "kit-exec"
	builtinLives = "kit-ref-" // subject.Builtin uses the same prefix
)

// exitLoop is the status of a process of ours that would start itself for ever.
const exitLoop = 70

// init keeps the main goroutine of a kit- life on the process's first thread:
// PID 1 traces from it, and kit-exec's exec must come from the thread that
// carries the seccomp filter (seccomp(2): filters are per thread).
func init() {
	if strings.HasPrefix(lifeName(), lifePrefix) {
		runtime.LockOSThread()
	}
}

func lifeName() string {
	if len(os.Args) == 0 {
		return ""
	}
	return filepath.Base(os.Args[0])
}

// Work is what PID 1 of a cage does: it gets the cage from within. When it
// returns, everything in the cage is ended.
type Work func(*Inside) error

var works = map[string]Work{}

// Register names a function that PID 1 can be asked to do. It is called from
// init functions, so that the cage's copy of the binary knows the name too.
func Register(name string, work Work) {
	if _, taken := works[name]; taken {
		panic("sandbox: work registered twice: " + name)
	}
	works[name] = work
}

// MaybeChild gives the process the life that its argv[0] asks for and does not
// return then; for the kit itself it returns at once. It must be the first
// statement of main, and of TestMain in every test package that opens a cage.
//
// Builtins are the programs that the binary holds beside the kit, by name; the
// life "kit-ref-NAME" runs them.
func MaybeChild(builtins map[string]func(args []string) int) {
	switch name := lifeName(); {
	case name == initName:
		leave(initLife())
	case name == leaderName:
		leave(leaderLife())
	case name == execName:
		leave(execLife())
	case strings.HasPrefix(name, builtinLives):
		program, ok := builtins[strings.TrimPrefix(name, builtinLives)]
		if !ok {
			fmt.Fprintf(os.Stderr, "%s: this binary holds no such program\n", name)
			leave(exitLoop)
		}
		leave(program(os.Args[1:]))
	}
}

// leave ends a life. It is not os.Exit, which would have the runtime of a build
// for coverage or race detection write its last words to the program's terminal,
// or wait a second.
func leave(status int) { syscall.Exit(status) }

// refuseLoop ends a process that was started as one of the lives and came to
// open a cage instead: its main lacks the call of MaybeChild, and it would start
// itself without end.
func refuseLoop() {
	if name := lifeName(); strings.HasPrefix(name, lifePrefix) {
		fmt.Fprintf(os.Stderr, "%s: sandbox.Open reached: main must begin with sandbox.MaybeChild\n", name)
		os.Exit(exitLoop)
	}
}
