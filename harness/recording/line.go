package recording

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Line is one event in words that somebody can read who has only heard of
// sockets and signals. All its text is safe to print: see [Recording.Line].
type Line struct {
	Event int           // the event's Seq
	At    time.Duration // since the recording began
	Who   string        // "server", "parent", "child", "client A", "scenario"
	What  string        // what happened; a system call in the notation of C
	Gloss string        // what that means, where it needs to be said
}

// endMark is the mark behind which everything is the kit's own clearing up.
const endMark = "end"

// Line puts the event into words. Whatever a program, or the writer of the
// recording, put into it, the result has no byte that a terminal acts on and no
// line break.
func (r *Recording) Line(e *Event) Line {
	what, gloss := r.words(e)
	return r.line(e, e.At, what, gloss)
}

// Bounds of a line, in characters: nothing that the kit records comes near
// them, but recordings may come from strangers.
const (
	longestWho   = 60
	longestWhat  = 1500
	longestGloss = 500
)

func (r *Recording) line(e *Event, at time.Duration, what, gloss string) Line {
	return Line{
		Event: e.Seq, At: at,
		Who:   clip(plain(r.who(e)), longestWho),
		What:  clip(plain(what), longestWhat),
		Gloss: clip(plain(gloss), longestGloss),
	}
}

// words returns what happened and its explanation.
func (r *Recording) words(e *Event) (what, gloss string) {
	switch {
	case e.Call != nil:
		return r.callText(e), r.callGloss(e)
	case e.Signal != nil:
		return r.signalText(e), r.signalGloss(e)
	case e.Peer != nil:
		return r.peerText(e.Peer), peerGloss(e.Peer)
	case e.Exec != nil, e.Spawn != nil, e.Stop != nil, e.Exit != nil, e.State != nil:
		return r.lifeText(e)
	case e.Sockets != nil:
		return socketsText(e.Sockets), e.Sockets.Why
	case e.Output != nil:
		return e.Output.Stream + " shows " + payload(&e.Output.Data), ""
	case e.Mark != nil:
		return markText(e.Mark)
	case e.Note != nil:
		return e.Note.Topic + ": " + e.Note.Text, ""
	}
	return fmt.Sprintf("an event of the kind %s, which this kit does not know", quote(string(e.Kind))), ""
}

// lifeText is about births, ends and states of processes.
func (r *Recording) lifeText(e *Event) (what, gloss string) {
	switch {
	case e.Exec != nil:
		return execText(e.Exec)
	case e.Spawn != nil:
		return spawnText(e.Spawn)
	case e.Stop != nil:
		return stopText(e.Stop.Signal)
	case e.Exit != nil:
		return r.exitText(e)
	}
	return stateText(e.State)
}

func execText(x *Exec) (what, gloss string) {
	if x.Path == "" && x.Subject != "" {
		return "starts", "the kit's own program"
	}
	what = "execve(" + quote(x.Path)
	if len(x.Argv) > 1 {
		what += ", " + quoteAll(x.Argv)
	}
	gloss = "the process becomes this program"
	if x.Subject != "" {
		gloss = "the program starts"
	}
	return what + ")", gloss
}

// quoteAll quotes a list, and says how many it leaves out.
func quoteAll(words []string) string {
	const most = 16
	var quoted []string
	for _, w := range words[:min(len(words), most)] {
		quoted = append(quoted, quote(w))
	}
	if more := len(words) - most; more > 0 {
		quoted = append(quoted, fmt.Sprintf("and %d more", more))
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

func spawnText(s *Spawn) (what, gloss string) {
	if s.How == ByThread {
		return fmt.Sprintf("starts thread %d", s.Child), "runs beside it, in the same process"
	}
	return fmt.Sprintf("starts child %d (%s)", s.Child, s.How), birthGloss[s.How]
}

var birthGloss = map[string]string{
	ByFork:  "a copy of this process, with a number of its own",
	ByVfork: "it borrows this process's memory until it becomes a program of its own",
	ByClone: "a process with a number of its own",
}

func stopText(s Signal) (what, gloss string) {
	if s == SIGCONT {
		return "goes on (SIGCONT)", ""
	}
	return fmt.Sprintf("is stopped by %v", s), "it stands still until SIGCONT comes"
}

func (r *Recording) exitText(e *Event) (what, gloss string) {
	what = "ends: " + e.Exit.Status.String()
	p := r.process(e)
	switch {
	case e.TID != 0:
		return "thread " + what, ""
	case p == nil || p.Parent == nil:
		return what, ""
	case p.Collected == nil && (p.Parent.End == nil || p.Parent.End.Seq > e.Seq):
		return what, "no wait call of its parent ever collects this status"
	}
	return what, ""
}

// stateWords are the states of proc_pid_stat(5).
var stateWords = map[string]string{
	"R":    "is running or ready to run (R)",
	"S":    "is asleep (S)",
	"D":    "is in a sleep that no signal ends (D)",
	"T":    "is stopped by a signal (T)",
	"t":    "is held by its tracer (t)",
	"Z":    "is a zombie (Z): ended, not yet waited for",
	"gone": "is gone: it has no row in the process table any more",
}

func stateText(s *State) (what, gloss string) {
	what = stateWords[s.State]
	if what == "" {
		what = "is in state " + quote(s.State)
	}
	if s.State != "gone" && s.State != "Z" {
		what += ", CPU used so far " + strconv.FormatFloat(s.CPU.Seconds(), 'f', 2, 64) + " s"
	}
	gloss = s.Why
	if sockets := openSockets(s.FDs); sockets != "" {
		gloss += "; open sockets: " + sockets
	}
	return what, gloss
}

func openSockets(fds []FD) string {
	var open []string
	for _, f := range fds {
		if strings.HasPrefix(f.File, "socket:") {
			open = append(open, strconv.Itoa(f.FD))
		}
	}
	const most = 12
	if more := len(open) - most; more > 0 {
		return strings.Join(open[:most], " ") + fmt.Sprintf(" and %d more", more)
	}
	return strings.Join(open, " ")
}

// socketsText lists who listens, and counts the rest by state.
func socketsText(s *Sockets) string {
	var parts, states []string
	count := map[string]int{}
	for _, row := range s.Rows {
		if row.State == "LISTEN" {
			parts = append(parts, fmt.Sprintf("port %d LISTEN, %d of %d waiting", row.Local.Port, row.Received, row.Queue))
			continue
		}
		if count[row.State]++; count[row.State] == 1 {
			states = append(states, row.State)
		}
	}
	for _, state := range states {
		parts = append(parts, fmt.Sprintf("%d %s", count[state], state))
	}
	if len(parts) == 0 {
		return "no TCP socket anywhere"
	}
	return strings.Join(parts, "; ")
}

func markText(m *Mark) (what, gloss string) {
	if m.Name == endMark {
		return "is over", "what follows is the kit clearing up"
	}
	what = "reaches " + quote(m.Name)
	if m.Subject != "" {
		what += " for " + quote(m.Subject)
	}
	return what, m.Text
}

// clip shortens plain text, and says by how much.
func clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	kept := strings.TrimSuffix(strings.ToValidUTF8(s[:most], ""), " ")
	return fmt.Sprintf("%s... (%d more characters)", kept, len(s)-len(kept))
}

// sign is the only character beyond ASCII that a line may have.
const sign = "×"

// plain leaves printable ASCII alone and writes every other byte as \xHH. It is
// the last gate: quoting happened before, where something was quoted.
func plain(s string) string {
	parts := strings.Split(s, sign)
	for i, part := range parts {
		parts[i] = plainBytes(part)
	}
	return strings.Join(parts, sign)
}

func plainBytes(s string) string {
	var out strings.Builder
	for _, c := range []byte(s) {
		if c >= 0x20 && c < 0x7f {
			out.WriteByte(c)
		} else {
			fmt.Fprintf(&out, `\x%02x`, c)
		}
	}
	return out.String()
}
