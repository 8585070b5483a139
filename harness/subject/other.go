package subject

import (
	"bytes"
	"encoding/binary"
	"path/filepath"
	"strings"
	"syscall"
)

// format is a kind of file that Linux does not execute, told by how it begins.
type format struct{ magic, what string }

var formats = []format{
	{"MZ", "a Windows program: build it for Linux"},
	{"\xfe\xed\xfa\xce", machO}, {"\xce\xfa\xed\xfe", machO},
	{"\xfe\xed\xfa\xcf", machO}, {"\xcf\xfa\xed\xfe", machO},
	{"!<arch>\n", "a static library (.a): link it into a program"},
	{"\x1f\x8b", "compressed by gzip: unpack it first"},
	{"\x00asm", "a WebAssembly module: " + startScript},
	{"BC\xc0\xde", "LLVM bitcode: compile it first"},
}

const (
	machO       = "a macOS program: build it for Linux"
	startScript = "give a script that starts it, with #!/bin/sh in its first line"
)

// language is a source language, told by the ending of the file's name.
type language struct {
	endings string // space-separated
	name    string
	compile string // the command, from FILE to NAME; empty for an interpreted language
	run     string // the interpreter's #! line, for an interpreted language
}

var languages = []language{
	{".c", "C", "cc -o NAME FILE", ""},
	{".cc .cpp .cxx", "C++", "c++ -o NAME FILE", ""},
	{".go", "Go", "go build -o NAME FILE", ""},
	{".rs", "Rust", "rustc -o NAME FILE", ""},
	{".java", "Java", "javac FILE, and give a script that starts it", ""},
	{".py", "Python", "", "#!/usr/bin/env python3"},
	{".rb", "Ruby", "", "#!/usr/bin/env ruby"},
	{".js .mjs .cjs", "JavaScript", "", "#!/usr/bin/env node"},
	{".pl", "Perl", "", "#!/usr/bin/env perl"},
	{".sh", "shell", "", "#!/bin/sh"},
}

// inspectOther names a file that is neither ELF nor begins with #!: execve answers ENOEXEC to all of them. A shell
// would go on to read it as a script of its own, which is why such a file can seem to work.
func inspectOther(head []byte, at place) *PreflightError {
	if what := foreign(head, at.given); what != "" {
		return refuse(ForeignFormat, syscall.ENOEXEC, "it is %s", what)
	}
	if !isText(head) {
		return refuse(UnknownFormat, syscall.ENOEXEC, "neither an ELF file nor a script")
	}
	lang := languageOf(at.given)
	if lang.compile != "" {
		stem := strings.TrimSuffix(at.given, filepath.Ext(at.given))
		command := strings.NewReplacer("NAME", shellWord(stem), "FILE", shellWord(at.given)).Replace(lang.compile)
		return refuse(SourceFile, syscall.ENOEXEC, "this is a %s source file: compile it first, %s", lang.name, command)
	}
	return refuse(NoInterpreterLine, syscall.ENOEXEC, "%s", lineHint(head, lang))
}

// foreign says what a file of another system is, "" for anything else.
func foreign(head []byte, given string) string {
	for _, f := range formats {
		if bytes.HasPrefix(head, []byte(f.magic)) {
			return f.what
		}
	}
	switch {
	case bytes.HasPrefix(head, []byte("\xca\xfe\xba\xbe")):
		return classOrFat(head)
	case bytes.HasPrefix(head, []byte("PK\x03\x04")) && strings.EqualFold(filepath.Ext(given), ".jar"):
		return "a Java archive: " + startScript
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return "a zip archive: unpack it first"
	}
	return ""
}

// classOrFat tells apart the two formats that share a magic number. A Java class goes on with its version, at
// least 45; a macOS file for several machines with their number, always small.
func classOrFat(head []byte) string {
	if len(head) >= 8 && binary.BigEndian.Uint32(head[4:]) < 45 {
		return machO
	}
	return "a Java class: " + startScript
}

func languageOf(given string) language {
	ending := strings.ToLower(filepath.Ext(given))
	for _, lang := range languages {
		for _, e := range strings.Fields(lang.endings) {
			if e == ending {
				return lang
			}
		}
	}
	return language{name: "script", run: "#!/bin/sh or another interpreter"}
}

// lineHint says what the first line should be, or what stands before it.
func lineHint(head []byte, lang language) string {
	switch trimmed := bytes.TrimLeft(head, " \t\r\n"); {
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf#!")):
		return "a byte order mark stands before #!: save the file as UTF-8 without one"
	case bytes.HasPrefix(trimmed, []byte("#!")):
		return "#! must be the first two bytes: remove what stands before it"
	}
	return "begin it with " + lang.run
}

// isText reports whether the bytes could be text in some encoding that extends ASCII.
func isText(head []byte) bool {
	return bytes.IndexFunc(head, func(r rune) bool { return r < ' ' && !strings.ContainsRune("\t\n\r\f\x1b", r) }) < 0
}
