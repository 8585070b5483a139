package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func TestGeneratedTablesAreCurrent(t *testing.T) {
	files, err := generate()
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != len(architectures) {
		t.Fatalf("generated %d files; want %d", len(files), len(architectures))
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join("..", name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is out of date: run go generate in harness/internal/sysnum", name)
		}
	}
}

// The newer architectures were given only the general forms of the old calls.
func TestOldCallsExistOnAmd64Only(t *testing.T) {
	tables, err := readAll()
	if err != nil {
		t.Fatal(err)
	}
	old := []string{
		"fork", "vfork", "poll", "select", "pause", "dup2", "alarm", "pipe", "epoll_wait", "epoll_create",
		"signalfd", "open", "time", "getpgrp", "arch_prctl",
	}
	for _, name := range old {
		if _, ok := tables["amd64"][name]; !ok {
			t.Errorf("amd64 lacks %s", name)
		}
		if nr, ok := tables["arm64"][name]; ok {
			t.Errorf("arm64 has %s as %d; want none", name, nr)
		}
	}
}

func TestBothArchitecturesShareTheGeneralCalls(t *testing.T) {
	tables, err := readAll()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][2]int{
		"accept4": {288, 242}, "socket": {41, 198}, "read": {0, 63}, "clone": {56, 220}, "clone3": {435, 435},
		"wait4": {61, 260}, "kill": {62, 129}, "rt_sigaction": {13, 134}, "ppoll": {271, 73},
	}
	for name, numbers := range want {
		for i, arch := range architectures {
			if got := tables[arch][name]; got != numbers[i] {
				t.Errorf("%s on %s is %d; want %d", name, arch, got, numbers[i])
			}
		}
	}
}

func TestParseRefusesWhatItDoesNotUnderstand(t *testing.T) {
	for reason, source := range map[string]string{
		"two names for one number": "package unix\nconst (\nSYS_A = 1\nSYS_B = 1\n)\n",
		"a computed value":         "package unix\nconst SYS_A = 1 + 1\n",
		"no value of its own":      "package unix\nconst (\nSYS_A = 1\nSYS_B\n)\n",
		"nothing to read":          "package unix\nconst OTHER = 1\n",
		"no Go":                    "SYS_A 1",
	} {
		path := filepath.Join(t.TempDir(), "zsysnum.go")
		if err := os.WriteFile(path, []byte(source), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := parse(path); err == nil {
			t.Errorf("%s: parsed as %v; want an error", reason, got)
		}
	}
}
