package scenario

import (
	"time"

	"ipckit/harness/subject"
)

var client = []Part{{Name: "client", Role: subject.Client}}

// The scenarios of the client role.
var (
	// FaithfulEcho: the server that the article describes.
	FaithfulEcho = Add(Scenario{
		Name: "faithful-echo", Parts: client, Estimate: 300 * time.Millisecond,
		Did:    "ran the client against a server that sends back what it gets",
		Script: func(s Stage) { serve(s, func(got []byte) []byte { return got }) },
	})
	// OtherEcho: a server that answers other words of the same length.
	OtherEcho = Add(Scenario{
		Name: "other-echo", Parts: client, Estimate: 300 * time.Millisecond,
		Did:    "ran the client against a server that answers other words than it gets",
		Script: func(s Stage) { serve(s, func(got []byte) []byte { return otherWords(s, len(got)) }) },
	})
	// NoServer: nobody listens.
	NoServer = Add(Scenario{
		Name: "no-server", Parts: client, Estimate: 200 * time.Millisecond,
		Did: "ran the client with no server on the port",
		Script: func(s Stage) {
			s.Sockets("before the client")
			s.Start("client").AwaitEnd(Soon)
		},
	})
)

// serve plays the server for one client: it answers each piece that comes.
func serve(s Stage, answer func(got []byte) []byte) {
	l := s.Listen("our server", Port)
	p := s.Start("client")
	c := l.Accept("client")
	for seen := 0; ; {
		all, ended := c.Receive(func(all []byte) bool { return len(all) > seen })
		if len(all) > seen {
			c.Send(answer(all[seen:]))
			seen = len(all)
		}
		if ended || p.Ended() {
			break
		}
	}
	c.Close()
	l.Close()
	p.AwaitEnd(Soon)
}

// otherWords returns n letters that no title holds in this order.
func otherWords(s Stage, n int) []byte {
	const letters = "bcdfghjkmpqvwxz"
	text := make([]byte, n)
	for i := range text {
		text[i] = letters[s.Rand().IntN(len(letters))]
	}
	return text
}
