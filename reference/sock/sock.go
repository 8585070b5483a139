// Package sock holds what the article keeps in sock.h, the facts on which server
// and client must agree, and the few functions that the programs share.
package sock

import (
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

const (
	// Port is where the server listens.
	Port = 9876
	// Backlog is how many clients may wait for accept; MaxConnects in the article.
	Backlog = 8
	// BufferSize is how many bytes one read asks for. It is no limit on what a
	// client may send: the rest comes with the next read.
	BufferSize = 256
)

// Titles are what the client sends, in this order.
var Titles = [...]string{"War and Peace", "Pride and Prejudice", "The Sound and the Fury"}

// Loopback is the address of the server: port 9876 of localhost.
func Loopback() *unix.SockaddrInet4 {
	return &unix.SockaddrInet4{Port: Port, Addr: [4]byte{127, 0, 0, 1}}
}

// Address writes an IPv4 address as people do: 127.0.0.1:9876.
func Address(address unix.Sockaddr) string {
	inet, ok := address.(*unix.SockaddrInet4)
	if !ok {
		return fmt.Sprintf("address of type %T", address)
	}
	return netip.AddrPortFrom(netip.AddrFrom4(inet.Addr), uint16(inet.Port)).String()
}
