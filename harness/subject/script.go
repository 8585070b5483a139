package subject

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// kernelHead is BINPRM_BUF_SIZE: all that the kernel reads of a file to decide how to run it. A #! line must end
// within it. A longer one is refused with ENOEXEC if the interpreter's name is cut, and silently loses the end of
// its argument otherwise; both are refused here. See execve(2), "Interpreter scripts".
const kernelHead = 256

const blank = " \t"

// inspectScript judges a file that begins with #!, as fs/binfmt_script.c does.
func inspectScript(head []byte, at place) *PreflightError {
	line, refusal := interpreterLine(head, at)
	if refusal != nil {
		return refusal
	}
	name, arg := line, ""
	if i := strings.IndexAny(line, blank); i >= 0 {
		name, arg = line[:i], strings.Trim(line[i:], blank)
	}
	if refusal := interpreter(name, at); refusal != nil {
		return refusal
	}
	if filepath.Base(name) == "env" {
		return fromEnv(arg, at)
	}
	return nil
}

// interpreterLine returns what follows #! on the first line.
func interpreterLine(head []byte, at place) (string, *PreflightError) {
	line, _, ended := bytes.Cut(head, []byte("\n"))
	line, _, terminated := bytes.Cut(line, []byte("\x00"))
	if !ended && !terminated && len(head) == kernelHead {
		return "", refuse(InterpreterTooLong, syscall.ENOEXEC, "the kernel reads %d bytes of it", kernelHead)
	}
	words := strings.FieldsFunc(string(line[2:]), func(r rune) bool { return strings.ContainsRune(blank, r) })
	switch {
	case len(words) == 0:
		return "", refuse(NoInterpreterLine, syscall.ENOEXEC, "#! names no interpreter")
	case bytes.HasSuffix(line, []byte("\r")):
		return "", refuse(CarriageReturn, syscall.ENOENT, "it ends as Windows ends lines and asks for %s: run sed -i 's/\\r$//' %s",
			printable(words[len(words)-1]), shellWord(at.given))
	}
	return strings.Trim(string(line[2:]), blank), nil
}

// interpreter checks the file that #! names. A relative name counts from the folder of the script.
func interpreter(name string, at place) *PreflightError {
	file := name
	if !filepath.IsAbs(file) {
		file = filepath.Dir(at.path) + "/" + file
	}
	info, err := os.Stat(file)
	if err != nil {
		return refuse(InterpreterMissing, err, "#! names %s: %v", printable(name), bare(err))
	}
	if err := mayExecute(file, info.Mode()); err != nil {
		return refuse(InterpreterNotExecutable, err, "#! names %s", printable(name))
	}
	return nil
}

// fromEnv checks the program that `#!/usr/bin/env ARG` goes on to. The kernel hands over everything after env as
// one argument, so without -S a second word is part of the program's name.
func fromEnv(arg string, at place) *PreflightError {
	name := arg
	if split, found := strings.CutPrefix(arg, "-S"); found {
		name = firstCommand(split)
	}
	if name == "" || strings.HasPrefix(name, "-") || strings.ContainsAny(name, `="'$\`) {
		return nil // env itself has more to say about these than can be foreseen here
	}
	if lookup(name, at.search) != "" || refersToProgram(name, at) {
		return nil
	}
	if words := strings.Fields(name); len(words) > 1 {
		return refuse(InterpreterMissing, syscall.ENOENT, "env takes %q for one name: write #!/usr/bin/env -S %s",
			name, printable(name))
	}
	return refuse(InterpreterMissing, syscall.ENOENT, "env finds no %s in PATH=%s", printable(name), printable(at.search))
}

// firstCommand returns the first word after the assignments of an `env -S` line.
func firstCommand(line string) string {
	for _, word := range strings.Fields(line) {
		if !strings.Contains(word, "=") {
			return word
		}
	}
	return ""
}

// refersToProgram covers `env ./tool` and `env /opt/tool`: a name with a slash is a path.
func refersToProgram(name string, at place) bool {
	return strings.Contains(name, "/") && refersTo(filepath.Dir(at.path), name) != ""
}

// lookup finds an executable by name in a PATH, "" if there is none.
func lookup(name, search string) string {
	if name == "" || strings.Contains(name, "/") {
		return ""
	}
	for _, dir := range filepath.SplitList(search) {
		file := filepath.Join(dir, name)
		if info, err := os.Stat(file); err == nil && mayExecute(file, info.Mode()) == nil {
			return file
		}
	}
	return ""
}
