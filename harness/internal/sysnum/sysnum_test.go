package sysnum_test

import (
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"ipckit/harness/internal/sysnum"
)

func TestNamesAndNumbersAgreeWithUnix(t *testing.T) {
	for name, nr := range map[string]int{
		"accept4": unix.SYS_ACCEPT4, "read": unix.SYS_READ, "rt_sigaction": unix.SYS_RT_SIGACTION,
		"newfstatat": unix.SYS_NEWFSTATAT, "io_uring_setup": unix.SYS_IO_URING_SETUP, "futex": unix.SYS_FUTEX,
	} {
		if got := sysnum.Name(int64(nr)); got != name {
			t.Errorf("Name(%d) = %q; want %q", nr, got, name)
		}
		if got, ok := sysnum.Number(name); got != nr || !ok {
			t.Errorf("Number(%q) = %d, %v; want %d, true", name, got, ok, nr)
		}
	}
}

func TestUnknownNumbersAreShownAsNumbers(t *testing.T) {
	for nr, want := range map[int64]string{
		-1: "syscall_-1", 100000: "syscall_100000", 1 << 30: "syscall_1073741824", 1 << 40: "syscall_1099511627776",
	} {
		if got := sysnum.Name(nr); got != want {
			t.Errorf("Name(%d) = %q; want %q", nr, got, want)
		}
	}
}

func TestGapsInTheTableHaveNoName(t *testing.T) {
	if got, ok := sysnum.Number(""); ok {
		t.Fatalf("Number(\"\") = %d, true; want false", got)
	}
	gap := int64(400) // numbers 387..423 are unused on amd64, 295..402 on arm64
	if got := sysnum.Name(gap); got != "syscall_400" {
		t.Errorf("Name(%d) = %q; want syscall_400", gap, got)
	}
}

func TestEveryNumberGoesThereAndBack(t *testing.T) {
	found := 0
	for nr := range int64(1024) {
		if back, ok := sysnum.Number(sysnum.Name(nr)); ok {
			found++
			if int64(back) != nr {
				t.Errorf("Number(Name(%d)) = %d", nr, back)
			}
		}
	}
	if found < 300 {
		t.Errorf("only %d system calls in the table; want at least 300", found)
	}
}

func TestKnownTellsAbsentFromMisspelt(t *testing.T) {
	for name, want := range map[string]bool{
		"accept4": true, "fork": true, "poll": true, "pause": true, "acept4": false, "": false, "syscall_1": false,
	} {
		if got := sysnum.Known(name); got != want {
			t.Errorf("Known(%q) = %v; want %v", name, got, want)
		}
	}
	if _, ok := sysnum.Number("fork"); ok != (runtime.GOARCH == "amd64") {
		t.Errorf("fork is present on %s: %v", runtime.GOARCH, ok)
	}
}
