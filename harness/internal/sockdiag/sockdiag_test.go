package sockdiag_test

import (
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ipckit/harness/internal/sockdiag"
)

// listen opens a TCP listener of its own, for net.Listen fixes the backlog.
func listen(t testing.TB, address unix.Sockaddr, backlog int) (fd int, local netip.AddrPort) {
	t.Helper()
	family := unix.AF_INET
	if _, six := address.(*unix.SockaddrInet6); six {
		family = unix.AF_INET6
	}
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Skipf("socket of family %d: %v", family, err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	if err := unix.Bind(fd, address); err != nil {
		t.Skipf("bind of family %d: %v", family, err)
	}
	if err := unix.Listen(fd, backlog); err != nil {
		t.Fatal(err)
	}
	bound, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	switch bound := bound.(type) {
	case *unix.SockaddrInet4:
		local = netip.AddrPortFrom(netip.AddrFrom4(bound.Addr), uint16(bound.Port))
	case *unix.SockaddrInet6:
		local = netip.AddrPortFrom(netip.AddrFrom16(bound.Addr), uint16(bound.Port))
	}
	return fd, local
}

func loopback() unix.Sockaddr { return &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}} }

func dial(t testing.TB, to netip.AddrPort) *net.TCPConn {
	t.Helper()
	conn, err := net.DialTimeout("tcp", to.String(), 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn.(*net.TCPConn)
}

// rows returns the sockets that pass keep.
func rows(t testing.TB, family uint8, states uint32, keep func(sockdiag.InetSocket) bool) []sockdiag.InetSocket {
	t.Helper()
	all, err := sockdiag.Inet(family, unix.IPPROTO_TCP, states)
	if err != nil {
		t.Fatal(err)
	}
	var kept []sockdiag.InetSocket
	for _, s := range all {
		if keep(s) {
			kept = append(kept, s)
		}
	}
	return kept
}

func one(t testing.TB, family uint8, states uint32, keep func(sockdiag.InetSocket) bool) sockdiag.InetSocket {
	t.Helper()
	found := rows(t, family, states, keep)
	if len(found) != 1 {
		t.Fatalf("found %d sockets; want 1: %+v", len(found), found)
	}
	return found[0]
}

func at(local netip.AddrPort) func(sockdiag.InetSocket) bool {
	return func(s sockdiag.InetSocket) bool { return s.Local == local }
}

func inode(t testing.TB, fd int) uint32 {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		t.Fatal(err)
	}
	return uint32(st.Ino)
}

func TestListenerShowsItsBacklogAndQueue(t *testing.T) {
	fd, local := listen(t, loopback(), 8)
	want := sockdiag.InetSocket{
		Family: unix.AF_INET, State: sockdiag.Listen, Local: local, Remote: netip.MustParseAddrPort("0.0.0.0:0"),
		RQueue: 0, WQueue: 8, Inode: inode(t, fd), UID: uint32(os.Getuid()),
	}
	listening := sockdiag.States(sockdiag.Listen)
	if got := one(t, unix.AF_INET, listening, at(local)); got != want {
		t.Fatalf("listener is %+v; want %+v", got, want)
	}
	for queued := range uint32(3) {
		if got := one(t, unix.AF_INET, listening, at(local)).RQueue; got != queued {
			t.Errorf("%d clients wait; want %d", got, queued)
		}
		dial(t, local)
	}
	if found := rows(t, unix.AF_INET, sockdiag.States(sockdiag.Established), at(local)); len(found) != 3 || found[0].Inode != 0 {
		t.Errorf("connections not yet accepted: %+v; want 3 without an inode", found)
	}
}

func TestConnectionStates(t *testing.T) {
	fd, local := listen(t, loopback(), 8)
	client := dial(t, local)
	peer, _, err := unix.Accept4(fd, unix.SOCK_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	self := client.LocalAddr().(*net.TCPAddr).AddrPort()
	server := func(s sockdiag.InetSocket) bool { return s.Local == local && s.Remote == self }

	if _, err := client.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	got := one(t, unix.AF_INET, sockdiag.AllStates, server)
	if got.State != sockdiag.Established || got.RQueue != 5 || got.Inode != inode(t, peer) {
		t.Errorf("server's end is %+v; want ESTABLISHED with 5 bytes to read", got)
	}
	if n, err := unix.Read(peer, make([]byte, 10)); n != 5 || err != nil {
		t.Fatal(n, err)
	}

	_ = client.CloseWrite()
	reaches(t, "the server's end after the client's FIN", sockdiag.CloseWait, server)
	reaches(t, "the client's end after its FIN", sockdiag.FinWait2, at(self))

	_ = unix.Close(peer)
	_ = client.Close()
	got = reaches(t, "the client's end after both", sockdiag.TimeWait, at(self))
	if got.Inode != 0 || got.Remote != local {
		t.Errorf("the client, closing first, is %+v; want TIME_WAIT and no inode", got)
	}
}

// reaches waits for a state that a delayed acknowledgement can put off.
func reaches(t testing.TB, whose string, want sockdiag.State, keep func(sockdiag.InetSocket) bool) sockdiag.InetSocket {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		got := one(t, unix.AF_INET, sockdiag.AllStates, keep)
		if got.State == want {
			return got
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s is in %v; want %v", whose, got.State, want)
		}
	}
}

func TestDualStackListenerIsOfFamilyInet6(t *testing.T) {
	_, local := listen(t, &unix.SockaddrInet6{}, 5)
	samePort := func(s sockdiag.InetSocket) bool { return s.Local.Port() == local.Port() }
	listening := sockdiag.States(sockdiag.Listen)
	got := one(t, unix.AF_INET6, listening, samePort)
	if got.Family != unix.AF_INET6 || got.Local != local || got.WQueue != 5 {
		t.Errorf("dual-stack listener is %+v; want %v with backlog 5", got, local)
	}
	if found := rows(t, unix.AF_INET, listening, samePort); len(found) != 0 {
		t.Errorf("listed under AF_INET too: %+v", found)
	}

	client := dial(t, netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), local.Port()))
	self := client.LocalAddr().(*net.TCPAddr).AddrPort()
	end := one(t, unix.AF_INET6, sockdiag.States(sockdiag.Established), samePort)
	if !end.Remote.Addr().Is4In6() || end.Remote.Addr().Unmap() != self.Addr() {
		t.Errorf("IPv4 client shows as %v; want it mapped", end.Remote)
	}
}

func TestUnixSockets(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	abstract := "@ipckit-test-" + strconv.Itoa(os.Getpid())
	for _, name := range []string{path, abstract} {
		fd := listenUnix(t, name, 8)
		connectUnix(t, name)
		connectUnix(t, name)
		got := unixSocket(t, func(s sockdiag.UnixSocket) bool { return s.Inode == inode(t, fd) })
		want := sockdiag.UnixSocket{
			Type: unix.SOCK_STREAM, State: sockdiag.Listen, Inode: inode(t, fd), Path: name, RQueue: 2, WQueue: 8,
		}
		if got != want {
			t.Errorf("listener is %+v; want %+v", got, want)
		}
	}
}

func TestUnixPairKnowsItsPeer(t *testing.T) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pair[0])
	defer unix.Close(pair[1])
	a, b := inode(t, pair[0]), inode(t, pair[1])
	got := unixSocket(t, func(s sockdiag.UnixSocket) bool { return s.Inode == a })
	if got.Peer != b || got.Type != unix.SOCK_DGRAM || got.Path != "" || got.State != sockdiag.Established {
		t.Errorf("one end is %+v; want an established datagram socket with peer %d", got, b)
	}
}

func listenUnix(t testing.TB, name string, backlog int) int {
	t.Helper()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: name}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(fd, backlog); err != nil {
		t.Fatal(err)
	}
	return fd
}

func connectUnix(t testing.TB, name string) {
	t.Helper()
	conn, err := net.Dial("unix", name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
}

func unixSocket(t testing.TB, keep func(sockdiag.UnixSocket) bool) sockdiag.UnixSocket {
	t.Helper()
	all, err := sockdiag.Unix()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		if keep(s) {
			return s
		}
	}
	t.Fatalf("not among %d unix sockets", len(all))
	return sockdiag.UnixSocket{}
}

func TestUnknownFamilyIsAnError(t *testing.T) {
	if got, err := sockdiag.Inet(250, unix.IPPROTO_TCP, sockdiag.AllStates); err == nil {
		t.Errorf("Inet(250) = %v; want an error", got)
	}
}

func TestStateNames(t *testing.T) {
	for state, want := range map[sockdiag.State]string{
		1: "ESTABLISHED", 2: "SYN_SENT", 6: "TIME_WAIT", 8: "CLOSE_WAIT", 10: "LISTEN", 12: "NEW_SYN_RECV", 0: "STATE_0", 200: "STATE_200",
	} {
		if got := state.String(); got != want {
			t.Errorf("State(%d) is %q; want %q", uint8(state), got, want)
		}
	}
}

func BenchmarkInet(b *testing.B) {
	listen(b, loopback(), 8)
	for b.Loop() {
		if _, err := sockdiag.Inet(unix.AF_INET, unix.IPPROTO_TCP, sockdiag.States(sockdiag.Listen)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUnix(b *testing.B) {
	for b.Loop() {
		if _, err := sockdiag.Unix(); err != nil {
			b.Fatal(err)
		}
	}
}
