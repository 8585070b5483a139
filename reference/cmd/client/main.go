// Command client sends three titles to the server and prints what comes back.
package main

import (
	"os"

	"ipckit/reference/client"
)

func main() {
	os.Exit(client.Main(os.Args[1:]))
}
