package subject

import (
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"unicode/utf8"
)

// refusal is one row: a file that cannot be started, and what must be said of it.
type refusal struct {
	name   string
	reason string
	build  func(t *testing.T, dir string) string // returns the path to give
	want   Problem
	says   []string      // parts of the message
	execve syscall.Errno // what the kernel itself answers; 0 where this package is stricter than the kernel
}

// file builds a row's file with all x bits.
func file(name, content string) func(*testing.T, string) string {
	return fileMode(name, content, 0o755)
}

func fileMode(name, content string, mode os.FileMode) func(*testing.T, string) string {
	return func(t *testing.T, dir string) string {
		t.Helper()
		must(t, os.WriteFile(filepath.Join(dir, name), []byte(content), mode))
		must(t, os.Chmod(filepath.Join(dir, name), mode)) // whatever the umask
		return "./" + name
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

const script = "#!/bin/sh\nexit 0\n"

var refusals = []refusal{
	{"missing", "a misspelt path", func(*testing.T, string) string { return "./srever" },
		Missing, []string{"server ./srever: no such file: looked in /"}, syscall.ENOENT},
	{"empty path", "an unset shell variable", func(*testing.T, string) string { return "" },
		Missing, []string{`server "": no such file: the path is empty`}, syscall.ENOENT},
	{"below a file", "ENOTDIR is a missing file to a user", func(t *testing.T, dir string) string {
		return file("a.out", script)(t, dir) + "/server"
	}, Missing, nil, syscall.ENOTDIR},
	{"arguments in the path", "the shell got quotes that the kit cannot undo", func(t *testing.T, dir string) string {
		return file("a.out", script)(t, dir) + " -p 9876"
	}, Missing, []string{"give arguments apart from the path"}, syscall.ENOENT},
	{"a command name", "PATH is not searched", func(*testing.T, string) string { return "sh" },
		Missing, []string{"did you mean /"}, syscall.ENOENT},
	{"broken link", "the link exists, so `no such file` alone would puzzle", func(t *testing.T, dir string) string {
		must(t, os.Symlink("build/server", filepath.Join(dir, "server")))
		return "./server"
	}, BrokenLink, []string{"it points to build/server, which does not exist"}, syscall.ENOENT},
	{"link loop", "ELOOP must come through", func(t *testing.T, dir string) string {
		must(t, os.Symlink("loop", filepath.Join(dir, "loop")))
		return "./loop"
	}, Unreachable, []string{"too many levels of symbolic links"}, syscall.ELOOP},
	{"name too long", "a message must stay readable", func(*testing.T, string) string { return strings.Repeat("x", 5000) },
		Unreachable, []string{"... (5000 bytes): cannot be reached: file name too long"}, syscall.ENAMETOOLONG},
	{"NUL in the path", "no kernel call can carry it", func(*testing.T, string) string { return "a\x00b" },
		Unreachable, []string{`"a\x00b": cannot be reached`}, syscall.EINVAL},
	{"directory", "the folder was given, not the program", func(t *testing.T, dir string) string {
		must(t, os.Mkdir(filepath.Join(dir, "server"), 0o755))
		return "./server"
	}, Directory, nil, syscall.EACCES},
	{"fifo", "opening one blocks until a writer comes", func(t *testing.T, dir string) string {
		must(t, syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o777))
		return "./pipe"
	}, NotRegular, []string{"it is a fifo"}, syscall.EACCES},
	{"socket", "a local socket lies about like a file", func(t *testing.T, dir string) string {
		t.Chdir(dir) // the whole path may be longer than an address can be
		l, err := net.Listen("unix", "sock")
		must(t, err)
		t.Cleanup(func() { l.Close() })
		return "./sock"
	}, NotRegular, []string{"it is a socket"}, syscall.EACCES},
	{"device", "reading one may never end", func(*testing.T, string) string { return "/dev/zero" },
		NotRegular, []string{"it is a device"}, syscall.EACCES},
	{"empty file", "a failed build leaves one", file("a.out", ""),
		Empty, nil, syscall.ENOEXEC},
	{"no x bit", "root too is refused by execve", fileMode("a.out", script, 0o644),
		NotExecutable, []string{"server ./a.out: not executable: run chmod +x ./a.out"}, syscall.EACCES},
	{"no x bit, name with a space", "the hint must work when pasted", fileMode("a b.sh", script, 0o644),
		NotExecutable, []string{"run chmod +x './a b.sh'"}, syscall.EACCES},
	{"no x bit, no #!", "the x bit comes first for a script", fileMode("server.py", "import os\n", 0o644),
		NotExecutable, nil, syscall.EACCES},

	{"python without #!", "a shell would run it as sh", file("server.py", "import socket\n"),
		NoInterpreterLine, []string{"begin it with #!/usr/bin/env python3"}, syscall.ENOEXEC},
	{"text without #!", "no ending tells the language", file("server", "echo hello\n"),
		NoInterpreterLine, []string{"begin it with #!/bin/sh"}, syscall.ENOEXEC},
	{"blank line before #!", "only the first two bytes count", file("server", "\n#!/bin/sh\n"),
		NoInterpreterLine, []string{"#! must be the first two bytes"}, syscall.ENOEXEC},
	{"byte order mark", "an editor put it there unseen", file("server.py", "\xef\xbb\xbf#!/bin/sh\n"),
		NoInterpreterLine, []string{"byte order mark"}, syscall.ENOEXEC},
	{"#! alone", "no interpreter named", file("server", "#! \t\nexit\n"),
		NoInterpreterLine, []string{"#! names no interpreter"}, syscall.ENOEXEC},
	{"interpreter missing", "ENOENT of execve is taken for the script itself", file("server", "#!/opt/none/python3 -u\n"),
		InterpreterMissing, []string{"#! names /opt/none/python3: no such file"}, syscall.ENOENT},
	{"interpreter missing, no newline", "the line ends with the file", file("server", "#!/opt/none/python3"),
		InterpreterMissing, []string{"#! names /opt/none/python3: no such file"}, syscall.ENOENT},
	{"env finds nothing", "env exists, what it looks for does not", file("server", "#!/usr/bin/env no-such-interpreter\n"),
		InterpreterMissing, []string{"env finds no no-such-interpreter in PATH=" + CagePath}, 0},
	{"env with two words", "the kernel hands over one argument", file("server", "#!/usr/bin/env sh -e\n"),
		InterpreterMissing, []string{"write #!/usr/bin/env -S sh -e"}, 0},
	{"env -S finds nothing", "the first word after assignments counts", file("server", "#!/usr/bin/env -S A=1 no-such-interpreter -u\n"),
		InterpreterMissing, []string{"env finds no no-such-interpreter"}, 0},
	{"interpreter without x", "a virtual environment copied without modes", func(t *testing.T, dir string) string {
		fileMode("python3", script, 0o644)(t, dir)
		return file("server", "#!"+dir+"/python3\n")(t, dir)
	}, InterpreterNotExecutable, nil, syscall.EACCES},
	{"interpreter is a folder", "a folder has x bits too", file("server", "#!/bin/\n"),
		InterpreterNotExecutable, nil, syscall.EACCES},
	{"#! line of 257 bytes", "the kernel would cut the name", file("server", "#!/"+strings.Repeat("x", 253)+"\n"),
		InterpreterTooLong, []string{"256 bytes"}, syscall.ENOEXEC},
	{"#! argument too long", "the kernel cuts it without a word", file("server", "#!/bin/sh "+strings.Repeat("x", 300)+"\n"),
		InterpreterTooLong, nil, 0},
	{"carriage return", "the interpreter's name ends in one", file("server", "#!/bin/sh\r\nexit\r\n"),
		CarriageReturn, []string{`asks for "/bin/sh\r"`, `sed -i 's/\r$//' ./server`}, syscall.ENOENT},
	{"carriage return after env", "env starts and looks for that name", file("server.py", "#!/usr/bin/env python3\r\n"),
		CarriageReturn, []string{`asks for "python3\r"`}, 0},

	{"C source", "the source was given for the program", fileMode("server.c", "#include <stdio.h>\n", 0o644),
		SourceFile, []string{"this is a C source file: compile it first, cc -o ./server ./server.c"}, 0},
	{"Go source", "go run hides the build", file("server.go", "package main\n"),
		SourceFile, []string{"Go source file", "go build -o ./server ./server.go"}, syscall.ENOEXEC},
	{"Rust source", "as for C", file("server.rs", "fn main() {}\n"), SourceFile, []string{"Rust source file"}, syscall.ENOEXEC},
	{"Java source", "as for C", file("Server.java", "class Server {}\n"), SourceFile, []string{"javac ./Server.java"}, syscall.ENOEXEC},
	{"Windows program", "a cross build", file("server.exe", "MZ\x90\x00\x03"), ForeignFormat, []string{"a Windows program"}, 0},
	{"macOS program", "built on a laptop", file("server", "\xcf\xfa\xed\xfe\x07\x00\x00\x01"), ForeignFormat, []string{"a macOS program"}, 0},
	{"macOS program for two machines", "shares its magic number with Java", file("server", "\xca\xfe\xba\xbe\x00\x00\x00\x02"),
		ForeignFormat, []string{"a macOS program"}, 0},
	{"Java class", "shares its magic number with macOS", file("Server.class", "\xca\xfe\xba\xbe\x00\x00\x00\x41"),
		ForeignFormat, []string{"a Java class", "give a script"}, 0},
	{"jar", "java -jar is the program", file("server.jar", "PK\x03\x04"), ForeignFormat, []string{"a Java archive"}, 0},
	{"zip", "the submission was not unpacked", file("server.zip", "PK\x03\x04"), ForeignFormat, []string{"a zip archive"}, 0},
	{"static library", "ar instead of ld", file("libserver.a", "!<arch>\n"), ForeignFormat, []string{"a static library"}, syscall.ENOEXEC},
	{"binary rubbish", "neither text nor anything known", file("server", "\x00\x01\x02\x03"), UnknownFormat, nil, syscall.ENOEXEC},

	{"other machine", "built elsewhere", elfRow(func(f *elfFile) { f.Machine = uint16(otherMachine().machine) }),
		WrongArchitecture, []string{"built for " + otherMachine().word + ", this machine is " + host().word}, 0},
	{"copy of a real program, other machine", "a whole file of a linker, one field changed", patchedSelf,
		WrongArchitecture, []string{"built for " + otherMachine().word}, 0},
	{"unknown machine", "a number without a name still gives a message", elfRow(func(f *elfFile) { f.Machine = 0x7777 }),
		WrongArchitecture, []string{"built for machine number 30583, this machine is " + host().word}, 0},
	{"i386", "runs here, but the recorder cannot follow", elfRow(func(f *elfFile) { f.Machine, f.Ident[4] = 3, 1 }),
		WrongArchitecture, []string{"built for i386", "the recorder follows 64-bit calls only"}, 0},
	{"object file", "cc -c", elfRow(func(f *elfFile) { f.Type, f.progs = 1, nil }),
		NotProgram, []string{"an object file (.o)"}, syscall.ENOEXEC},
	{"shared library", "cc -shared", elfRow(func(f *elfFile) { f.Type, f.Entry = 3, 0 }),
		NotProgram, []string{"a shared library"}, 0},
	{"shared library with an entry point", "older linkers gave them one", elfLibrary,
		NotProgram, []string{"a shared library: it needs others"}, 0},
	{"no entry point", "ld without _start", elfRow(func(f *elfFile) { f.Entry = 0 }),
		NotProgram, []string{"without an entry point"}, 0},
	{"core dump", "named core, lies beside the program", elfRow(func(f *elfFile) { f.Type = 4 }),
		NotProgram, []string{"a core dump"}, syscall.ENOEXEC},
	{"unknown type", "0 is ET_NONE", elfRow(func(f *elfFile) { f.Type = 0 }), NotProgram, nil, syscall.ENOEXEC},
	{"magic only", "cut within the identification", file("a.out", "\x7fELF"), Damaged, []string{"ends within its header"}, syscall.ENOEXEC},
	{"cut in the header", "cut after the machine", elfCut(40), Damaged, []string{"ends within its header"}, 0},
	{"byte order 0", "no such order", elfRow(func(f *elfFile) { f.Ident[5] = 0 }), Damaged, []string{"byte order"}, 0},
	{"cut in the program headers", "an interrupted copy", elfCut(80), Damaged, []string{"program headers are not in the file"}, 0},
	{"cut in a segment", "the kernel starts it and it dies of SIGBUS", elfCut(64 + 2*progSize + 20), Damaged, []string{"a segment ends after"}, 0},
	{"no program headers", "nothing says what to load", elfRow(func(f *elfFile) { f.progs = nil }), Damaged, nil, syscall.ENOEXEC},
	{"program headers of wrong size", "a header written by hand", elfRow(func(f *elfFile) { f.Phentsize = 32 }), Damaged, nil, syscall.ENOEXEC},
	{"program headers far away", "off + length overflows", elfRow(func(f *elfFile) { f.Phoff = 1<<64 - 8 }), Damaged, nil, 0},
	{"segment far away", "off + length overflows", elfRow(func(f *elfFile) { f.progs[1].Off = 1<<64 - 8 }), Damaged, nil, 0},
	{"nothing to load", "program headers without PT_LOAD", elfRow(func(f *elfFile) { f.progs[1].Type = 4 }), Damaged, []string{"nothing to load"}, 0},
	{"loader missing", "built for musl", elfLoader("/lib/ld-musl-none.so.1\x00"),
		LoaderMissing, []string{"it needs /lib/ld-musl-none.so.1: built for musl"}, syscall.ENOENT},
	{"loader missing, not musl", "another distribution's layout", elfLoader("/nix/none/ld-linux.so\x00"),
		LoaderMissing, []string{"another system's C library"}, syscall.ENOENT},
	{"loader name without end", "the kernel insists on a NUL", elfLoader("/lib/ld-linux.so"), Damaged, []string{"has no end"}, syscall.ENOEXEC},
	{"loader name empty", "shorter than one letter and a NUL", elfLoader("\x00"), Damaged, nil, syscall.ENOEXEC},
	{"loader is a folder", "exists, and cannot be executed", elfLoader("/bin/\x00"), InterpreterNotExecutable, nil, syscall.EACCES},

	{"newline in the name", "one line is promised", fileMode("a\nb\x1b[2J.out", script, 0o644),
		NotExecutable, []string{`server "./a\nb\x1b[2J.out": not executable`}, syscall.EACCES},
	{"newline in the interpreter's name", "escapes come from the file, too", file("server", "#!/opt/\x1b[31mnone\n"),
		InterpreterMissing, []string{`\x1b[31m`}, syscall.ENOENT},
}

func TestOpenRefuses(t *testing.T) {
	seen := map[string]bool{}
	for _, row := range refusals {
		if seen[row.name] || row.reason == "" {
			t.Fatalf("row %q: needs a name of its own and a reason", row.name)
		}
		seen[row.name] = true
		t.Run(row.name, func(t *testing.T) {
			dir := t.TempDir()
			given := row.build(t, dir)
			_, err := OpenFrom(dir, Server, given, nil, nil)
			refused := wantRefusal(t, err, row.want)
			for _, part := range row.says {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%s\ngot  %s\nwant ... %s ...", row.reason, err, part)
				}
			}
			if row.execve != 0 {
				sameAsKernel(t, dir, given, refused, row.execve)
			}
		})
	}
}

// sameAsKernel lets the kernel speak: what was refused is refused by execve, with the errno that the error carries.
func sameAsKernel(t *testing.T, dir, given string, refused *PreflightError, want syscall.Errno) {
	t.Helper()
	if given != "" && !filepath.IsAbs(given) {
		given = dir + "/" + given
	}
	process, err := os.StartProcess(given, []string{"x"}, &os.ProcAttr{})
	if err == nil {
		process.Kill()
		process.Wait()
	}
	if !errors.Is(err, want) || !errors.Is(refused, want) {
		t.Errorf("execve: %v; refused with %v; want %v for both", err, refused.Err, want)
	}
}

// wantRefusal also holds every message to the one-line rule.
func wantRefusal(t *testing.T, err error, want Problem) *PreflightError {
	t.Helper()
	var refused *PreflightError
	if !errors.As(err, &refused) {
		t.Fatalf("got %v; want problem %q", err, want)
	}
	if refused.Problem != want || refused.Err == nil {
		t.Errorf("got problem %q with cause %v: %v; want %q with a cause", refused.Problem, refused.Err, err, want)
	}
	if fault := notOneLine(err.Error()); fault != "" {
		t.Errorf("%q %s", err.Error(), fault)
	}
	return refused
}

func notOneLine(s string) string {
	switch {
	case !utf8.ValidString(s):
		return "is not UTF-8"
	case escape(s) != s:
		return "has a character that does not print"
	case len(s) > 2000:
		return "is too long"
	case strings.Contains(s, "%!"):
		return "was badly formatted"
	}
	return ""
}

// TestOpenRefusesUsage covers what is given beside the path.
func TestOpenRefusesUsage(t *testing.T) {
	self, err := os.Executable()
	must(t, err)
	for name, row := range map[string]struct {
		args, env []string
		want      Problem
	}{
		"NUL in an argument": {[]string{"a\x00b"}, nil, BadArgument},
		"env without =":      {nil, []string{"DEBUG"}, BadEnvironment},
		"env without a name": {nil, []string{"=1"}, BadEnvironment},
		"NUL in env":         {nil, []string{"A=\x00"}, BadEnvironment},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Open(Client, self, row.args, row.env)
			wantRefusal(t, err, row.want)
		})
	}
	if _, err := Open("sever", self, nil, nil); err == nil || errors.As(err, new(*PreflightError)) {
		t.Errorf("unknown role: got %v; want an error that does not blame the program", err)
	}
}

// TestOrdinaryUser covers the refusals that root never meets. As root the test steps down for file access only, on a
// thread of its own.
func TestOrdinaryUser(t *testing.T) {
	dir := t.TempDir()
	must(t, os.Chmod(filepath.Dir(dir), 0o755))
	fileMode("secret", script, 0o111)(t, dir)
	fileMode("others", script, 0o744)(t, dir)
	must(t, os.Mkdir(filepath.Join(dir, "closed"), 0o755))
	file("closed/server", script)(t, dir)
	must(t, os.Chmod(filepath.Join(dir, "closed"), 0))
	t.Cleanup(func() { os.Chmod(filepath.Join(dir, "closed"), 0o755) })

	t.Run("unreadable", func(t *testing.T) {
		asOrdinaryUser(t, dir, func() {
			_, err := OpenFrom(dir, Server, "secret", nil, nil)
			wantRefusal(t, err, Unreadable)
		})
	})
	t.Run("folder closed", func(t *testing.T) {
		asOrdinaryUser(t, dir, func() {
			_, err := OpenFrom(dir, Server, "closed/server", nil, nil)
			if refused := wantRefusal(t, err, Unreachable); !errors.Is(refused, syscall.EACCES) {
				t.Errorf("got %v; want EACCES kept", refused.Err)
			}
		})
	})
	t.Run("executable for its owner only", func(t *testing.T) {
		if os.Geteuid() != 0 {
			t.Skip("needs a file of another user's")
		}
		asOrdinaryUser(t, dir, func() {
			_, err := OpenFrom(dir, Server, "others", nil, nil)
			wantRefusal(t, err, NotExecutable)
		})
	})
	t.Run("folder listed all the same", func(t *testing.T) {
		asOrdinaryUser(t, dir, func() {
			folder, err := Subject{Path: filepath.Join(dir, "others")}.Siblings(1 << 20)
			if err != nil || len(folder.Skipped) != 2 || !strings.Contains(folder.Skipped[0].Reason, "permission") {
				t.Errorf("got %+v, %v; want the closed folder and the secret file skipped for permission", folder, err)
			}
		})
	})
	t.Run("program in a folder that cannot be listed", func(t *testing.T) {
		must(t, os.Chmod(filepath.Join(dir, "closed"), 0o111))
		asOrdinaryUser(t, dir, func() {
			s, err := OpenFrom(dir, Server, "closed/server", nil, nil)
			if err != nil {
				t.Error(err)
				return
			}
			folder, err := s.Siblings(1 << 20)
			if err != nil || len(folder.Entries) != 1 || len(folder.Skipped) != 1 {
				t.Errorf("got %+v, %v; want the program alone", folder, err)
			}
		})
	})
}

// asOrdinaryUser runs do without root's power over files. do must not end the test itself.
func asOrdinaryUser(t *testing.T, dir string, do func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		do()
		return
	}
	var skipped string
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine, and its identity with it
		syscall.Setfsgid(65534)
		syscall.Setfsuid(65534)
		if _, err := os.Stat(dir); err != nil {
			skipped = "the temporary folder is closed to others"
		} else if f, err := os.Open(filepath.Join(dir, "secret")); err == nil {
			f.Close()
			skipped = "root cannot step down here"
		} else {
			do()
		}
	}()
	<-done
	if skipped != "" {
		t.Skip(skipped)
	}
}

// TestEveryProblemIsShown makes a problem without a row, or without words, a failure.
func TestEveryProblemIsShown(t *testing.T) {
	shown := map[Problem]bool{Unreadable: true, BadArgument: true, BadEnvironment: true} // by the two tests above
	for _, row := range refusals {
		shown[row.want] = true
	}
	words := map[string]bool{}
	for p := Missing; int(p) < len(problemText); p++ {
		if !shown[p] {
			t.Errorf("%s: no row", p)
		}
		if strings.HasPrefix(p.String(), "problem ") || words[p.String()] {
			t.Errorf("problem %d: needs words of its own, has %q", p, p)
		}
		words[p.String()] = true
	}
	if got := Problem(0).String(); got != "problem 0" {
		t.Errorf("zero value: got %q", got)
	}
}

func TestOpenAccepts(t *testing.T) {
	for name, row := range map[string]struct {
		build func(*testing.T, string) string
		env   []string
		runs  bool // the kernel starts it and it exits 0
	}{
		"script":                       {build: file("server", script), runs: true},
		"script, blanks around":        {build: file("server", "#! \t/bin/sh -e \t\nexit 0\n"), runs: true},
		"script without newline":       {build: file("server", "#!/bin/sh"), runs: true},
		"#! line of 256 bytes":         {build: file("server", "#!"+strings.Repeat("/", 246)+"/bin/sh\n"), runs: true},
		"env":                          {build: file("server", "#!/usr/bin/env sh\nexit 0\n"), runs: true},
		"env with a path":              {build: file("server", "#!/usr/bin/env /bin/sh\nexit 0\n"), runs: true},
		"env -S":                       {build: file("server", "#!/usr/bin/env -S A=1 sh -e\nexit 0\n"), runs: true},
		"env with an option":           {build: file("server", "#!/usr/bin/env -i\n")},
		"env in the user's own PATH":   {build: toolFolder, env: []string{"PATH=/none", "PATH=tool-folder:/bin"}},
		"source ending, but a script":  {build: file("server.c", script), runs: true},
		"executable for one of three":  {build: fileMode("server", script, 0o700), runs: true},
		"minimal program":              {build: elfRow(func(*elfFile) {})},
		"static position-independent":  {build: elfRow(func(f *elfFile) { f.Type = 3 })},
		"dynamic section far away":     {build: elfRow(func(f *elfFile) { f.progs[0] = elf.Prog64{Type: 2, Off: 1<<64 - 8, Filesz: 1 << 60} })},
		"rubbish in the section table": {build: elfRow(func(f *elfFile) { f.Shoff, f.Shnum, f.Shentsize = 1<<63, 9, 7 })},
		"the test itself":              {build: func(*testing.T, string) string { path, _ := os.Executable(); return path }},
		"sh":                           {build: func(*testing.T, string) string { return "/bin/sh" }},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for i, entry := range row.env {
				row.env[i] = strings.Replace(entry, "tool-folder", dir, 1)
			}
			s, err := OpenFrom(dir, Server, row.build(t, dir), nil, row.env)
			must(t, err)
			content, err := os.ReadFile(s.Path)
			must(t, err)
			if sum := sha256.Sum256(content); s.SHA256 != hex.EncodeToString(sum[:]) || s.Size != int64(len(content)) {
				t.Errorf("got hash %s of %d bytes; want %x of %d", s.SHA256, s.Size, sum, len(content))
			}
			if row.runs {
				exitsZero(t, s)
			}
		})
	}
}

// toolFolder makes an interpreter that only a PATH of the user's own leads to.
func toolFolder(t *testing.T, dir string) string {
	file("my-interpreter", script)(t, dir)
	return file("server", "#!/usr/bin/env my-interpreter\n")(t, dir)
}

func exitsZero(t *testing.T, s Subject) {
	t.Helper()
	process, err := os.StartProcess(s.Path, s.Argv, &os.ProcAttr{Env: []string{"PATH=" + CagePath}})
	must(t, err)
	if state, err := process.Wait(); err != nil || !state.Success() {
		t.Errorf("accepted, but started it gives %v, %v", state, err)
	}
}

func TestOpenDescribes(t *testing.T) {
	dir := t.TempDir()
	file("real.sh", script)(t, dir)
	must(t, os.Mkdir(filepath.Join(dir, "sub"), 0o755))
	must(t, os.Symlink("../real.sh", filepath.Join(dir, "sub/server")))
	must(t, os.Symlink("sub", filepath.Join(dir, "link")))
	t.Chdir(dir)
	here, err := filepath.EvalSymlinks(dir)
	must(t, err)

	got, err := Open(Server, "sub/server", []string{"-p", "9876"}, []string{"A=1"})
	must(t, err)
	want := Subject{
		Role: Server, Path: filepath.Join(here, "real.sh"), Given: "sub/server", Argv: []string{"server", "-p", "9876"},
		Env: []string{"A=1"}, SHA256: got.SHA256, Size: int64(len(script)),
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if _, err := Open(Server, "link/../real.sh", nil, nil); err != nil {
		t.Errorf("`..` after a link: %v", err)
	}
	raw, err := json.Marshal(got)
	must(t, err)
	var back Subject
	must(t, json.Unmarshal(raw, &back))
	if !reflect.DeepEqual(back, got) {
		t.Errorf("after JSON: got %+v from %s", back, raw)
	}
	if got.String() != "server sub/server" {
		t.Errorf("got %q", got.String())
	}
}

func TestHashOfAShrinkingFile(t *testing.T) {
	if _, err := hash(strings.NewReader("abc"), 4); err == nil {
		t.Error("a file shorter than it was said to be: got no error")
	}
}

func TestBuiltin(t *testing.T) {
	self, err := os.Executable()
	must(t, err)
	opened, err := Open(Probe, self, nil, nil)
	must(t, err)
	got := Builtin(Server, "server")
	want := Subject{
		Role: Server, Path: "/proc/self/exe", Argv: []string{"kit-ref-server"}, Builtin: "server",
		SHA256: opened.SHA256, Size: opened.Size,
	}
	if !reflect.DeepEqual(got, want) || got.SHA256 == "" {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if got.String() != "server (built in: server)" {
		t.Errorf("got %q", got.String())
	}
	if folder, err := got.Siblings(1); err != nil || len(folder.Entries) != 0 {
		t.Errorf("got %+v, %v; want no folder", folder, err)
	}
}

func TestParseRole(t *testing.T) {
	for _, role := range append(Roles(), Probe) {
		if got, err := ParseRole(string(role)); got != role || err != nil {
			t.Errorf("%s: got %q, %v", role, got, err)
		}
	}
	for _, name := range []string{"", "Server", "judge\n"} {
		if got, err := ParseRole(name); err == nil || notOneLine(err.Error()) != "" {
			t.Errorf("%q: got %q, %v", name, got, err)
		}
	}
}

func TestText(t *testing.T) {
	for _, row := range []struct{ in, printed, word string }{
		{"./a.out", "./a.out", "./a.out"},
		{"a b", "a b", "'a b'"},
		{"it's", "it's", `'it'\''s'`},
		{"-x", "-x", "./-x"},
		{"a\n", `"a\n"`, `$'a\n'`},
		{" a", `" a"`, "' a'"},
		{"\xff", `"\xff"`, `$'\xff'`},
		{"a\u202eb", `"a\u202eb"`, `$'a\u202eb'`},
		{"é", "é", "'é'"},
		{"\ufffd", "\ufffd", "'\ufffd'"},
	} {
		if got := printable(row.in); got != row.printed {
			t.Errorf("printable(%q): got %s; want %s", row.in, got, row.printed)
		}
		if got := shellWord(row.in); got != row.word {
			t.Errorf("shellWord(%q): got %s; want %s", row.in, got, row.word)
		}
	}
}

func TestNoexec(t *testing.T) {
	must(t, syscall.Access("/proc/self/status", rOK))
	raw, err := os.ReadFile("/proc/self/mountinfo")
	must(t, err)
	for line := range strings.Lines(string(raw)) {
		if fields := strings.Fields(line); fields[4] == "/proc" && onNoexec("/proc") != strings.Contains(fields[5], "noexec") {
			t.Errorf("onNoexec(/proc) = %v; mounted %s", onNoexec("/proc"), fields[5])
		}
	}
}

// FuzzOpen feeds any content, as a script, an ELF file and all else: no panic, one line, and no program accepted
// that begins neither with #! nor as ELF does.
func FuzzOpen(f *testing.F) {
	for _, row := range []string{script, "", "#!", "#!/usr/bin/env -S A=1 x\n", "MZ", "\xca\xfe\xba\xbe", "\xef\xbb\xbf#!/bin/sh\n"} {
		f.Add([]byte(row))
	}
	f.Add(newELF().bytes())
	f.Add(newELF().bytes()[:70])
	dir := f.TempDir()
	path := filepath.Join(dir, "subject")
	f.Fuzz(func(t *testing.T, content []byte) {
		if len(content) > 1<<16 {
			t.Skip("large files take time and show nothing more")
		}
		must(t, os.WriteFile(path, content, 0o755))
		s, err := Open(Server, path, nil, nil)
		if err == nil {
			if head := string(content); !strings.HasPrefix(head, "#!") && !strings.HasPrefix(head, "\x7fELF") || s.Size != int64(len(head)) {
				t.Errorf("accepted %+v", s)
			}
			return
		}
		if fault := notOneLine(err.Error()); fault != "" || !errors.As(err, new(*PreflightError)) {
			t.Errorf("%T %q %s", err, err.Error(), fault)
		}
	})
}
