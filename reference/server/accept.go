package server

import (
	"fmt"
	"os"
	"slices"
	"time"

	"ipckit/reference/sock"

	"golang.org/x/sys/unix"
)

// pause is how long a shortage is left to pass: ten looks a second cost nothing.
const pause = 100 * time.Millisecond

// clientErrors end an accept(2) and not the server: a signal came, the client
// left while it waited in the queue, or its connection had a network error that
// Linux hands out here. accept(2) wants them all treated "by retrying".
var clientErrors = []error{
	unix.EINTR, unix.ECONNABORTED,
	unix.ENETDOWN, unix.EPROTO, unix.ENOPROTOOPT, unix.EHOSTDOWN,
	unix.ENONET, unix.EHOSTUNREACH, unix.EOPNOTSUPP, unix.ENETUNREACH,
}

// shortages pass when somebody gives something back: descriptors of this process
// or of the whole system, memory for sockets or at all.
var shortages = []error{unix.EMFILE, unix.ENFILE, unix.ENOBUFS, unix.ENOMEM}

// accept waits for the next client and returns its descriptor and its address.
//
// In a shortage, calling again at once would burn a CPU: accept(2) fails before
// it looks at the queue, so it does not even wait for a client. This server holds
// nothing that it could give up. It pauses; the clients stay in the queue and are
// served when the shortage is over.
func accept(listener int) (int, string, error) {
	told := false
	for {
		client, address, err := unix.Accept4(listener, unix.SOCK_CLOEXEC)
		switch {
		case err == nil:
			return client, sock.Address(address), nil
		case slices.Contains(clientErrors, err):
			continue
		case !slices.Contains(shortages, err):
			return -1, "", err
		}
		if !told {
			fmt.Fprintf(os.Stderr, "server: accept: %v: clients wait until that is over\n", err)
			told = true
		}
		time.Sleep(pause)
	}
}
