package specs

import (
	"bytes"

	"ipckit/harness/claim"
	"ipckit/harness/judge"
	"ipckit/harness/match"
	"ipckit/harness/scenario"

	. "github.com/onsi/gomega"
)

var _ = add(judge.Spec{
	Claim: claim.Claim{
		ID: "pair.conversation", Level: claim.Must, Role: claim.Pair,
		Title:  "server and client understand each other",
		Text:   "Run together, server and client print the same three titles in the same order; the client exits with 0, and the server remains.",
		Source: claim.Article("The socket client"),
		Why:    "It is the article's own demonstration: two programs that share nothing but a connection.",
		Cause:  "Each works alone, and they disagree: about how many bytes make a title, or who closes first.",
		Read:   []string{"socket(7)", "tcp(7)"},
		// What one program does wrong by itself is that program's matter.
		Needs: []claim.ID{"server.prints-titles", "server.stays-open", "client.echo.roundtrip", "client.exits"},
	},
	On: []scenario.Name{scenario.Conversation},
	Check: func(t *judge.T) {
		r := t.Recording()
		server, client := r.Process("server"), r.Process("client")
		t.Expected("both print the three titles in order, the client exits with 0, the server listens on")
		if server == nil || client == nil {
			t.Observed("waited until %s: given up, for %s", r.Trailer.Unreached, r.Trailer.Because)
			t.Holds(false)
		}
		t.Evidence(client.Born, first(r.Calls("client", "connect")), client.End, server.End)
		t.Expect(client).To(match.In(r).HaveExited(0))
		for _, name := range []string{"server", "client"} {
			said := r.Terminal(name)
			missing := inOrder(said, titles())
			t.Observed("the %s printed %s, without %q in its place", name, quoted(bytes.TrimSpace(said)), missing)
			t.Holds(missing == "")
		}
		after := sockets(r, "after the client")
		t.Evidence(after)
		t.Observed("after the client nothing listens any more")
		t.Expect(listening(after)).NotTo(BeNil(), "the row of the listening socket")
		t.Observed("they do")
	},
})
