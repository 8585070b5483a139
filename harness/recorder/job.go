package recorder

import (
	"ipckit/harness/recording"
	"ipckit/harness/scenario"
)

// job is what PID 1 of a cage is asked to do.
type job struct {
	Scenario scenario.Name
	Header   recording.Header
	Parts    []jobPart
	Scale    float64
}

// jobPart is a program of the scenario.
type jobPart struct {
	Part   scenario.Part
	Parcel int
	Argv   []string
	Env    []string
	// Subject is its place in the header.
	Subject recording.Subject
}
