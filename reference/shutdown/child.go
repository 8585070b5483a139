package shutdown

import (
	"fmt"
	"os"
	"os/signal"
	"time"

	"golang.org/x/sys/unix"
)

// child prints a line each second until SIGTERM. It waits for the second and the
// signal together, in one goroutine: no handler interrupts other code, so it may
// print what it likes. (A handler in C may not: signal-safety(7).)
func child() int {
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, unix.SIGTERM)

	second := time.NewTicker(rest)
	defer second.Stop()
	for round := 1; ; round++ {
		select {
		case <-second.C:
			fmt.Printf("Child: awake again, round %d.\n", round)
		case got := <-caught:
			sayGoodbye(got)
			return 0
		}
	}
}

func sayGoodbye(got os.Signal) {
	number, _ := got.(unix.Signal)
	fmt.Printf("Child: got %s (signal %d).\n", unix.SignalName(number), number)
	fmt.Println("Child: ending by myself, with status 0.")
}
