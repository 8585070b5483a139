package main

import (
	"io"
	"os"

	"golang.org/x/term"
)

// terminal returns the descriptor of a terminal that obeys escape sequences.
func terminal(w io.Writer) (fd int, ok bool) {
	f, isFile := w.(*os.File)
	if !isFile || os.Getenv("TERM") == "dumb" || os.Getenv("TERM") == "" {
		return 0, false
	}
	return int(f.Fd()), term.IsTerminal(int(f.Fd()))
}

// columns returns the width of a terminal; 0 for anything else.
func columns(w io.Writer) int {
	f, isFile := w.(*os.File)
	if !isFile {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return width
}

// width is that of standard output.
func (a *app) width() int { return columns(a.stdout) }

// color reports whether standard output is coloured: on a terminal, unless the
// user asks for none (no-color.org).
func (a *app) color(never bool) bool {
	_, ok := terminal(a.stdout)
	return ok && !never && os.Getenv("NO_COLOR") == ""
}
