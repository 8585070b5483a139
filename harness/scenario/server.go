package scenario

import (
	"bytes"
	"time"

	"ipckit/harness/subject"
)

var server = []Part{{Name: "server", Role: subject.Server}}

// The scenarios of the server role. In those that MUST claims are judged on, a
// client sends at most three messages of 1 to 255 bytes without NUL, in one
// write each, and awaits each echo before the next: the article's own server
// reads three times and closes.
var (
	// ClientsInTurn: three clients, one after the other, then Ctrl+C.
	ClientsInTurn = Add(Scenario{
		Name: "clients-in-turn", Parts: server, Estimate: 1500 * time.Millisecond,
		Did:    "started the server on a terminal, left it alone for a second, let three clients talk to it one after the other (the titles, then random text), then typed Ctrl+C",
		Script: clientsInTurn,
	})
	// SilentClient: one client says nothing while a second one asks.
	SilentClient = Add(Scenario{
		Name: "silent-client", Parts: server, Estimate: time.Second,
		Did:    "connected a client that says nothing, let a second one send a title meanwhile, then closed the first",
		Script: silentClient,
	})
	// AbortingClients: clients that leave without reading, or by a reset.
	AbortingClients = Add(Scenario{
		Name: "aborting-clients", Parts: server, Estimate: 500 * time.Millisecond,
		Did:    "let three clients leave early (closed with the echo unread, reset, closed without a word), then asked for an echo as a fourth",
		Script: abortingClients,
	})
	// Segments: the same bytes in other pieces, and more of them.
	Segments = Add(Scenario{
		Name: "segments", Parts: server, Estimate: 500 * time.Millisecond,
		Did:    "sent a title byte by byte, three titles in one write, and 2000 bytes of all values, on one connection each",
		Script: segments,
	})
	// Restart: kill the server while a connection is open, and start it again.
	Restart = Add(Scenario{
		Name: "restart", Parts: server, Estimate: 500 * time.Millisecond,
		Did:    "killed the server while a client was connected, so that its port stays in TIME_WAIT, and started it again at once",
		Script: restart,
	})
)

// RandomTexts is how many messages a client sends, as many as there are titles.
const RandomTexts = 3

func clientsInTurn(s Stage) {
	p := s.Start("server")
	p.AwaitListening(Port)
	s.Sockets("listening")
	s.Rest(100 * time.Millisecond)
	s.Mark("idle")
	p.Observe("idle begins")
	s.Until("a second passes", time.Second, func() bool { return false })
	p.Observe("idle ends")
	s.Mark("idle over")
	converse(s, "client A", titles())
	s.Rest(50 * time.Millisecond)
	p.Observe("after client A")
	s.Sockets("after client A")
	converse(s, "client B", randomTexts(s))
	converse(s, "client C", titles())
	s.Rest(50 * time.Millisecond)
	p.Observe("after client C")
	s.Sockets("after client C")
	s.Mark("ctrl-c")
	p.Type(CtrlC)
	p.AwaitEnd(Soon)
}

func titles() [][]byte {
	var all [][]byte
	for _, t := range Titles {
		all = append(all, []byte(t))
	}
	return all
}

// randomTexts returns messages that nobody can have written into a program: it
// must send back what it got.
func randomTexts(s Stage) [][]byte {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	var all [][]byte
	for range RandomTexts {
		text := make([]byte, 8+s.Rand().IntN(120))
		for i := range text {
			text[i] = letters[s.Rand().IntN(len(letters))]
		}
		all = append(all, text)
	}
	return all
}

// converse is one client that sends each message in one write and awaits its
// echo. NUL bytes are padding here: no message has any.
func converse(s Stage, client string, messages [][]byte) {
	c := s.Dial(client, Port)
	var sent []byte
	for _, m := range messages {
		sent = append(sent, m...)
		c.Send(m)
		_, ended := c.Receive(func(all []byte) bool { return len(withoutPadding(all)) >= len(sent) })
		if ended {
			break
		}
	}
	c.HalfClose()
	c.Receive(func([]byte) bool { return false })
	c.Close()
}

func withoutPadding(b []byte) []byte { return bytes.ReplaceAll(b, []byte{0}, nil) }

func silentClient(s Stage) {
	p := s.Start("server")
	p.AwaitListening(Port)
	silent := s.Dial("silent client", Port)
	s.Rest(50 * time.Millisecond)
	second := s.Dial("second client", Port)
	s.Mark("second asks")
	second.Send([]byte(Titles[0]))
	s.Until("the second client gets its echo while the first is silent", time.Second, func() bool { return len(second.Received()) > 0 })
	s.Sockets("first still silent")
	s.Mark("first leaves")
	silent.Close()
	second.Receive(func(all []byte) bool { return len(withoutPadding(all)) >= len(Titles[0]) })
	second.HalfClose()
	second.Receive(func([]byte) bool { return false })
	second.Close()
}

func abortingClients(s Stage) {
	p := s.Start("server")
	p.AwaitListening(Port)
	leaveEarly(s, p)
	reset := s.Dial("client that resets", Port)
	reset.Send([]byte(Titles[0]))
	reset.Reset()
	s.Dial("client without a word", Port).Close()
	s.Rest(50 * time.Millisecond)
	s.Mark("next client")
	p.Observe("after the aborts")
	converse(s, "next client", titles()[:1])
}

// leaveEarly is a client that sends more than one read takes and closes without
// reading. The server stands still meanwhile, so that it always meets a
// connection that is closed at the other end: its first answer is met by a
// reset, its next write fails (tcp(7); EPIPE and SIGPIPE, write(2)).
func leaveEarly(s Stage, p Program) {
	const much = 4000
	c := s.Dial("client that does not read", Port)
	s.Rest(20 * time.Millisecond)
	p.Pause()
	c.Send(bytes.Repeat([]byte("early "), much/6))
	c.Close()
	p.Resume()
	s.Rest(50 * time.Millisecond)
}

func segments(s Stage) {
	p := s.Start("server")
	p.AwaitListening(Port)
	stream(s, "byte by byte", split([]byte(Titles[0]), 1), withoutPadding)
	stream(s, "coalesced", [][]byte{bytes.Join(titles(), nil)}, withoutPadding)
	stream(s, "large", split(AllValues(2000), 700), func(b []byte) []byte { return b })
}

// AllValues returns n bytes in which every value from 0 to 255 occurs.
func AllValues(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}

func split(b []byte, size int) [][]byte {
	var pieces [][]byte
	for ; len(b) > size; b = b[size:] {
		pieces = append(pieces, b[:size])
	}
	return append(pieces, b)
}

// stream sends pieces, each when the echo of the former has come; counted says
// which bytes of an echo count.
func stream(s Stage, client string, pieces [][]byte, counted func([]byte) []byte) {
	c := s.Dial(client, Port)
	sent := 0
	for _, piece := range pieces {
		sent += len(piece)
		c.Send(piece)
		if _, ended := c.Receive(func(all []byte) bool { return len(counted(all)) >= sent }); ended {
			break
		}
	}
	c.HalfClose()
	c.Receive(func([]byte) bool { return false })
	c.Close()
}

func restart(s Stage) {
	p := s.Start("server")
	p.AwaitListening(Port)
	c := s.Dial("client", Port)
	c.Send([]byte(Titles[0]))
	c.Receive(func(all []byte) bool { return len(all) >= len(Titles[0]) })
	p.Kill()
	c.Receive(func([]byte) bool { return false })
	c.Close()
	s.Sockets("after the kill")
	s.Mark("again")
	again := s.Start("server")
	again.AwaitListening(Port)
	converse(s, "client of the second", titles()[:1])
}
