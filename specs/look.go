package specs

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"time"

	"ipckit/harness/recording"
	"ipckit/harness/scenario"
)

// listener returns the socket on which a subject listens for TCP: the one that
// is bound to the article's port, else the first.
func listener(r *recording.Recording, subject string) *recording.Endpoint {
	var found *recording.Endpoint
	for _, e := range r.Endpoints() {
		if len(e.Listens) == 0 || r.SubjectOf(e.Listens[0]) != subject {
			continue
		}
		if found == nil || port(e) == scenario.Port {
			found = e
		}
	}
	return found
}

// port returns the port that an endpoint is bound to, or 0.
func port(e *recording.Endpoint) int {
	if e.Bound == nil || e.Bound.Call.Addr() == nil {
		return 0
	}
	return e.Bound.Call.Addr().Port
}

// accepted returns the connections that came from a listening socket.
func accepted(r *recording.Recording, l *recording.Endpoint) []*recording.Endpoint {
	return slices.DeleteFunc(slices.Clone(r.Endpoints()), func(e *recording.Endpoint) bool { return l == nil || e.Listener != l })
}

// sockets returns the snapshot of sockets with that reason, or nil.
func sockets(r *recording.Recording, why string) *recording.Event {
	for i := range r.Events {
		if s := r.Events[i].Sockets; s != nil && s.Why == why {
			return &r.Events[i]
		}
	}
	return nil
}

// listening returns the row of the socket that listens on the article's port.
func listening(snapshot *recording.Event) *recording.SocketRow {
	if snapshot == nil {
		return nil
	}
	for i, row := range snapshot.Sockets.Rows {
		if row.State == "LISTEN" && row.Local.Port == scenario.Port {
			return &snapshot.Sockets.Rows[i]
		}
	}
	return nil
}

// states returns what /proc said of a subject's processes at that moment.
func states(r *recording.Recording, why string) []*recording.Event {
	return r.Select(func(e *recording.Event) bool { return e.State != nil && e.State.Why == why })
}

// sent and received join what our side's client sent and got.
func sent(r *recording.Recording, client string) []byte {
	return recording.Bytes(r.Peers(client, recording.ActSent))
}

func received(r *recording.Recording, client string) []byte {
	return recording.Bytes(r.Peers(client, recording.ActReceived))
}

// messages returns the single messages that a client sent.
func messages(r *recording.Recording, client string) [][]byte {
	var all [][]byte
	for _, e := range r.Peers(client, recording.ActSent) {
		all = append(all, e.Peer.Data.Bytes)
	}
	return all
}

// connected reports whether our client came through.
func connected(r *recording.Recording, client string) *recording.Event {
	return first(r.Peers(client, recording.ActConnected))
}

func first(events []*recording.Event) *recording.Event {
	if len(events) == 0 {
		return nil
	}
	return events[0]
}

func last(events []*recording.Event) *recording.Event {
	if len(events) == 0 {
		return nil
	}
	return events[len(events)-1]
}

// unpadded reports whether got is the messages in order, each followed by nothing
// but NUL bytes: that is what a server sends back that writes its whole buffer.
func unpadded(got []byte, messages [][]byte) bool {
	for _, m := range messages {
		if !bytes.HasPrefix(got, m) {
			return false
		}
		got = bytes.TrimLeft(got[len(m):], "\x00")
	}
	return len(got) == 0
}

func withoutNUL(b []byte) []byte { return bytes.ReplaceAll(b, []byte{0}, nil) }

// inOrder returns the first part that does not follow the ones before it in the
// text, or "".
func inOrder(text []byte, parts [][]byte) string {
	for _, p := range parts {
		i := bytes.Index(text, p)
		if i < 0 {
			return string(p)
		}
		text = text[i+len(p):]
	}
	return ""
}

func titles() [][]byte {
	var all [][]byte
	for _, t := range scenario.Titles {
		all = append(all, []byte(t))
	}
	return all
}

// quoted shows bytes in a message, with runs of NUL counted.
func quoted(b []byte) string {
	const most, run = 200, 4
	var parts []string
	for shown := 0; len(b) > 0; {
		if n := len(b) - len(bytes.TrimLeft(b, "\x00")); n >= run {
			parts = append(parts, strconv.Itoa(n)+` × \x00`)
			b = b[n:]
			continue
		}
		text := b
		if i := bytes.Index(b, make([]byte, run)); i >= 0 {
			text = b[:i]
		}
		kept := text[:max(0, min(len(text), most-shown))]
		parts = append(parts, recording.Data{Bytes: kept, Len: len(text)}.String())
		shown += len(kept)
		b = b[len(text):]
	}
	if len(parts) == 0 {
		return "nothing"
	}
	return strings.Join(parts, " ")
}

func plural(n int, what string) string {
	text := strconv.Itoa(n) + " " + what
	if n != 1 {
		text += "s"
	}
	return text
}

// seconds shows a time as people read it.
func seconds(d time.Duration) string { return d.Round(10 * time.Millisecond).String() }
