package sockdiag

import (
	"encoding/binary"
	"testing"

	"golang.org/x/sys/unix"
)

func FuzzDecodeInet(f *testing.F) {
	message := make([]byte, sizeInetMessage)
	f.Add(message)
	message[0] = unix.AF_INET6
	f.Add(message)
	f.Add(message[:sizeInetMessage-1])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := decodeInet(data)
		if err == nil && (len(data) < sizeInetMessage || !s.Local.IsValid() || !s.Remote.IsValid()) {
			t.Errorf("decoded %d bytes into %+v", len(data), s)
		}
	})
}

func unixMessage(attributes ...byte) []byte {
	return append(make([]byte, sizeUnixMessage), attributes...)
}

func attribute(kind uint16, payload ...byte) []byte {
	a := make([]byte, 4, 12)
	binary.NativeEndian.PutUint16(a, uint16(4+len(payload)))
	binary.NativeEndian.PutUint16(a[2:], kind)
	for a = append(a, payload...); len(a)%4 != 0; {
		a = append(a, 0)
	}
	return a
}

func FuzzDecodeUnix(f *testing.F) {
	f.Add(unixMessage())
	f.Add(unixMessage(attribute(attributeName, 0, 'x')...))
	f.Add(unixMessage(attribute(attributePeer, 1, 0, 0, 0)...))
	f.Add(unixMessage(attribute(attributeQueues, 1, 0, 0, 0, 2, 0, 0, 0)...))
	f.Add(unixMessage(0xff, 0xff, 0, 0))
	f.Fuzz(func(t *testing.T, data []byte) {
		if s, err := decodeUnix(data); err == nil && len(data) < sizeUnixMessage {
			t.Errorf("decoded %d bytes into %+v", len(data), s)
		}
	})
}

func TestHostileUnixMessagesAreErrors(t *testing.T) {
	for reason, data := range map[string][]byte{
		"empty":                                    {},
		"cut in the fixed part":                    make([]byte, sizeUnixMessage-1),
		"cut in an attribute's header":             unixMessage(4, 0),
		"an attribute past the end":                unixMessage(200, 0, 0, 0, 'x'),
		"an attribute shorter than its own header": unixMessage(2, 0, 0, 0),
		"a peer of two bytes":                      unixMessage(attribute(attributePeer, 1, 2)...),
		"queues of four bytes":                     unixMessage(attribute(attributeQueues, 1, 0, 0, 0)...),
	} {
		if got, err := decodeUnix(data); err == nil {
			t.Errorf("%s: decoded as %+v; want an error", reason, got)
		}
	}
}

func TestUnixNames(t *testing.T) {
	for name, want := range map[string]string{
		"": "", "/run/s\x00": "/run/s", "/run/s": "/run/s", "\x00abstract": "@abstract", "\x00a\x00": "@a\x00", "\x00": "@",
	} {
		if got := path([]byte(name)); got != want {
			t.Errorf("path(%q) = %q; want %q", name, got, want)
		}
	}
}
