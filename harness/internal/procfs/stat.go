package procfs

import (
	"bytes"
	"os"
	"strconv"
	"strings"
	"time"
)

// A Stat is the part of proc_pid_stat(5) that is of use.
type Stat struct {
	PID       int
	Comm      string // the name of the executable, at most 15 bytes, any bytes
	State     byte   // R running, S sleeping, D waiting for a disk, Z zombie, T stopped, t stopped by a tracer, ...
	PPID      int
	PGRP      int
	Session   int
	TTY       int           // device number of the controlling terminal, 0 if none
	TPGID     int           // foreground process group of that terminal, -1 if none
	UTime     time.Duration // in user mode, all threads of a process together
	STime     time.Duration // in kernel mode
	Threads   int
	StartTime uint64 // in ticks after boot
}

// Tick is the unit of times in stat: USER_HZ is 100 on both architectures.
const Tick = time.Second / 100

// ReadStat returns the stat of pid.
//
//	stat, err := procfs.ReadStat(pid)
//	zombie := err == nil && stat.State == 'Z'
func ReadStat(pid int) (Stat, error) {
	data, err := os.ReadFile(path(pid, "stat"))
	if err != nil {
		return Stat{}, err
	}
	return parseStat(data)
}

// Fields after the name, counted from the state, which proc_pid_stat(5) calls
// the third.
const (
	fieldState = iota
	fieldPPID
	fieldPGRP
	fieldSession
	fieldTTY
	fieldTPGID
	fieldUTime     = 14 - 3
	fieldSTime     = 15 - 3
	fieldThreads   = 20 - 3
	fieldStartTime = 22 - 3
)

// parseStat looks for the last parenthesis: a name may hold parentheses, spaces
// and newlines, and what follows it holds none of the first.
func parseStat(data []byte) (Stat, error) {
	open, shut := bytes.IndexByte(data, '('), bytes.LastIndexByte(data, ')')
	if open < 0 || shut < open {
		return Stat{}, &SyntaxError{"stat", "line", clip(data)}
	}
	fields := fields{file: "stat", values: strings.Fields(string(data[shut+1:]))}
	stat := Stat{
		Comm:      string(data[open+1 : shut]),
		State:     fields.letter(fieldState),
		PPID:      fields.int(fieldPPID),
		PGRP:      fields.int(fieldPGRP),
		Session:   fields.int(fieldSession),
		TTY:       fields.int(fieldTTY),
		TPGID:     fields.int(fieldTPGID),
		UTime:     time.Duration(fields.uint(fieldUTime)) * Tick,
		STime:     time.Duration(fields.uint(fieldSTime)) * Tick,
		Threads:   fields.int(fieldThreads),
		StartTime: fields.uint(fieldStartTime),
	}
	pid := strings.TrimSpace(string(data[:open]))
	var err error
	if stat.PID, err = strconv.Atoi(pid); err != nil {
		return Stat{}, &SyntaxError{"stat", "pid", pid}
	}
	if fields.err != nil {
		return Stat{}, fields.err
	}
	return stat, nil
}

// clip keeps an error message short.
func clip(data []byte) string { return string(data[:min(len(data), 80)]) }

// fields reads a row of words, and keeps the first error.
type fields struct {
	file   string
	values []string
	err    error
}

func (f *fields) word(i int) string {
	if i < len(f.values) {
		return f.values[i]
	}
	f.fail(i, "")
	return ""
}

func (f *fields) fail(i int, value string) {
	if f.err == nil {
		f.err = &SyntaxError{f.file, "field " + strconv.Itoa(i), value}
	}
}

func (f *fields) letter(i int) byte {
	word := f.word(i)
	if len(word) != 1 {
		f.fail(i, word)
		return 0
	}
	return word[0]
}

func (f *fields) int(i int) int {
	n, err := strconv.Atoi(f.word(i))
	if err != nil {
		f.fail(i, f.word(i))
	}
	return n
}

func (f *fields) uint(i int) uint64 {
	n, err := strconv.ParseUint(f.word(i), 10, 64)
	if err != nil {
		f.fail(i, f.word(i))
	}
	return n
}
