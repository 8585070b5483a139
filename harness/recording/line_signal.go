package recording

import "fmt"

// signalText says who sent a signal and what it does: "gets SIGTERM from the
// parent (process 7): its handler runs".
func (r *Recording) signalText(e *Event) string {
	return fmt.Sprintf("gets %v %s: %s", e.Signal.Signal, r.origin(e), fateWords(e.Signal))
}

func (r *Recording) origin(e *Event) string {
	s := e.Signal
	switch {
	case s.Signal == SIGCHLD && s.Sender != 0:
		return fmt.Sprintf("because %s %s", r.withNumber(e, s.Sender), childWords(s))
	case s.CodeName == "SI_KERNEL" && keyOf[s.Signal] != "":
		return "from the terminal"
	case s.CodeName == "SI_KERNEL", s.Signal == SIGPIPE && s.Sender == e.PID:
		return "from the kernel"
	case s.CodeName == "SI_TIMER":
		return "from a timer"
	case s.Sender != 0:
		return "from " + r.withNumber(e, s.Sender)
	case s.CodeName == "SI_USER":
		return "from the kit"
	}
	return fmt.Sprintf("from the kernel (code %d)", s.Code)
}

// keyOf are the signals that a terminal sends, and how it is made to.
var keyOf = map[Signal]string{
	SIGHUP: "the terminal was closed", SIGINT: "Ctrl+C was typed", SIGQUIT: `Ctrl+\ was typed`, SIGTSTP: "Ctrl+Z was typed",
}

func childWords(s *Deliver) string {
	words := map[string]string{
		"CLD_EXITED": "has exited", "CLD_KILLED": "was killed by a signal", "CLD_DUMPED": "was killed by a signal, with a core dump",
		"CLD_STOPPED": "was stopped", "CLD_CONTINUED": "goes on", "CLD_TRAPPED": "was trapped",
	}[s.CodeName]
	if words == "" {
		return "says so"
	}
	return words + " (" + s.CodeName + ")"
}

func fateWords(s *Deliver) string {
	switch {
	case s.Fate == FateHandled:
		return "its handler runs"
	case s.Fate == FateIgnored && s.Signal == SIGCONT:
		return "no handler runs"
	case s.Fate == FateIgnored:
		return "ignored"
	case s.Fate != FateDefault:
		return s.Fate
	case stops[s.Signal]:
		return "it is stopped"
	}
	return "it is killed"
}

// stops are the signals whose default action is to stop (signal(7)).
var stops = map[Signal]bool{SIGSTOP: true, SIGTSTP: true, 21: true, 22: true}

func (r *Recording) signalGloss(e *Event) string {
	s := e.Signal
	switch {
	case s.Signal == SIGPIPE:
		return "it wrote to a connection or pipe that nobody reads any more"
	case s.CodeName == "SI_KERNEL" && keyOf[s.Signal] != "":
		return keyOf[s.Signal] + ": every process in the foreground gets it"
	case s.Signal == SIGCHLD && s.Fate == FateIgnored:
		return "ignored by default; only a wait call collects a child"
	case s.Fate == FateDefault && s.Signal != SIGKILL && s.Signal != SIGSTOP:
		return "it has no handler for this signal, so the default action takes place"
	case s.Fate == FateDefault:
		return "no program can catch or ignore this one"
	}
	return ""
}
