package recording

import (
	"fmt"
	"strings"
)

// peerText says what our side did, or what came back to it.
func (r *Recording) peerText(p *Peer) string {
	switch p.Act {
	case ActSent, ActReceived:
		return transferText(p)
	case ActTyped:
		return "types " + keys(p.Data)
	case ActSignalled:
		return fmt.Sprintf("sends %v to %s", p.Signal, r.kitTarget(p.Target))
	case ActFailed:
		return "fails: " + p.Errno.String()
	case ActReset:
		if p.Errno != 0 {
			return fmt.Sprintf("its connection is reset (%s)", p.Errno.Name())
		}
		return "resets its connection"
	}
	if words, ok := actWords[p.Act]; ok {
		return words(p)
	}
	return string(p.Act)
}

var actWords = map[Act]func(*Peer) string{
	ActDial:      func(p *Peer) string { return "connects to " + addrText(p.Remote) },
	ActConnected: func(p *Peer) string { return "is connected, from " + addrText(p.Local) },
	ActListen:    func(p *Peer) string { return "listens on " + addrText(p.Local) },
	ActAccepted:  func(p *Peer) string { return "accepts a connection from " + addrText(p.Remote) },
	ActEOF:       func(*Peer) string { return "sees the end of the connection (EOF)" },
	ActTimeout:   func(*Peer) string { return "has waited long enough, nothing more comes" },
	ActHalfClose: func(*Peer) string { return "closes its sending half" },
	ActClosed:    func(*Peer) string { return "closes" },
}

func addrText(a *Addr) string {
	if a == nil {
		return "an unknown address"
	}
	return a.String()
}

func transferText(p *Peer) string {
	verb := map[Act]string{ActSent: "sends ", ActReceived: "receives "}[p.Act]
	if p.Data == nil {
		return verb + "nothing"
	}
	text := verb + payload(p.Data)
	if strings.HasSuffix(text, ")") {
		return text // its length was said
	}
	return text + " (" + bytesWord(p.Data.Len) + ")"
}

// keys names what was typed.
func keys(d *Data) string {
	if d == nil {
		return "nothing"
	}
	switch string(d.Bytes) {
	case "\x03":
		return "Ctrl+C"
	case "\x1c":
		return `Ctrl+\`
	case "\x1a":
		return "Ctrl+Z"
	case "\x04":
		return "Ctrl+D"
	}
	return payload(d)
}

func (r *Recording) kitTarget(pid int) string {
	if pid < 0 {
		return fmt.Sprintf("every process of group %d", -pid)
	}
	if r.ByPID(pid) == nil {
		return fmt.Sprintf("process %d", pid)
	}
	return fmt.Sprintf("the %s (process %d)", r.processName(pid, r.ByPID(pid).Born.Seq), pid)
}

func peerGloss(p *Peer) string {
	switch p.Act {
	case ActFailed:
		return errnoGloss[p.Errno]
	case ActHalfClose:
		return "it says that it sends no more; it still reads"
	case ActEOF:
		return "the program has closed its end"
	case ActReset:
		if p.Errno != 0 {
			return "the program's end went away with bytes unread, or refused them"
		}
		return "it breaks the connection off instead of ending it in order"
	}
	return ""
}
