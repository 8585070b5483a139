package recorder

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"ipckit/harness/recording"
	"ipckit/harness/scenario"
)

// conn is our end of a connection: scenario.Conn. It reads from the first call
// of Receive or Received on, so that a script can leave bytes unread.
type conn struct {
	stage  *stage
	name   string
	cancel context.CancelFunc
	read   sync.Once

	mu    sync.Mutex
	tcp   *net.TCPConn
	got   []byte
	ended bool
	err   error
}

func (s *stage) peer(p recording.Peer) {
	s.out.emit(&recording.Event{Kind: recording.KindPeer, Peer: &p})
}

func (s *stage) Dial(client string, port int) scenario.Conn {
	c := s.Try(client, port).(*conn)
	s.Await(fmt.Sprintf("%s connects to port %d", client, port), scenario.Soon, func() bool { return c.Connected() || c.failed() != nil })
	if err := c.failed(); err != nil {
		panic(unreached{fmt.Sprintf("%s connects to port %d", client, port), errno(err).String()})
	}
	return c
}

func (s *stage) Try(client string, port int) scenario.Conn {
	ctx, cancel := context.WithCancel(context.Background())
	c := &conn{stage: s, name: client, cancel: cancel}
	s.closing = append(s.closing, closer(c.drop))
	to := recording.Addr{Family: "AF_INET", IP: "127.0.0.1", Port: port}
	s.peer(recording.Peer{Name: client, Act: recording.ActDial, Remote: &to})
	go c.dial(ctx, to)
	return c
}

type closer func()

func (c closer) Close() error { c(); return nil }

func (c *conn) dial(ctx context.Context, to recording.Addr) {
	dialer := net.Dialer{KeepAlive: -1}
	dialer.SetMultipathTCP(false)
	made, err := dialer.DialContext(ctx, "tcp4", to.String())
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		c.err = err
		c.stage.peer(recording.Peer{Name: c.name, Act: recording.ActFailed, Remote: &to, Errno: errno(err)})
		return
	}
	c.tcp = made.(*net.TCPConn)
	local := address4(c.tcp.LocalAddr())
	c.stage.peer(recording.Peer{Name: c.name, Act: recording.ActConnected, Local: &local, Remote: &to})
}

// errno returns the error number in a network error; a dial that we gave up has
// none, and counts as timed out.
func errno(err error) recording.Errno {
	var n unix.Errno
	if errors.As(err, &n) {
		return recording.Errno(n)
	}
	return recording.Errno(unix.ETIMEDOUT)
}

func address4(a net.Addr) recording.Addr {
	ap, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return recording.Addr{}
	}
	return recording.Addr{Family: "AF_INET", IP: ap.Addr().Unmap().String(), Port: int(ap.Port())}
}

func (c *conn) Connected() bool { return c.socket() != nil }

func (c *conn) socket() *net.TCPConn {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.tcp
}

func (c *conn) failed() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

func (c *conn) act(a recording.Act, err error) {
	p := recording.Peer{Name: c.name, Act: a}
	if err != nil {
		p.Errno = errno(err)
	}
	c.stage.peer(p)
}

// sendLimit bounds a write to somebody who does not read.
const sendLimit = 5 * time.Second

func (c *conn) Send(data []byte) {
	tcp := c.socket()
	sent := c.stage.out.data(data)
	c.stage.peer(recording.Peer{Name: c.name, Act: recording.ActSent, Data: &sent})
	tcp.SetWriteDeadline(time.Now().Add(c.stage.scaled(sendLimit)))
	if _, err := tcp.Write(data); err != nil {
		c.act(recording.ActFailed, err)
	}
}

// receive reads until the connection ends.
func (c *conn) receive() {
	buffer := make([]byte, 64<<10)
	for {
		n, err := c.tcp.Read(buffer)
		if n > 0 {
			data := c.stage.out.data(buffer[:n])
			c.mu.Lock()
			c.got = append(c.got, buffer[:n]...)
			c.mu.Unlock()
			c.stage.peer(recording.Peer{Name: c.name, Act: recording.ActReceived, Data: &data})
		}
		if err == nil {
			continue
		}
		switch {
		case errors.Is(err, io.EOF):
			c.act(recording.ActEOF, nil)
		case errors.Is(err, net.ErrClosed):
		default:
			c.act(recording.ActReset, err)
		}
		c.mu.Lock()
		c.ended = true
		c.mu.Unlock()
		c.stage.out.poke()
		return
	}
}

func (c *conn) reading() { c.read.Do(func() { go c.receive() }) }

func (c *conn) Received() []byte {
	c.reading()
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.got
}

func (c *conn) over() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ended
}

func (c *conn) Receive(enough func([]byte) bool) ([]byte, bool) {
	because := c.stage.wait(scenario.Soon, nap, func() bool { return enough(c.Received()) || c.over() })
	if because != "" && !c.over() {
		c.act(recording.ActTimeout, nil)
		return c.Received(), true
	}
	return c.Received(), c.over()
}

func (c *conn) HalfClose() {
	c.act(recording.ActHalfClose, nil)
	if err := c.socket().CloseWrite(); err != nil {
		c.act(recording.ActFailed, err)
	}
}

func (c *conn) Close() {
	c.act(recording.ActClosed, nil)
	c.drop()
}

func (c *conn) drop() {
	c.cancel()
	if tcp := c.socket(); tcp != nil {
		tcp.Close()
	}
}

func (c *conn) Reset() {
	c.socket().SetLinger(0)
	c.act(recording.ActReset, nil)
	c.drop()
}

// listener is our listening socket: scenario.Listener.
type listener struct {
	stage *stage
	name  string
	tcp   *net.TCPListener
}

func (s *stage) Listen(server string, port int) scenario.Listener {
	var config net.ListenConfig
	config.SetMultipathTCP(false)
	local := recording.Addr{Family: "AF_INET", IP: "127.0.0.1", Port: port}
	made, err := config.Listen(context.Background(), "tcp4", local.String())
	s.must(err)
	s.closing = append(s.closing, made)
	s.peer(recording.Peer{Name: server, Act: recording.ActListen, Local: &local})
	return &listener{stage: s, name: server, tcp: made.(*net.TCPListener)}
}

func (l *listener) Accept(client string) scenario.Conn {
	got := make(chan *net.TCPConn, 1)
	go func() {
		if c, err := l.tcp.AcceptTCP(); err == nil {
			got <- c
			l.stage.out.poke()
		}
	}()
	var c *net.TCPConn
	l.stage.Await(client+" connects", scenario.Soon, func() bool {
		select {
		case c = <-got:
		default:
		}
		return c != nil
	})
	remote := address4(c.RemoteAddr())
	l.stage.peer(recording.Peer{Name: l.name, Act: recording.ActAccepted, Remote: &remote})
	made := &conn{stage: l.stage, name: l.name, cancel: func() {}, tcp: c}
	l.stage.closing = append(l.stage.closing, closer(made.drop))
	return made
}

func (l *listener) Close() { l.tcp.Close() }
