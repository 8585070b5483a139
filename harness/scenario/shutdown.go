package scenario

import (
	"time"

	"ipckit/harness/subject"
)

// Graceful is the shutdown program, left to itself.
var Graceful = Add(Scenario{
	Name: "graceful-shutdown", Parts: []Part{{Name: "shutdown", Role: subject.Shutdown}}, Estimate: 6 * time.Second,
	Did: "ran the shutdown program on a terminal until its parent had ended",
	Script: func(s Stage) {
		p := s.Start("shutdown")
		p.AwaitEnd(Later)
		s.Until("its child ends", 3*time.Second, p.Gone)
	},
})

// Conversation is the article's own demonstration, server and client together,
// each on its own terminal.
var Conversation = Add(Scenario{
	Name: "conversation", Estimate: 600 * time.Millisecond,
	Parts: []Part{
		{Name: "server", Role: subject.Server, Reference: true},
		{Name: "client", Role: subject.Client, Reference: true},
	},
	Did: "ran server and client in one cage, each on a terminal of its own",
	Script: func(s Stage) {
		server := s.Start("server")
		server.AwaitListening(Port)
		client := s.Start("client")
		client.AwaitEnd(Soon)
		s.Rest(50 * time.Millisecond)
		server.Observe("after the client")
		s.Sockets("after the client")
	},
})
