package specs

import (
	"bytes"
	"slices"

	"ipckit/harness/claim"
	"ipckit/harness/judge"
	"ipckit/harness/recording"
	"ipckit/harness/scenario"

	. "github.com/onsi/gomega"
)

// inTurn are our clients of the scenario clients-in-turn.
var inTurn = []string{"client A", "client B", "client C"}

var _ = add(judge.Spec{
	Claim: claim.Claim{
		ID: "server.announces", Level: claim.Must, Role: claim.Server,
		Title:  "the server announces that it listens",
		Text:   "Before the first client comes, the server writes to its terminal that it listens.",
		Source: claim.Article("The socket server"),
		Why:    "A server that says nothing looks the same whether it works, waits or hangs. The line tells the user that a client may be started now.",
		Cause:  "Nothing is printed, or it is printed without a newline to a stream that is flushed only when its buffer is full.",
		Read:   []string{"stdio(3)", "setvbuf(3)"},
		Needs:  []claim.ID{"socket.bind.byte-order"},
	},
	On: []scenario.Name{scenario.ClientsInTurn},
	Check: func(t *judge.T) {
		r := t.Recording()
		said := r.Select(func(e *recording.Event) bool {
			return e.Output != nil && e.Output.Subject == "server" && r.Between(e, "", "idle over")
		})
		t.Presence(r.Mark("idle over") != nil, "a moment at which the server listened and no client had come")
		t.Expected("a line on the terminal before the first client connects")
		t.Evidence(last(listener(r, "server").Listens), first(said))
		t.Observed("it wrote %s", quoted(recording.Bytes(said)))
		t.Expect(bytes.TrimSpace(recording.Bytes(said))).NotTo(BeEmpty(), "text on the terminal")
	},
})

var _ = add(judge.Spec{
	Claim: claim.Claim{
		ID: "server.echo.bytes", Level: claim.Must, Role: claim.Server,
		Title:  "the server sends back what it gets",
		Text:   "Each client gets its own bytes back, in order; nothing but NUL bytes may follow a message.",
		Source: claim.Article("The socket server"),
		Why:    "The echo is how a client knows that the server got its words. One byte that is lost or changed makes every longer protocol fail.",
		Cause:  "The count that read returned is not the one that write gets, or the text is treated as a C string. Or the connection is closed after the first text.",
		Read:   []string{"read(2)", "write(2)"},
		Needs:  []claim.ID{"socket.accept.new-descriptor"},
	},
	On: []scenario.Name{scenario.ClientsInTurn},
	Check: func(t *judge.T) {
		r := t.Recording()
		t.Presence(len(sent(r, "client A")) > 0, "a client that sent something")
		for _, client := range inTurn {
			if connected(r, client) == nil {
				break // it never came through: that is another claim's matter
			}
			asked, got := messages(r, client), received(r, client)
			t.Expected("%s sends three texts and gets them back: %s", client, quoted(sent(r, client)))
			t.Observed("%s sent %s and got %s", client, plural(len(asked), "text"), quoted(got))
			if len(asked) != scenario.RandomTexts || !unpadded(got, asked) {
				t.Evidence(r.Peers(client, recording.ActSent, recording.ActReceived, recording.ActEOF, recording.ActReset, recording.ActTimeout)...)
				t.Holds(false)
			}
		}
		t.Evidence(r.Peers("client B", recording.ActSent, recording.ActReceived)...)
	},
})

var _ = add(judge.Spec{
	Claim: claim.Claim{
		ID: "server.echo.exact", Level: claim.Should, Role: claim.Server,
		Title:  "the echo is exactly what was sent",
		Text:   "The echo has exactly as many bytes as the message.",
		Source: claim.Article("The socket server"),
		Why:    "A stream has no marks between messages: what comes too much is read as the beginning of the next one. A client that expects 13 bytes and gets 257 is out of step for ever.",
		Cause:  "write(fd, buffer, sizeof buffer) where write(fd, buffer, count) is meant, count being what read returned. The article's own program does this.",
		Read:   []string{"write(2)", "read(2)"},
		Needs:  []claim.ID{"server.echo.bytes"},
	},
	On: []scenario.Name{scenario.ClientsInTurn},
	Check: func(t *judge.T) {
		r := t.Recording()
		for _, client := range inTurn {
			if connected(r, client) == nil {
				break
			}
			want, got := sent(r, client), received(r, client)
			t.Expected("%s back: %s", plural(len(want), "byte"), quoted(want))
			t.Observed("%s back: %s", plural(len(got), "byte"), quoted(got))
			if !bytes.Equal(want, got) {
				t.Evidence(r.Peers(client, recording.ActSent, recording.ActReceived)...)
				t.Holds(false)
			}
		}
		t.Evidence(r.Peers("client A", recording.ActSent, recording.ActReceived)...)
	},
})

var _ = add(judge.Spec{
	Claim: claim.Claim{
		ID: "server.prints-titles", Level: claim.Must, Role: claim.Server,
		Title:  "the server prints what it receives",
		Text:   "The server prints each text that a client sends on its terminal, in order.",
		Source: claim.Article("The socket server"),
		Why:    "It shows that the bytes arrived at the program, not only at the machine.",
		Cause:  "Nothing is printed, something else than the received text is, or the output waits in a buffer that the end of the program discards.",
		Read:   []string{"stdio(3)", "setvbuf(3)"},
		Needs:  []claim.ID{"server.echo.bytes"},
	},
	On: []scenario.Name{scenario.ClientsInTurn},
	Check: func(t *judge.T) {
		r := t.Recording()
		var asked [][]byte
		for _, client := range inTurn {
			asked = append(asked, messages(r, client)...)
		}
		said := r.Terminal("server")
		missing := inOrder(said, asked)
		t.Expected("%s on the terminal, in the order in which they were sent", plural(len(asked), "text"))
		t.Evidence(first(r.Peers("client A", recording.ActSent)), first(r.Writes("server", recording.Stdout)))
		t.Observed("all of them")
		if missing != "" {
			t.Observed("the terminal shows %s, without %s in its place", quoted(said), quoted([]byte(missing)))
		}
		t.Holds(missing == "")
	},
})

var _ = add(judge.Spec{
	Claim: claim.Claim{
		ID: "server.stays-open", Level: claim.Must, Role: claim.Server,
		Title:  "the server serves one client after the other",
		Text:   "After a client has left, the same server process goes on listening and serves the next one.",
		Source: claim.Article("The socket server"),
		Why:    "A server is there for everybody who comes, not for the first one only.",
		Cause:  "The loop around accept is missing, the listening socket is closed with the connection, or the end of a client ends the program.",
		Read:   []string{"accept(2)", "close(2)"},
		Needs:  []claim.ID{"server.echo.bytes"},
	},
	On: []scenario.Name{scenario.ClientsInTurn},
	Check: func(t *judge.T) {
		r := t.Recording()
		t.Presence(connected(r, "client A") != nil, "a first client")
		t.Expected("three clients, one after the other, are served by one server that listens all the time")
		t.Evidence(connected(r, "client A"), connected(r, "client B"), connected(r, "client C"), end(r, "server"))
		for _, client := range inTurn {
			if connected(r, client) == nil {
				t.Evidence(first(r.Peers(client, recording.ActFailed)))
				t.Observed("%s did not come through: %s", client, r.Trailer.Because)
				t.Holds(false)
			}
			t.Observed("%s sent %s and got nothing back", client, plural(len(sent(r, client)), "byte"))
			t.Expect(received(r, client)).NotTo(BeEmpty(), "what %s got", client)
		}
		t.Observed("after the third client nothing listens on port %d", scenario.Port)
		t.Evidence(sockets(r, "after client C"))
		t.Expect(listening(sockets(r, "after client C"))).NotTo(BeNil(), "the row of the listening socket")
		t.Observed("three clients were served, and the server went on listening")
	},
})

var _ = add(judge.Spec{
	Claim: claim.Claim{
		ID: "server.closes-accepted", Level: claim.Should, Role: claim.Server,
		Title:  "the server closes the connection of a client that has left",
		Text:   "When a client has left, no process of the server keeps the descriptor of its connection.",
		Source: claim.Article("The socket server"),
		Why:    "Each descriptor that is not closed stays with the process. After some hundred clients accept fails with EMFILE, and the server serves nobody any more.",
		Cause:  "close(client_fd) is missing, or a child process closes its copy and the parent keeps its own.",
		Read:   []string{"close(2)", "getrlimit(2)"},
		Needs:  []claim.ID{"server.stays-open"},
	},
	On: []scenario.Name{scenario.ClientsInTurn},
	Check: func(t *judge.T) {
		r := t.Recording()
		taken := accepted(r, listener(r, "server"))
		after := states(r, "after client C")
		t.Presence(len(taken) >= len(inTurn) && len(after) > 0, "accepted connections, and the server's descriptors afterwards")
		t.Expected("none of the %s is open when the clients have left", plural(len(taken), "accepted connection"))
		var kept []recording.FD
		for _, state := range after {
			for _, fd := range state.State.FDs {
				if slices.ContainsFunc(taken, func(e *recording.Endpoint) bool { return e.File == fd.File }) {
					kept = append(kept, fd)
				}
			}
		}
		t.Evidence(taken[0].Accepted, last(taken[0].Reads), first(taken[0].Closes))
		t.Evidence(after...)
		t.Observed("%d are still open", len(kept))
		t.Expect(kept).To(BeEmpty(), "descriptors of connections whose client has left")
	},
})

var _ = add(judge.Spec{
	Claim: claim.Claim{
		ID: "server.terminates-on-ctrl-c", Level: claim.Must, Role: claim.Server,
		Title:  "Ctrl+C ends the server",
		Text:   "When Ctrl+C is typed at its terminal, the server ends.",
		Source: claim.Article("The socket server"),
		Why:    "It is how a user stops a program. One that does not end keeps its port, and can only be killed.",
		Cause:  "SIGINT is ignored or blocked, or a handler catches it and does not lead to the end.",
		Read:   []string{"signal(7)", "termios(3)"},
		Needs:  []claim.ID{"server.stays-open"},
	},
	On: []scenario.Name{scenario.ClientsInTurn},
	Check: func(t *judge.T) {
		r := t.Recording()
		typed := first(r.Peers("keyboard", recording.ActTyped))
		t.Presence(typed != nil, "Ctrl+C, typed at a living server")
		interrupt := first(r.Select(func(e *recording.Event) bool { return e.Signal != nil && e.Signal.Signal == recording.SIGINT }))
		t.Expected("all processes of the server end: killed by SIGINT, or by themselves")
		t.Evidence(typed, interrupt, end(r, "server"))
		t.Observed("the server still runs: %s", r.Trailer.Because)
		t.Expect(end(r, "server")).NotTo(BeNil(), "the end of the server")
		for _, p := range r.Process("server").Tree() {
			t.Observed("the server ended, and left process %d behind", p.PID)
			t.Expect(p.Alive()).To(BeFalse(), "process %d of the server", p.PID)
		}
		t.Observed("it %v, %s after the key", end(r, "server").Exit.Status, seconds(end(r, "server").At-typed.At))
	},
})

var _ = add(judge.Spec{
	Claim: claim.Claim{
		ID: "server.robust.client-aborts", Level: claim.Should, Role: claim.Server,
		Title:  "the server survives clients that leave early",
		Text:   "A client that leaves without reading its echo, by a close or by a reset, does not end the server.",
		Source: claim.Beyond,
		Why:    "Clients crash, and networks break. Writing to a connection whose other side is gone raises SIGPIPE, whose default action ends the program: any client could switch the service off.",
		Cause:  "SIGPIPE has its default action and send is called without MSG_NOSIGNAL; or an exception for a broken connection is not caught.",
		Read:   []string{"signal(7)", "send(2)", "write(2)"},
		Needs:  []claim.ID{"server.stays-open"},
	},
	On: []scenario.Name{scenario.AbortingClients},
	Check: func(t *judge.T) {
		r := t.Recording()
		t.Presence(connected(r, "client that does not read") != nil, "a client that left early")
		t.Expected("the server is alive after three clients that left early, and answers the fourth")
		t.Evidence(first(r.Peers("client that does not read", recording.ActClosed)))
		t.Evidence(r.Select(func(e *recording.Event) bool { return e.Signal != nil && e.Signal.Signal == recording.SIGPIPE })...)
		t.Evidence(end(r, "server"))
		if e := end(r, "server"); e != nil {
			t.Observed("the server %v", e.Exit.Status)
			t.Holds(false)
		}
		got, want := received(r, "next client"), sent(r, "next client")
		t.Evidence(r.Peers("next client")...)
		t.Observed("the fourth client sent %s and got %s", quoted(want), quoted(got))
		t.Expect(len(want) > 0 && bytes.HasPrefix(got, want)).To(BeTrue(), "the fourth client gets its echo")
	},
})

var _ = add(judge.Spec{
	Claim: claim.Claim{
		ID: "server.iterative.starves", Level: claim.May, Role: claim.Server,
		Title:  "the server is iterative or concurrent",
		Text:   "While one client is connected and silent, a second one is either kept waiting (an iterative server) or served (a concurrent one).",
		Source: claim.Article("The socket server"),
		Why:    "An iterative server is simple, and any client that says nothing stops it for all others. That is why the article calls it fit for development only.",
		Read:   []string{"accept(2)", "fork(2)", "pthreads(7)", "epoll(7)"},
		Needs:  []claim.ID{"server.stays-open"},
	},
	On: []scenario.Name{scenario.SilentClient},
	Check: func(t *judge.T) {
		r := t.Recording()
		leaves := r.Mark("first leaves")
		t.Presence(leaves != nil, "a second client beside a silent one")
		answer := first(r.Peers("second client", recording.ActReceived))
		t.Expected("the second client is answered while the first is silent, or after it has left")
		t.Evidence(first(r.Peers("second client", recording.ActSent)), answer, first(r.Peers("silent client", recording.ActClosed)))
		t.Presence(answer != nil, "an answer to the second client, before or after the first had left")
		asked := first(r.Peers("second client", recording.ActSent))
		if answer.Seq < leaves.Seq {
			t.Observed("concurrent: the second client got its echo while the first was silent")
		} else {
			t.Observed("iterative: the second client waited %s, until the first had left", seconds(answer.At-asked.At))
		}
	},
})

var _ = add(judge.Spec{
	Claim: claim.Claim{
		ID: "stream.framing.no-boundaries", Level: claim.Should, Role: claim.Server,
		Title:   "the server copes with any segmentation",
		Text:    "A title that comes byte by byte, and three titles that come in one piece, are sent back whole.",
		Source:  claim.Article("The socket server"),
		Erratum: "client and server exchange messages, one read for each write",
		Why:     "TCP carries a stream of bytes: what one write sends may arrive in many reads, and many writes in one. On a fast machine it seldom happens, on a network every day.",
		Cause:   "One read is taken for one title: the server reads a fixed number of times, and then waits for more or closes.",
		Read:    []string{"tcp(7)", "recv(2)", "RFC 9293, section 3.7"},
		Needs:   []claim.ID{"server.stays-open"},
	},
	On: []scenario.Name{scenario.Segments},
	Check: func(t *judge.T) {
		r := t.Recording()
		t.Presence(len(sent(r, "byte by byte")) > 0, "a client that sends byte by byte")
		for _, c := range []struct {
			client string
			want   []byte
		}{{"byte by byte", titles()[0]}, {"coalesced", bytes.Join(titles(), nil)}} {
			client, want, got := c.client, c.want, withoutNUL(received(r, c.client))
			t.Expected("%s: %s back", client, quoted(want))
			t.Observed("%s: %s back, then the server closed or fell silent", client, quoted(got))
			if !bytes.Equal(want, got) {
				t.Evidence(r.Peers(client)...)
				t.Holds(false)
			}
		}
		t.Observed("both came back whole")
		t.Evidence(r.Peers("coalesced", recording.ActSent, recording.ActReceived)...)
	},
})

var _ = add(judge.Spec{
	Claim: claim.Claim{
		ID: "stream.payload.arbitrary-size", Level: claim.Should, Role: claim.Server,
		Title:  "the server sends back bytes of every value, and many of them",
		Text:   "2000 bytes of all values from 0 to 255 are sent back exactly.",
		Source: claim.Article("Sockets"),
		Why:    "A payload has no fixed size, and its bytes need not be text. What is written for short strings cuts the rest off, or stops at the first NUL.",
		Cause:  "strlen on what was read, a fixed number of reads, or a buffer that is assumed to hold everything.",
		Read:   []string{"read(2)", "string(3)"},
		Needs:  []claim.ID{"stream.framing.no-boundaries", "server.echo.exact"},
	},
	On: []scenario.Name{scenario.Segments},
	Check: func(t *judge.T) {
		r := t.Recording()
		want, got := scenario.AllValues(2000), received(r, "large")
		t.Presence(len(sent(r, "large")) > 0, "a client that sends 2000 bytes")
		t.Expected("%s back, the same", plural(len(want), "byte"))
		t.Evidence(r.Peers("large", recording.ActSent, recording.ActReceived)...)
		t.Observed("%s back, the first %d of them right", plural(len(got), "byte"), common(want, got))
		t.Holds(bytes.Equal(want, got))
	},
})

// common returns how many bytes two texts begin with alike.
func common(a, b []byte) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}
