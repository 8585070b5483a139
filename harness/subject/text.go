package subject

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// longestName is how much of a name a message shows; the kernel's own limit for a path is 4096.
const longestName = 400

// printable returns a name fit for a one-line message: as it is, or quoted with escapes when it holds anything
// that a terminal would not simply print (control bytes, direction overrides, broken UTF-8), cut when very long.
func printable(name string) string {
	cut := ""
	if len(name) > longestName {
		cut = fmt.Sprintf("... (%d bytes)", len(name))
		name = name[:longestName]
	}
	if name != "" && escape(name) == name && strings.TrimSpace(name) == name {
		return name + cut
	}
	return strconv.Quote(name) + cut
}

// escape replaces what a terminal would not simply print by its Go escape and leaves the rest alone.
func escape(s string) string {
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD"):
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case strconv.IsPrint(r):
			b.WriteRune(r)
		default:
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		}
	}
	return b.String()
}

// shellWord returns a path as one writes it in a shell, for commands that a hint proposes.
func shellWord(path string) string {
	if strings.HasPrefix(path, "-") {
		path = "./" + path
	}
	plain := func(r rune) bool {
		return strings.ContainsRune("./_-+=:,@%", r) || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
	}
	switch {
	case strings.TrimFunc(path, plain) == "" && path != "":
		return path
	case escape(path) == path:
		return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
	}
	return "$'" + strings.ReplaceAll(strings.Trim(strconv.Quote(path), `"`), "'", `\'`) + "'"
}
