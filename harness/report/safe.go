package report

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"ipckit/harness/claim"
)

// Safe makes a foreign string one line of visible text that no terminal and no
// log reader obeys. Controls, ESC and DEL, characters that are invisible or turn
// the direction of writing, and bytes that are not UTF-8 are shown as \n, \xHH or
// \u{...}; so is one character of what a CI service takes for a command in a log
// ("::error::", "##[error]"). A backslash stays: checks hand over bytes that are
// escaped already, and Safe(Safe(s)) is Safe(s).
func Safe(s string) string {
	var out strings.Builder
	marks := 0
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		if unicode.Is(unicode.Mn, r) {
			marks++
		} else {
			marks = 0
		}
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&out, `\x%02x`, s[0])
		case visible(r) && marks <= mostMarks:
			out.WriteRune(r)
		default:
			out.WriteString(escaped(r))
		}
		s = s[size:]
	}
	return disarm(out.String())
}

// mostMarks is how many combining marks one letter may carry: more pile up over
// the lines around.
const mostMarks = 2

func escaped(r rune) string {
	switch {
	case r == '\n':
		return `\n`
	case r == '\r':
		return `\r`
	case r == '\t':
		return `\t`
	case r < utf8.RuneSelf:
		return fmt.Sprintf(`\x%02x`, r)
	}
	return fmt.Sprintf(`\u{%x}`, r)
}

// visible reports whether a terminal shows something for r and goes on to the
// right. unicode.IsPrint leaves out controls, format characters (all that turn
// the direction or have no width) and every space but ASCII's.
func visible(r rune) bool {
	return unicode.IsPrint(r) && !unicode.Is(unicode.Variation_Selector, r) && !strings.ContainsRune(blanks, r)
}

// blanks are letters and symbols that show nothing: the Hangul fillers, the
// empty Braille pattern, the grapheme joiner.
const blanks = "\u115f\u1160\u3164\uffa0\u2800\u034f"

// Log commands: "::name args::" of GitHub and Gitea, "##[name]" and
// "##vso[...]" of Azure, "##teamcity[...]". The short names that the first
// pattern lets through are ends of IPv6 addresses.
var (
	colonCommand = regexp.MustCompile(`::([A-Za-z-]{4,}(?:::| |$))`)
	hashCommand  = regexp.MustCompile(`##([A-Za-z]*\[)`)
)

func disarm(s string) string {
	for colonCommand.MatchString(s) { // matches overlap: "::a::b::"
		s = colonCommand.ReplaceAllString(s, `:\x3a$1`)
	}
	return hashCommand.ReplaceAllString(s, `#\x23$1`)
}

// clean returns a copy of the result in which every string that a program, a
// file name or the machine had a hand in went through [Safe]. Only Details keeps
// its line breaks. The texts of claims are the kit's own.
func clean(r *claim.Result) *claim.Result {
	c := *r
	c.Recordings = Safe(r.Recordings)
	c.Environment = cleanEnvironment(r.Environment)
	c.Subjects = make([]claim.Subject, len(r.Subjects))
	for i, s := range r.Subjects {
		c.Subjects[i] = cleanSubject(s)
	}
	c.Verdicts = make([]claim.Verdict, len(r.Verdicts))
	for i, v := range r.Verdicts {
		c.Verdicts[i] = cleanVerdict(v)
	}
	return &c
}

func cleanEnvironment(e claim.Environment) claim.Environment {
	safeAll(&e.Kernel, &e.Arch, &e.Isolation, &e.IsolationWhy)
	sysctls := make(map[string]string, len(e.Sysctls))
	for name, value := range e.Sysctls {
		sysctls[Safe(name)] = Safe(value)
	}
	e.Sysctls = sysctls
	return e
}

func cleanSubject(s claim.Subject) claim.Subject {
	safeAll(&s.Role, &s.Path, &s.SHA256)
	argv := make([]string, len(s.Argv))
	for i, a := range s.Argv {
		argv[i] = Safe(a)
	}
	s.Argv = argv
	return s
}

func cleanVerdict(v claim.Verdict) claim.Verdict {
	v.Details = safeLines(v.Details)
	safeAll(&v.Message, &v.Did, &v.Expected, &v.Observed, &v.Reason, &v.Rerun)
	evidence := make([]claim.Evidence, len(v.Evidence))
	for i, e := range v.Evidence {
		evidence[i] = claim.Evidence{Recording: Safe(e.Recording), Events: append([]int{}, e.Events...)}
	}
	v.Evidence = evidence
	excerpt := make([]claim.Line, len(v.Excerpt))
	for i, l := range v.Excerpt {
		safeAll(&l.Recording, &l.Who, &l.What, &l.Gloss)
		excerpt[i] = l
	}
	v.Excerpt = excerpt
	return v
}

func safeAll(fields ...*string) {
	for _, s := range fields {
		*s = Safe(*s)
	}
}

func safeLines(s string) string {
	lines := strings.Split(strings.TrimRight(s, "\n"), "\n")
	for i := range lines {
		lines[i] = Safe(strings.ReplaceAll(lines[i], "\t", "    "))
	}
	return strings.Join(lines, "\n")
}
