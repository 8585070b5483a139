// Package sockdiag asks the kernel for its sockets over NETLINK_SOCK_DIAG, as
// ss(8) does: from outside the programs that own them, without touching them.
//
// A query answers for the network namespace of the calling thread. It needs no
// privilege. See sock_diag(7).
package sockdiag

import (
	"fmt"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// Timeout bounds one query as a whole. The kernel answers within microseconds;
// past this something is wrong, and the query fails with os.ErrDeadlineExceeded.
const Timeout = 15 * time.Second

// Inet returns the sockets of one address family and protocol whose state is
// in states, a set made by States. Family is unix.AF_INET or unix.AF_INET6,
// protocol unix.IPPROTO_TCP or unix.IPPROTO_UDP.
//
// A dual-stack listener is of family AF_INET6 and is listed there only. The
// same holds for IPv4 connections it accepted: their addresses are IPv4-mapped.
func Inet(family, protocol uint8, states uint32) ([]InetSocket, error) {
	replies, err := dump(inetRequest(family, protocol, states))
	if err != nil {
		return nil, fmt.Errorf("query inet sockets: %w", err)
	}
	sockets := make([]InetSocket, len(replies))
	for i, reply := range replies {
		if sockets[i], err = decodeInet(reply.Data); err != nil {
			return nil, fmt.Errorf("query inet sockets: %w", err)
		}
	}
	return sockets, nil
}

// Unix returns the AF_UNIX sockets of all types and states.
func Unix() ([]UnixSocket, error) {
	replies, err := dump(unixRequest())
	if err != nil {
		return nil, fmt.Errorf("query unix sockets: %w", err)
	}
	sockets := make([]UnixSocket, len(replies))
	for i, reply := range replies {
		if sockets[i], err = decodeUnix(reply.Data); err != nil {
			return nil, fmt.Errorf("query unix sockets: %w", err)
		}
	}
	return sockets, nil
}

// dump makes one request and collects its answers, on a socket of its own: a
// netlink socket belongs to one network namespace for ever, the calling thread
// does not.
func dump(request []byte) ([]netlink.Message, error) {
	conn, err := netlink.Dial(unix.NETLINK_SOCK_DIAG, nil)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(Timeout)); err != nil {
		return nil, err
	}
	return conn.Execute(netlink.Message{
		Header: netlink.Header{Type: unix.SOCK_DIAG_BY_FAMILY, Flags: netlink.Request | netlink.Dump},
		Data:   request,
	})
}
