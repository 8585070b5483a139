package recording

import (
	"fmt"
	"sync"
	"time"
)

// Format is the version that this package writes and reads.
const Format = "ipckit/recording/v1"

// Header says what was run, where and how.
type Header struct {
	Format       string            `json:"format"`
	Kit          string            `json:"kit"`      // version of ipckit
	Scenario     string            `json:"scenario"` // name
	Did          string            `json:"did"`      // what the scenario does, in one sentence
	Subjects     []Subject         `json:"subjects"`
	Kernel       string            `json:"kernel"` // as uname -r prints it
	Arch         string            `json:"arch"`   // as GOARCH
	Isolation    string            `json:"isolation"`
	Traced       bool              `json:"traced"`
	CPU          int               `json:"cpu"` // the CPU that the cage was pinned to; -1: none
	TimeoutScale float64           `json:"timeout_scale"`
	Seed         int64             `json:"seed"`
	Sysctls      map[string]string `json:"sysctls,omitempty"`
	Started      time.Time         `json:"started"`
}

// Subject is a program of the recording.
type Subject struct {
	Name   string   `json:"name"` // unique in the recording: "server", "server-2"
	Role   string   `json:"role"`
	Path   string   `json:"path"`
	SHA256 string   `json:"sha256,omitempty"`
	Argv   []string `json:"argv,omitempty"`
	// Reference is set where the kit's own program stands in for the role.
	Reference bool `json:"reference,omitempty"`
}

// Trailer says how the recording ended.
type Trailer struct {
	// Unreached is set where the program kept the script from its end: what was
	// waited for, in words ("server listens on port 9876").
	Unreached string `json:"unreached,omitempty"`
	// Because says why it was given up ("the program ended", "asleep for 2 s").
	Because string `json:"because,omitempty"`
	// Expired is set where a time limit alone was the reason.
	Expired bool `json:"expired,omitempty"`
	// Broken is set where the kit or the machine failed: nothing is to be judged.
	Broken  string        `json:"broken,omitempty"`
	Events  int           `json:"events"`            // written, without header and trailer
	Dropped int           `json:"dropped,omitempty"` // events beyond the cap
	Cut     int64         `json:"cut,omitempty"`     // payload bytes beyond the caps
	Wall    time.Duration `json:"wall"`
	CPU     time.Duration `json:"cpu"`             // of program and kit inside the cage
	Delay   time.Duration `json:"delay,omitempty"` // how long a thread of the programs, and the tracer for it, were ready to run and got no CPU
}

// Recording is one run of one scenario. Its methods read it; none changes it.
type Recording struct {
	Header  Header
	Events  []Event
	Trailer Trailer
	// Name is what evidence cites: the file's base name, or the scenario's name.
	Name string

	once  sync.Once
	model *model
}

// Event returns the event with that number, or nil.
func (r *Recording) Event(seq int) *Event {
	low, high := 0, len(r.Events)
	for low < high {
		middle := (low + high) / 2
		if r.Events[middle].Seq < seq {
			low = middle + 1
		} else {
			high = middle
		}
	}
	if low < len(r.Events) && r.Events[low].Seq == seq {
		return &r.Events[low]
	}
	return nil
}

// Mark returns the first mark with that name, or nil.
func (r *Recording) Mark(name string) *Event {
	for i := range r.Events {
		if m := r.Events[i].Mark; m != nil && m.Name == name {
			return &r.Events[i]
		}
	}
	return nil
}

// SocketFile returns the name under which calls refer to the socket with that
// inode number.
func SocketFile(inode int) string { return fmt.Sprintf("socket:[%d]", inode) }

// TerminalFile returns the name under which calls refer to a subject's terminal.
func TerminalFile(subject string) string { return "tty:" + subject }
