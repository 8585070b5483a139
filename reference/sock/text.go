package sock

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Printable makes foreign bytes fit for one line of a terminal: text stays as it
// is, and whatever could move the cursor or worse is shown as an escape.
func Printable(p []byte) string {
	var line strings.Builder
	for len(p) > 0 {
		r, size := utf8.DecodeRune(p)
		if strconv.IsPrint(r) && (r != utf8.RuneError || size > 1) {
			line.Write(p[:size])
		} else {
			quoted := strconv.Quote(string(p[:size]))
			line.WriteString(quoted[1 : len(quoted)-1])
		}
		p = p[size:]
	}
	return line.String()
}
