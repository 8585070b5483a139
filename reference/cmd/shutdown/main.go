// Command shutdown starts a child and ends it gracefully with SIGTERM.
package main

import (
	"os"

	"ipckit/reference/shutdown"
)

func main() {
	os.Exit(shutdown.Main(os.Args[1:]))
}
