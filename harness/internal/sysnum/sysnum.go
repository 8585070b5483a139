// Package sysnum maps Linux system call names to numbers and back, for the
// architecture the program is built for.
//
// The tables are generated from golang.org/x/sys/unix, so they grow when that
// module is upgraded and nobody types a number. Names are the kernel's, in
// lower case: "accept4", "newfstatat", "_sysctl".
package sysnum

import (
	"slices"
	"strconv"
	"sync"
)

//go:generate go run ./gen

var numbers = sync.OnceValue(func() map[string]int {
	byName := make(map[string]int, len(names))
	for nr, name := range names {
		if name != "" {
			byName[name] = nr
		}
	}
	return byName
})

// Name returns the name of system call nr, or "syscall_NNN" for a number that
// this architecture's table does not know.
func Name(nr int64) string {
	if nr >= 0 && nr < int64(len(names)) && names[nr] != "" {
		return names[nr]
	}
	return "syscall_" + strconv.FormatInt(nr, 10)
}

// Number returns the number of the system call called name. It reports false
// when this architecture has no such call: arm64, for example, has neither
// fork nor poll.
func Number(name string) (int, bool) {
	nr, ok := numbers()[name]
	return nr, ok
}

// Known reports whether any supported architecture has a system call called
// name. It tells a call that is merely absent here from a misspelt one.
func Known(name string) bool {
	if _, ok := Number(name); ok {
		return true
	}
	_, ok := slices.BinarySearch(elsewhere[:], name)
	return ok
}
