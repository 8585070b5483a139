package procfs

import (
	"errors"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// SchedDelay returns how long thread tid has run, how long it has waited for a
// CPU while ready to run, and how often it was given one. For the id of a
// process these are the values of its main thread only. All are 0 on a kernel
// that does not count, sched_info of CONFIG_SCHED_INFO.
func SchedDelay(tid int) (run, wait time.Duration, slices uint64, err error) {
	data, err := os.ReadFile(path(tid, "schedstat"))
	if err != nil {
		return 0, 0, 0, err
	}
	return parseSchedstat(data)
}

func parseSchedstat(data []byte) (run, wait time.Duration, slices uint64, err error) {
	f := fields{file: "schedstat", values: strings.Fields(string(data))}
	run, wait, slices = time.Duration(f.uint(0)), time.Duration(f.uint(1)), f.uint(2)
	if f.err != nil {
		return 0, 0, 0, f.err
	}
	return run, wait, slices, nil
}

// A Pressure says how much of the time tasks had to wait for a CPU.
type Pressure struct {
	// Percent of the last 10, 60 and 300 seconds in which some task waited.
	Avg10, Avg60, Avg300 float64
	// Total is all such time since boot. Two readings show the pressure of any
	// span between them.
	Total time.Duration
}

// ErrNoPressure says that this kernel does not measure pressure: it is built
// without CONFIG_PSI or was started with psi=0.
var ErrNoPressure = errors.New("no pressure stall information")

// CPUPressure returns the pressure of the whole machine, or of the container
// if that has a /proc of its own. It returns ErrNoPressure where there is none.
func CPUPressure() (Pressure, error) {
	data, err := os.ReadFile(Root + "/pressure/cpu")
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.EOPNOTSUPP) {
		return Pressure{}, ErrNoPressure
	}
	if err != nil {
		return Pressure{}, err
	}
	return parsePressure(data)
}

// parsePressure reads the line "some avg10=0.12 avg60=0.05 avg300=0.01
// total=12345", the total in microseconds. For the CPU of a whole system the
// line "full" means nothing.
func parsePressure(data []byte) (Pressure, error) {
	for line := range strings.Lines(string(data)) {
		words := strings.Fields(line)
		if len(words) == 5 && words[0] == "some" {
			return parseSome(words[1:])
		}
	}
	return Pressure{}, &SyntaxError{"pressure", "some", clip(data)}
}

func parseSome(words []string) (p Pressure, err error) {
	for i, into := range []*float64{&p.Avg10, &p.Avg60, &p.Avg300} {
		key := []string{"avg10=", "avg60=", "avg300="}[i]
		value, found := strings.CutPrefix(words[i], key)
		if *into, err = strconv.ParseFloat(value, 64); err != nil || !found {
			return Pressure{}, &SyntaxError{"pressure", key, words[i]}
		}
	}
	value, found := strings.CutPrefix(words[3], "total=")
	total, err := strconv.ParseUint(value, 10, 63)
	if err != nil || !found {
		return Pressure{}, &SyntaxError{"pressure", "total=", words[3]}
	}
	p.Total = time.Duration(total) * time.Microsecond
	return p, nil
}
