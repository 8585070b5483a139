// Package reference holds the article's three programs, written in Go on raw
// socket, signal and process calls. They are models: short enough to be read in
// one sitting, and careful where the published programs are not.
package reference

import (
	"ipckit/reference/client"
	"ipckit/reference/server"
	"ipckit/reference/shutdown"
)

// Programs names the three programs. Each takes its arguments without the name
// it was started under and returns the exit status. A binary that holds them all
// looks up the base name of its argv[0] here; shutdown counts on that, because
// it starts its own image again, under the name it has itself, as its child.
var Programs = map[string]func(args []string) int{
	"server":   server.Main,
	"client":   client.Main,
	"shutdown": shutdown.Main,
}
