package recorder

// struct epoll_event is packed on amd64 (epoll_event(3type)).
const (
	epollEventSize = 12
	epollEventData = 4
)
