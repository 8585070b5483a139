package sandbox_test

import (
	"fmt"
	"os"
	"strings"
)

// faultyPath in PATH, the variable that the kit passes on to PID 1, makes the
// test binary one whose main lacks the call of MaybeChild.
const faultyPath = "/nonexistent/faulty-"

func maybeFaulty() {
	first, _, _ := strings.Cut(os.Getenv("PATH"), ":")
	how, faulty := strings.CutPrefix(first, faultyPath)
	if !faulty || !strings.HasPrefix(os.Args[0], "kit-") {
		return
	}
	fmt.Println(how)
}
