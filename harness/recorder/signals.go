package recorder

import (
	"strings"

	"ipckit/harness/internal/ptrace"
	"ipckit/harness/recording"
)

// codes are the names of si_code that mean the same for every signal
// (sigaction(2)).
var codes = map[int32]string{
	ptrace.SI_USER: "SI_USER", ptrace.SI_KERNEL: "SI_KERNEL", ptrace.SI_QUEUE: "SI_QUEUE", ptrace.SI_TIMER: "SI_TIMER",
	ptrace.SI_MESGQ: "SI_MESGQ", ptrace.SI_SIGIO: "SI_SIGIO", ptrace.SI_TKILL: "SI_TKILL",
}

// childCodes are those of SIGCHLD.
var childCodes = map[int32]string{
	ptrace.CLD_EXITED: "CLD_EXITED", ptrace.CLD_KILLED: "CLD_KILLED", ptrace.CLD_DUMPED: "CLD_DUMPED",
	ptrace.CLD_TRAPPED: "CLD_TRAPPED", ptrace.CLD_STOPPED: "CLD_STOPPED", ptrace.CLD_CONTINUED: "CLD_CONTINUED",
}

func codeName(s recording.Signal, code int32) string {
	if s == recording.SIGCHLD && childCodes[code] != "" {
		return childCodes[code]
	}
	return codes[code]
}

func hasFlag(a recording.Action, flag uint64) bool {
	return strings.Contains(a.Flags, flagText(flag, actionFlags))
}
