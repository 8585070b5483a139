package sockdiag

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// An InetSocket is one row of an Inet query.
type InetSocket struct {
	Family uint8 // unix.AF_INET or unix.AF_INET6
	State  State
	Local  netip.AddrPort
	Remote netip.AddrPort // the zero address and port 0 if there is none

	// RQueue is, for a listener, the number of connections that wait for
	// accept; else the number of bytes received and not yet read.
	RQueue uint32
	// WQueue is, for a listener, the most that may wait: listen's backlog, cut
	// to somaxconn. RQueue can be one more. Else it is the number of bytes
	// sent and not yet acknowledged.
	WQueue uint32

	// Inode names the socket, as in the link /proc/PID/fd/N: socket:[inode].
	// It is 0 when no process has the socket: TIME_WAIT, not yet accepted.
	Inode uint32
	UID   uint32 // of the owner
}

// Sizes and offsets of linux/inet_diag.h. Ports and addresses are in network
// order, all else in the machine's.
const (
	sizeInetRequest = 56 // struct inet_diag_req_v2
	sizeInetMessage = 72 // struct inet_diag_msg

	offsetInetStates = 4 // in the request

	offsetLocalPort  = 4
	offsetRemotePort = 6
	offsetLocal      = 8
	offsetRemote     = 24
	offsetInetRQueue = 56
	offsetInetWQueue = 60
	offsetInetUID    = 64
	offsetInetInode  = 68
)

var errShort = errors.New("message is too short")

func inetRequest(family, protocol uint8, states uint32) []byte {
	request := make([]byte, sizeInetRequest)
	request[0], request[1] = family, protocol
	binary.NativeEndian.PutUint32(request[offsetInetStates:], states)
	return request
}

func decodeInet(data []byte) (InetSocket, error) {
	if len(data) < sizeInetMessage {
		return InetSocket{}, fmt.Errorf("decode inet socket of %d bytes: %w", len(data), errShort)
	}
	s := InetSocket{
		Family: data[0],
		State:  State(data[1]),
		RQueue: binary.NativeEndian.Uint32(data[offsetInetRQueue:]),
		WQueue: binary.NativeEndian.Uint32(data[offsetInetWQueue:]),
		UID:    binary.NativeEndian.Uint32(data[offsetInetUID:]),
		Inode:  binary.NativeEndian.Uint32(data[offsetInetInode:]),
	}
	var err error
	if s.Local, err = addrPort(s.Family, data[offsetLocal:], data[offsetLocalPort:]); err != nil {
		return InetSocket{}, err
	}
	s.Remote, err = addrPort(s.Family, data[offsetRemote:], data[offsetRemotePort:])
	return s, err
}

// addrPort expects 16 bytes of addr, of which IPv4 uses the first four.
func addrPort(family uint8, addr, port []byte) (netip.AddrPort, error) {
	number := binary.BigEndian.Uint16(port)
	switch family {
	case unix.AF_INET:
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(addr)), number), nil
	case unix.AF_INET6:
		return netip.AddrPortFrom(netip.AddrFrom16([16]byte(addr)), number), nil
	}
	return netip.AddrPort{}, fmt.Errorf("decode inet socket: address family %d is neither AF_INET nor AF_INET6", family)
}
