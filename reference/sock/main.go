package sock

import (
	"fmt"
	"os"
)

// Main is what all three programs do around their work. They take no arguments,
// so anything but a call for help is a mistake (exit status 2). The work's error
// becomes one line on stderr that begins with the program's name (status 1).
func Main(name, help string, args []string, work func() error) int {
	if len(args) == 1 && (args[0] == "-h" || args[0] == "--help") {
		fmt.Print(help)
		return 0
	}
	if len(args) > 0 {
		fmt.Fprintf(os.Stderr, "%s: unknown argument %q: it takes none (--help says more)\n", name, args[0])
		return 2
	}
	if err := work(); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		return 1
	}
	return 0
}
