// Command server echoes the titles that clients send to port 9876.
package main

import (
	"os"

	"ipckit/reference/server"
)

func main() {
	os.Exit(server.Main(os.Args[1:]))
}
