package specs

import (
	"ipckit/harness/claim"
	"ipckit/harness/judge"
	"ipckit/harness/match"
	"ipckit/harness/recording"
	"ipckit/harness/scenario"

	. "github.com/onsi/gomega"
)

var _ = add(judge.Spec{
	Claim: claim.Claim{
		ID: "socket.sequence.four-steps", Level: claim.Must, Role: claim.Server,
		Title:  "the server does socket, bind, listen and accept",
		Text:   "The server makes a socket, binds it to an address, makes it listen, and accepts from it, in this order.",
		Source: claim.Article("The socket server"),
		Why:    "Each step prepares the next: a socket without an address cannot be found, and one that does not listen has no queue for clients. Until listen has been called, a client that connects is refused.",
		Cause:  "A step is missing, failed without the program looking at its result, or the program ended before it came to listen.",
		Read:   []string{"socket(2)", "bind(2)", "listen(2)", "accept(2)"},
	},
	On: []scenario.Name{scenario.ClientsInTurn},
	Check: func(t *judge.T) {
		r := t.Recording()
		t.Expected("socket, bind, listen and accept on one socket, in this order, each without an error")
		l := listener(r, "server")
		if l == nil {
			failed := r.Select(func(e *recording.Event) bool {
				return e.Call != nil && e.Call.Errno != 0 && (e.Call.Name == "bind" || e.Call.Name == "listen" || e.Call.Name == "socket")
			})
			t.Evidence(failed...)
			t.Evidence(end(r, "server"))
			t.Observed("no socket of the program ever listened; waited until %s: given up, for %s", r.Trailer.Unreached, r.Trailer.Because)
			t.Holds(false)
		}
		t.Evidence(l.Created, l.Bound, l.Listens[0])
		t.Observed("listen was called, but not after a socket and a bind that succeeded")
		t.Holds(l.Created != nil && l.Bound != nil && l.Created.Seq < l.Bound.Seq && l.Bound.Seq < l.Listens[0].Seq)
		if connected(r, "client A") != nil {
			t.Evidence(connected(r, "client A"), first(l.Accepts))
			t.Observed("a client connected, and nothing was accepted")
			t.Expect(l.Accepts).NotTo(BeEmpty(), "accept was called on the listening socket")
			t.Expect(l.Accepts[0]).To(match.In(r).HappenAfter(l.Listens[0]))
		}
		t.Observed("all four, in this order")
	},
})

// end returns the event of a program's end, or nil.
func end(r *recording.Recording, subject string) *recording.Event {
	if p := r.Process(subject); p != nil {
		return p.End
	}
	return nil
}

var _ = add(judge.Spec{
	Claim: claim.Claim{
		ID: "socket.bind.byte-order", Level: claim.Must, Role: claim.Server,
		Title:  "the server listens on port 9876",
		Text:   "The server's socket is bound to port 9876 of an address that a client on the same machine reaches.",
		Source: claim.Article("The socket server"),
		Why:    "A client finds a server by its port. On the wire a port's higher byte comes first, in most machines' memory the lower one: without htons the same number means another port, and every client is refused.",
		Cause:  "htons is missing: the program then listens on 37926, which is 9876 with its bytes swapped. Or another port or address is bound.",
		Read:   []string{"htons(3)", "ip(7)", "bind(2)"},
		Needs:  []claim.ID{"socket.sequence.four-steps"},
	},
	On: []scenario.Name{scenario.ClientsInTurn},
	Check: func(t *judge.T) {
		r := t.Recording()
		t.Expected("a listening socket on port %d of 127.0.0.1, 0.0.0.0 or ::", scenario.Port)
		l := listener(r, "server")
		t.Evidence(l.Bound)
		snapshot := sockets(r, "listening")
		if snapshot == nil {
			snapshot = sockets(r, "not listening")
		}
		t.Evidence(snapshot)
		t.Observed("bound to %v", l.Bound.Call.Addr())
		t.Expect(listening(snapshot)).NotTo(BeNil(), "the kernel lists a socket that listens on the port")
	},
})

var _ = add(judge.Spec{
	Claim: claim.Claim{
		ID: "socket.listen.backlog-8", Level: claim.Should, Role: claim.Server,
		Title:  "at least eight clients can wait to be accepted",
		Text:   "The listening socket has room for at least eight connections that are not yet accepted.",
		Source: claim.Article("The socket server"),
		Why:    "While an iterative server serves one client, the others wait in the kernel's queue. Those that find no room are not told so: their connect hangs and tries again for minutes.",
		Cause:  "listen was called with a smaller number than the article's 8.",
		Read:   []string{"listen(2)", "tcp(7)"},
		Needs:  []claim.ID{"socket.bind.byte-order"},
	},
	On: []scenario.Name{scenario.ClientsInTurn},
	Check: func(t *judge.T) {
		r := t.Recording()
		row := listening(sockets(r, "listening"))
		t.Presence(row != nil, "the kernel's row of the listening socket")
		t.Expected("a backlog of 8 or more")
		t.Evidence(last(listener(r, "server").Listens), sockets(r, "listening"))
		t.Observed("the kernel's backlog for the socket is %d", row.Queue)
		t.Expect(row.Queue).To(BeNumerically(">=", 8), "the backlog in force")
	},
})

var _ = add(judge.Spec{
	Claim: claim.Claim{
		ID: "socket.bind.restart-timewait", Level: claim.Should, Role: claim.Server,
		Title:  "the server can be started again at once",
		Text:   "A server that ended while a client was connected can listen on its port again at once.",
		Source: claim.Beyond,
		Why:    "The side that closes a TCP connection first keeps a trace of it for a minute (TIME_WAIT). Unless the server asks for it with SO_REUSEADDR, bind refuses the port as long as such a trace is there, and the service stays down.",
		Cause:  "setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, ...) is missing, or comes after bind.",
		Read:   []string{"socket(7)", "tcp(7)"},
		Needs:  []claim.ID{"server.echo.bytes"},
	},
	On: []scenario.Name{scenario.Restart},
	Check: func(t *judge.T) {
		r := t.Recording()
		old := sockets(r, "after the kill")
		t.Presence(old != nil && lingering(old) != nil, "a connection of the first server in TIME_WAIT")
		t.Expected("the second start listens on port %d while the first one's connection is still in TIME_WAIT", scenario.Port)
		t.Evidence(old)
		refused := first(r.Select(func(e *recording.Event) bool {
			return e.Call != nil && e.Call.Errno != 0 && (e.Call.Name == "bind" || e.Call.Name == "listen")
		}))
		t.Evidence(refused, end(r, "server-2"))
		again := listener(r, "server-2")
		if refused != nil {
			t.Observed("%s of the second start failed: %v", refused.Call.Name, refused.Call.Errno)
		} else {
			t.Observed("the second start did not come to listen")
		}
		t.Expect(again).NotTo(BeNil(), "the second start listens")
		t.Evidence(again.Bound, first(again.Listens))
		t.Observed("the second start listened at once")
	},
})

// lingering returns the row of a closed connection that still holds the port.
func lingering(snapshot *recording.Event) *recording.SocketRow {
	for i, row := range snapshot.Sockets.Rows {
		if row.Local.Port == scenario.Port && (row.State == "TIME_WAIT" || row.State == "FIN_WAIT2") {
			return &snapshot.Sockets.Rows[i]
		}
	}
	return nil
}
