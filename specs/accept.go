package specs

import (
	"time"

	"ipckit/harness/claim"
	"ipckit/harness/judge"
	"ipckit/harness/recording"
	"ipckit/harness/scenario"

	. "github.com/onsi/gomega"
)

var _ = add(judge.Spec{
	Claim: claim.Claim{
		ID: "socket.accept.new-descriptor", Level: claim.Must, Role: claim.Server,
		Title:  "accept returns a new descriptor, and the server reads from that one",
		Text:   "For each client accept returns a new descriptor, over which the bytes travel; nothing is read from the listening one.",
		Source: claim.Article("The socket server"),
		Why:    "The listening socket only hands out connections. Bytes never travel over it: a read from it fails with ENOTCONN, and the client waits for ever.",
		Cause:  "The descriptor that was given to listen is read instead of the one that accept returned.",
		Read:   []string{"accept(2)", "POSIX accept()"},
		Needs:  []claim.ID{"socket.bind.byte-order"},
	},
	On: []scenario.Name{scenario.ClientsInTurn},
	Check: func(t *judge.T) {
		r := t.Recording()
		l := listener(r, "server")
		t.Presence(connected(r, "client A") != nil, "a client that connected")
		t.Expected("accept returns a descriptor of a new socket, and the client's bytes are read from it")
		t.Evidence(first(l.Listens), first(l.Accepts))
		t.Evidence(l.Reads...)
		if len(l.Reads) > 0 {
			t.Observed("%s from the listening descriptor: %v", l.Reads[0].Call.Name, l.Reads[0].Call.Errno)
		}
		t.Expect(l.Reads).To(BeEmpty(), "reads from the listening socket")
		taken := accepted(r, l)
		t.Observed("a client connected, and accept returned no new descriptor")
		t.Expect(taken).NotTo(BeEmpty(), "connections that accept returned")
		t.Observed("accept returned a new descriptor, and nothing was read from it")
		read := firstData(taken[0].Reads)
		t.Evidence(taken[0].Accepted, read)
		t.Holds(read != nil)
		t.Observed("descriptor %d listens; accept returned %d, from which %s were read", l.Listens[0].Call.Int("fd"), taken[0].Accepted.Call.Result, plural(read.Call.Data().Len, "byte"))
	},
})

// firstData returns the first transfer that moved bytes.
func firstData(transfers []*recording.Event) *recording.Event {
	for _, e := range transfers {
		if e.Call.OK() && e.Call.Result > 0 && e.Call.Data() != nil {
			return e
		}
	}
	return nil
}

var _ = add(judge.Spec{
	Claim: claim.Claim{
		ID: "socket.accept.blocks-without-cpu", Level: claim.Must, Role: claim.Server,
		Title:  "the waiting server uses no CPU",
		Text:   "While no client comes, the server sleeps in the kernel and uses no CPU.",
		Source: claim.Article("The socket server"),
		Why:    "accept waits: the kernel wakes the program when a client comes. A program that asks over and over instead takes a whole CPU from everybody else, to learn nothing.",
		Cause:  "The socket is non-blocking and accept is called in a loop; or an error of accept is answered by calling it again at once.",
		Read:   []string{"accept(2)", "poll(2)", "epoll(7)"},
		Needs:  []claim.ID{"socket.bind.byte-order"},
	},
	On: []scenario.Name{scenario.ClientsInTurn},
	Check: func(t *judge.T) {
		const share, most = 0.1, 50
		r := t.Recording()
		before, after := states(r, "idle begins"), states(r, "idle ends")
		t.Presence(len(before) > 0 && len(after) > 0, "the server, left alone for a second")
		window := after[0].At - before[0].At
		used := cpu(after) - cpu(before)
		calls := r.Select(func(e *recording.Event) bool {
			return e.Call != nil && r.SubjectOf(e) == "server" && r.Between(e, "idle", "idle over")
		})
		t.Expected("less than %v of CPU time in %s, and fewer than %d system calls", time.Duration(share*float64(window)).Round(time.Millisecond), seconds(window), most)
		t.Evidence(before...)
		t.Evidence(calls[:min(3, len(calls))]...)
		t.Evidence(after...)
		t.Observed("%v of CPU time in %s, and %s", used, seconds(window), plural(len(calls), "system call"))
		t.Expect(used).To(BeNumerically("<=", time.Duration(share*float64(window))), "CPU time of all its processes")
		t.Expect(len(calls)).To(BeNumerically("<", most), "system calls while nothing happens")
	},
})

// cpu sums the CPU time of processes.
func cpu(states []*recording.Event) (sum time.Duration) {
	for _, e := range states {
		sum += e.State.CPU
	}
	return sum
}
