package recorder

// struct epoll_event (epoll_event(3type)).
const (
	epollEventSize = 16
	epollEventData = 8
)
