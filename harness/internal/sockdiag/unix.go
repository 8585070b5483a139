package sockdiag

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// A UnixSocket is one row of a Unix query.
type UnixSocket struct {
	Type  uint8 // unix.SOCK_STREAM, SOCK_DGRAM or SOCK_SEQPACKET
	State State
	Inode uint32

	// Path is the name it is bound to: a path, or "@" and an abstract name,
	// unix(7). Empty if it is not bound.
	Path string
	Peer uint32 // inode of the socket it is connected to, 0 if none

	// RQueue and WQueue are as in InetSocket for a listener: connections that
	// wait, and the most that may. Else they are bytes to be read, and bytes
	// sent and not yet read by the peer.
	RQueue uint32
	WQueue uint32
}

// Constants, sizes and offsets of linux/unix_diag.h.
const (
	showName   = 0x01
	showPeer   = 0x04
	showQueues = 0x10

	attributeName   = 0
	attributePeer   = 2
	attributeQueues = 4

	sizeUnixRequest = 24 // struct unix_diag_req
	sizeUnixMessage = 16 // struct unix_diag_msg

	offsetUnixStates = 4 // in the request
	offsetUnixShow   = 12

	offsetUnixInode = 4
)

func unixRequest() []byte {
	request := make([]byte, sizeUnixRequest)
	request[0] = unix.AF_UNIX
	binary.NativeEndian.PutUint32(request[offsetUnixStates:], AllStates)
	binary.NativeEndian.PutUint32(request[offsetUnixShow:], showName|showPeer|showQueues)
	return request
}

func decodeUnix(data []byte) (UnixSocket, error) {
	if len(data) < sizeUnixMessage {
		return UnixSocket{}, fmt.Errorf("decode unix socket of %d bytes: %w", len(data), errShort)
	}
	s := UnixSocket{
		Type:  data[1],
		State: State(data[2]),
		Inode: binary.NativeEndian.Uint32(data[offsetUnixInode:]),
	}
	if err := s.decodeAttributes(data[sizeUnixMessage:]); err != nil {
		return UnixSocket{}, fmt.Errorf("decode unix socket: %w", err)
	}
	return s, nil
}

func (s *UnixSocket) decodeAttributes(data []byte) error {
	attributes, err := netlink.NewAttributeDecoder(data)
	if err != nil {
		return err
	}
	for attributes.Next() {
		switch attributes.Type() {
		case attributeName:
			s.Path = path(attributes.Bytes())
		case attributePeer:
			s.Peer = attributes.Uint32()
		case attributeQueues:
			attributes.Do(s.decodeQueues)
		}
	}
	return attributes.Err()
}

func (s *UnixSocket) decodeQueues(data []byte) error {
	if len(data) < 8 {
		return fmt.Errorf("queue lengths of %d bytes: %w", len(data), errShort)
	}
	s.RQueue = binary.NativeEndian.Uint32(data)
	s.WQueue = binary.NativeEndian.Uint32(data[4:])
	return nil
}

// path makes a name printable. A path comes with the NUL that ends it, an
// abstract name with one in front and as many more as its owner liked.
func path(name []byte) string {
	if len(name) > 0 && name[0] == 0 {
		return "@" + string(name[1:])
	}
	return strings.TrimSuffix(string(name), "\x00")
}
