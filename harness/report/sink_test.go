package report_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"ipckit/harness/report"
)

func open(t *testing.T, format, target string) *report.Sink {
	t.Helper()
	s, err := report.OpenSink(format, target)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// names returns what is in the folder.
func names(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return strings.Join(all, " ")
}

func read(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestSinkReplacesWhole(t *testing.T) {
	dir := t.TempDir()
	file, link := filepath.Join(dir, "x.json"), filepath.Join(dir, "link")
	if err := errors.Join(os.WriteFile(file, []byte("before"), 0o640), os.Symlink("x.json", link)); err != nil {
		t.Fatal(err)
	}
	s := open(t, "json", link)
	if got := read(t, file); got != "before" {
		t.Errorf("before Write: %q", got)
	}
	if err := s.Write(passing()); err != nil {
		t.Fatal(err)
	}
	s.Abort()
	if got := read(t, file); got != string(asJSON(t, passing())) {
		t.Errorf("after Write: %q", got)
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if got := names(t, dir); got != "link x.json" {
		t.Errorf("the folder holds %s", got)
	}
	if s.Write(passing()) == nil {
		t.Error("a second Write is accepted")
	}
}

func TestSinkAbort(t *testing.T) {
	dir := t.TempDir()
	s := open(t, "text", filepath.Join(dir, "new.txt"))
	s.Abort()
	s.Abort()
	if got := names(t, dir); got != "" {
		t.Errorf("left behind: %s", got)
	}
}

func TestSinkFormats(t *testing.T) {
	file := filepath.Join(t.TempDir(), "r")
	if err := open(t, "text", file).Write(failing()); err != nil {
		t.Fatal(err)
	}
	if got, want := read(t, file), text(t, failing(), report.TextOptions{Detail: report.Full}); got != want {
		t.Errorf("got %q", got)
	}
}

func TestSinkErrors(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	if err := errors.Join(os.WriteFile(at("file"), nil, 0o644), syscall.Mkfifo(at("fifo"), 0o600)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, format, target, want string }{
		{"unknown format", "xml", at("x"), `unknown report format "xml": use json or text`},
		{"no name", "json", "", "create report : no file name"},
		{"directory", "json", dir, "create report " + dir + ": is a directory"},
		{"no folder", "json", at("none/x"), "create report " + at("none/x") + ": there is no folder " + at("none")},
		{"file as folder", "json", at("file/x"), "create report " + at("file/x") + ": not a directory"},
		{"fifo without a reader", "json", at("fifo"), "create report " + at("fifo") + ": nobody reads from it yet"},
		{"escape in the name", "json", at("\x1b[2J/x"), "create report " + dir + `/\x1b[2J/x: there is no folder ` + dir + `/\x1b[2J`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := report.OpenSink(c.format, c.target); err == nil || err.Error() != c.want {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
	if got := names(t, dir); got != "fifo file" {
		t.Errorf("left behind: %s", got)
	}
}

func TestSinkPermission(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("permissions do not stop user 0")
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "x.json")
	if err := os.WriteFile(file, nil, 0o400); err != nil {
		t.Fatal(err)
	}
	_, err := report.OpenSink("json", file)
	if !errors.Is(err, fs.ErrPermission) || err.Error() != "create report "+file+": permission denied" {
		t.Errorf("got %v", err)
	}
}

func TestSinkWritesDirectly(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	got := make(chan string)
	go func() {
		b, _ := os.ReadFile(fifo)
		got <- string(b)
	}()
	s, err := report.OpenSink("json", fifo)
	for deadline := time.Now().Add(5 * time.Second); err != nil && time.Now().Before(deadline); s, err = report.OpenSink("json", fifo) {
		time.Sleep(time.Millisecond) // until the reader has opened it
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Write(passing()); err != nil {
		t.Fatal(err)
	}
	if want := string(asJSON(t, passing())); <-got != want {
		t.Error("the reader got something else")
	}
	for _, device := range []string{"/dev/null", "-"} {
		open(t, "json", device).Abort()
	}
	if err := open(t, "json", "/dev/null").Write(passing()); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat("/dev/null"); err != nil || info.Mode()&fs.ModeCharDevice == 0 {
		t.Error("/dev/null was replaced")
	}
	if err := open(t, "json", "/dev/full").Write(passing()); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("a full device: %v", err)
	}
}

// What cannot get its name is not lost.
func TestSinkKeepsTheReport(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.json")
	s := open(t, "json", file)
	if err := os.Mkdir(file, 0o755); err != nil {
		t.Fatal(err)
	}
	err := s.Write(passing())
	if err == nil || !strings.Contains(err.Error(), "it is in ") {
		t.Fatalf("got %v", err)
	}
	_, kept, _ := strings.Cut(strings.TrimSuffix(err.Error(), ")"), "it is in ")
	if read(t, kept) != string(asJSON(t, passing())) {
		t.Error("the kept file is not the report")
	}
}
