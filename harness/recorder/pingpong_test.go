package recorder_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ipckit/harness/recorder"
	"ipckit/harness/recording"
	"ipckit/harness/sandbox"
	"ipckit/harness/scenario"
	"ipckit/harness/subject"
)

// The worst case for a tracer: a server that does nothing but read and write, one
// small message after the other. Each round trip is two recorded calls, four
// stops.
const (
	roundTrips = 5000
	message    = 64
)

// echo is the server: blocking calls only, so that a round trip is one read and
// one write.
func echo([]string) int {
	listener, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		return 1
	}
	address := &unix.SockaddrInet4{Port: scenario.Port, Addr: [4]byte{127, 0, 0, 1}}
	if unix.SetsockoptInt(listener, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1) != nil || unix.Bind(listener, address) != nil || unix.Listen(listener, 8) != nil {
		return 1
	}
	fd, _, err := unix.Accept(listener)
	if err != nil {
		return 1
	}
	buffer := make([]byte, message)
	for {
		n, err := unix.Read(fd, buffer)
		if err == unix.EINTR {
			continue
		}
		if err != nil || n == 0 {
			return 0
		}
		if _, err := unix.Write(fd, buffer[:n]); err != nil {
			return 1
		}
	}
}

// pingPong is the same conversation, traced or not, on one CPU or on all.
func pingPong(name string, untraced, unpinned bool) scenario.Scenario {
	s := scenario.Scenario{
		Name: scenario.Name(name), Did: "played ping-pong", Untraced: untraced, Unpinned: unpinned,
		Parts: []scenario.Part{{Name: "server", Role: subject.Server}},
		Script: func(s scenario.Stage) {
			s.Start("server").AwaitListening(scenario.Port)
			s.Mark("begin")
			s.Mark("took " + strconv.FormatInt(int64(volley(scenario.Port)), 10))
		},
	}
	scenario.Add(s)
	return s
}

var (
	traced    = pingPong("ping-pong-traced", false, false)
	untraced  = pingPong("ping-pong-untraced", true, false)
	untracedU = pingPong("ping-pong-untraced-unpinned", true, true)
	tracedU   = pingPong("ping-pong-traced-unpinned", false, true)
)

// volley connects, plays the round trips, and returns the time that they took; 0
// says that they could not be played.
func volley(port int) time.Duration {
	c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return 0
	}
	defer c.Close()
	ball := bytes.Repeat([]byte("x"), message)
	began := time.Now()
	for range roundTrips {
		if _, err := c.Write(ball); err != nil {
			return 0
		}
		if _, err := io.ReadFull(c, ball); err != nil {
			return 0
		}
	}
	return time.Since(began)
}

// took runs the scenario and returns the time for one round trip.
func took(b *testing.B, s scenario.Scenario) (time.Duration, *recording.Recording) {
	b.Helper()
	parcel, err := sandbox.Pack(subject.Builtin(subject.Server, "echo"))
	if err != nil {
		b.Fatal(err)
	}
	defer parcel.Close()
	r, err := recorder.Record(b.Context(), s, []*recorder.Parcel{parcel}, recorder.Options{Isolation: sandbox.Namespaces, CPU: recorder.CPUs()[0], Scale: 1, Seed: 1})
	if err != nil {
		b.Fatal(err)
	}
	for _, e := range r.Events {
		if e.Mark != nil && strings.HasPrefix(e.Mark.Name, "took ") {
			all, _ := strconv.ParseInt(strings.TrimPrefix(e.Mark.Name, "took "), 10, 64)
			if all > 0 {
				return time.Duration(all) / roundTrips, r
			}
		}
	}
	b.Fatalf("no ping-pong: %+v", r.Trailer)
	return 0, nil
}

// BenchmarkPingPong measures a round trip traced and untraced in turn, and under
// strace where that is installed, and reports the ratios.
func BenchmarkPingPong(b *testing.B) {
	sums := map[string]time.Duration{}
	for b.Loop() {
		for name, s := range map[string]scenario.Scenario{"traced": traced, "untraced": untraced, "free-untraced": untracedU, "free-traced": tracedU} {
			one, _ := took(b, s)
			sums[name] += one
		}
		if path, err := exec.LookPath("strace"); err == nil {
			sums["strace"] += stracePingPong(b, path)
		}
	}
	micro := func(name string) float64 { return float64(sums[name].Nanoseconds()) / float64(b.N) / 1000 }
	for _, name := range []string{"untraced", "traced", "free-untraced", "free-traced", "strace"} {
		b.ReportMetric(micro(name), name+"-us/rt")
	}
	b.ReportMetric(micro("traced")/micro("untraced"), "x-traced")
	b.ReportMetric(micro("strace")/micro("untraced"), "x-strace")
	b.ReportMetric(0, "ns/op")
}

// stracePingPong measures the same server under strace, pinned as the kit pins.
func stracePingPong(b *testing.B, strace string) time.Duration {
	b.Helper()
	exe, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	cpu := strconv.Itoa(recorder.CPUs()[0])
	cmd := exec.Command("taskset", "-c", cpu, strace, "-f", "-qq", "--seccomp-bpf", "-o", "/dev/null",
		"-e", "trace=network,read,write,close,process,signal,nanosleep,clock_nanosleep", exe)
	cmd.Env = append(os.Environ(), echoSwitch+"=1")
	if err := cmd.Start(); err != nil {
		return 0
	}
	defer cmd.Wait()
	for limit := time.Now().Add(10 * time.Second); time.Now().Before(limit); {
		if all := volley(scenario.Port); all > 0 {
			return all / roundTrips
		}
	}
	cmd.Process.Kill()
	return 0
}

// echoSwitch makes the test binary the echo server, for strace to start.
const echoSwitch = "IPCKIT_BENCH_ECHO"
