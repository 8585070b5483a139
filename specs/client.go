package specs

import (
	"bytes"
	"strings"

	"ipckit/harness/claim"
	"ipckit/harness/judge"
	"ipckit/harness/match"
	"ipckit/harness/recording"
	"ipckit/harness/scenario"

	. "github.com/onsi/gomega"
)

var _ = add(judge.Spec{
	Claim: claim.Claim{
		ID: "socket.connect.client-role", Level: claim.Must, Role: claim.Client,
		Title:  "the client connects, and never listens",
		Text:   "The client makes a connection to port 9876 of the same machine; it does not listen itself.",
		Source: claim.Article("The socket client"),
		Why:    "Who connects and who waits is what makes a client and a server. The kernel gives the client's end a free port by itself.",
		Cause:  "connect fails or goes to another port or address, or is missing.",
		Read:   []string{"connect(2)", "ip(7)"},
	},
	On: []scenario.Name{scenario.FaithfulEcho},
	Check: func(t *judge.T) {
		r := t.Recording()
		came := first(r.Peers("our server", recording.ActAccepted))
		dials, listens := r.Calls("client", "connect"), r.Calls("client", "listen")
		t.Expected("one connection to port %d, and no call of listen", scenario.Port)
		t.Evidence(dials...)
		t.Evidence(came, first(listens))
		t.Observed("no connection came; waited until %s: given up, for %s", r.Trailer.Unreached, r.Trailer.Because)
		t.Expect(came).NotTo(BeNil(), "a connection at our server")
		t.Observed("the client listens itself")
		t.Expect(listens).To(BeEmpty(), "calls of listen")
		t.Observed("it connected from %v", came.Peer.Remote)
	},
})

var _ = add(judge.Spec{
	Claim: claim.Claim{
		ID: "client.titles-in-order", Level: claim.Must, Role: claim.Client,
		Title:  "the client sends the three titles in order",
		Text:   "The client sends \"War and Peace\", \"Pride and Prejudice\" and \"The Sound and the Fury\", in this order.",
		Source: claim.Article("The socket client"),
		Why:    "It is the conversation that both sides have agreed on. A stream keeps the order of what is written, so a wrong order is the program's own.",
		Cause:  "A title is missing or misspelt, the loop runs over the wrong range, or a write fails unnoticed.",
		Read:   []string{"write(2)"},
		Needs:  []claim.ID{"socket.connect.client-role"},
	},
	On: []scenario.Name{scenario.FaithfulEcho},
	Check: func(t *judge.T) {
		r := t.Recording()
		got := received(r, "our server")
		t.Expected("%q", strings.Join(scenario.Titles, ", "))
		t.Evidence(r.Peers("our server", recording.ActReceived)...)
		t.Observed("our server received %s", quoted(got))
		t.Expect(inOrder(got, titles())).To(BeEmpty(), "the first title that is not in its place")
		rest := got
		for _, title := range titles() {
			rest = bytes.Replace(rest, title, nil, 1)
		}
		t.Expect(string(bytes.Trim(rest, "\x00\r\n"))).To(BeEmpty(), "what was sent beside the titles")
	},
})

var _ = add(judge.Spec{
	Claim: claim.Claim{
		ID: "client.echo.roundtrip", Level: claim.Must, Role: claim.Client,
		Title:  "the client prints what comes back",
		Text:   "The client prints the bytes that the server sends back, not the ones that it sent.",
		Source: claim.Article("The socket client"),
		Why:    "Only what came back proves that somebody was there. A client that prints its own words would print them without a server, too.",
		Cause:  "The title that was sent is printed instead of the buffer that read filled, or the result of read is ignored.",
		Read:   []string{"read(2)"},
		Needs:  []claim.ID{"client.titles-in-order"},
	},
	On: []scenario.Name{scenario.OtherEcho},
	Check: func(t *judge.T) {
		r := t.Recording()
		answers := messages(r, "our server")
		t.Presence(len(answers) > 0, "a server that answered")
		said := r.Terminal("client")
		missing := inOrder(said, answers)
		t.Expected("the server's %s on the terminal: %s", plural(len(answers), "answer"), quoted(bytes.Join(answers, []byte(", "))))
		t.Evidence(r.Peers("our server", recording.ActReceived, recording.ActSent)...)
		t.Evidence(r.Writes("client", recording.Stdout)...)
		t.Observed("it printed %s", quoted(said))
		t.Holds(missing == "")
	},
})

var _ = add(judge.Spec{
	Claim: claim.Claim{
		ID: "client.exits", Level: claim.Must, Role: claim.Client,
		Title:  "the client ends with status 0",
		Text:   "After the three titles the client ends by itself, with exit status 0.",
		Source: claim.Article("The socket client"),
		Why:    "The exit status is how a shell, a script or a parent learns that all went well.",
		Cause:  "main returns or exits with another value, the program hangs in a read that nobody answers, or a signal ends it.",
		Read:   []string{"exit(3)", "wait(2)"},
		Needs:  []claim.ID{"client.titles-in-order"},
	},
	On: []scenario.Name{scenario.FaithfulEcho},
	Check: func(t *judge.T) {
		r := t.Recording()
		client := r.Process("client")
		t.Expected("exited with status 0")
		t.Evidence(last(r.Peers("our server", recording.ActSent)), client.End)
		t.Expect(client).To(match.In(r).HaveExited(0))
		t.Observed("%v", client.End.Exit.Status)
	},
})

var _ = add(judge.Spec{
	Claim: claim.Claim{
		ID: "socket.connect.failure-reasons", Level: claim.Must, Role: claim.Client,
		Title:  "without a server the client says so and fails",
		Text:   "When nobody listens on the port, the client writes a message to standard error and ends with a status other than 0.",
		Source: claim.Article("The socket client"),
		Why:    "connect tells at once that nobody is there. A program that ignores it writes into nothing and reports success, or is ended by a signal nobody understands.",
		Cause:  "The result of connect is not looked at, or the message goes to standard output, or the program exits with 0 after it.",
		Read:   []string{"connect(2)", "perror(3)"},
	},
	On: []scenario.Name{scenario.NoServer},
	Check: func(t *judge.T) {
		r := t.Recording()
		e, said := end(r, "client"), r.Writes("client", recording.Stderr)
		t.Presence(listening(sockets(r, "before the client")) == nil, "a port on which nobody listens")
		t.Expected("a message on standard error, and an exit status other than 0")
		t.Evidence(last(r.Calls("client", "connect")), first(said), e)
		t.Observed("it did not end: %s", r.Trailer.Because)
		t.Expect(e).NotTo(BeNil(), "the end of the client")
		status, exited := e.Exit.Status.Exited()
		t.Observed("on standard error %s; %v", quoted(recording.Bytes(said)), e.Exit.Status)
		t.Expect(exited && status != 0).To(BeTrue(), "an exit status other than 0")
		t.Expect(bytes.TrimSpace(recording.Bytes(said))).NotTo(BeEmpty(), "text on standard error")
	},
})
