package subject

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
)

// programIn makes a folder with a program in it.
func programIn(t *testing.T) (string, Subject) {
	t.Helper()
	dir := t.TempDir()
	s, err := OpenFrom(dir, Server, file("server", script)(t, dir), nil, nil)
	must(t, err)
	return filepath.Dir(s.Path), s
}

func TestSiblings(t *testing.T) {
	dir, s := programIn(t)
	must(t, os.MkdirAll(filepath.Join(dir, "lib/deep"), 0o750))
	fileMode("lib/deep/module.py", "x = 1\n", 0o640)(t, dir)
	fileMode("lib-config", "12", 0o600)(t, dir)
	must(t, os.Symlink("/etc", filepath.Join(dir, "outside")))
	must(t, os.Symlink(".", filepath.Join(dir, "lib/self")))
	must(t, syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600))

	got, err := s.Siblings(1 << 20)
	must(t, err)
	for i := range got.Entries {
		if got.Entries[i].Mode.Type() == fs.ModeSymlink {
			got.Entries[i].Mode = fs.ModeSymlink // its permission bits mean nothing
		}
	}
	want := Folder{
		Root: dir,
		Entries: []Entry{
			{Path: "lib", Mode: fs.ModeDir | 0o750},
			{Path: "lib-config", Mode: 0o600, Size: 2},
			{Path: "lib/deep", Mode: fs.ModeDir | 0o750},
			{Path: "lib/deep/module.py", Mode: 0o640, Size: 6},
			{Path: "lib/self", Mode: fs.ModeSymlink, Target: "."},
			{Path: "outside", Mode: fs.ModeSymlink, Target: "/etc"},
			{Path: "server", Mode: 0o755, Size: int64(len(script))},
		},
		Skipped: []Skipped{{"pipe", "a fifo"}},
		Bytes:   int64(len(script)) + 8,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestSiblingsTooLarge(t *testing.T) {
	for name, row := range map[string]struct {
		limit int64
		fill  func(t *testing.T, dir string)
		says  string
	}{
		"bytes": {1000, func(t *testing.T, dir string) {
			fileMode("data", strings.Repeat("x", 1001), 0o644)(t, dir)
		}, "more than 1000 bytes"},
		"a hole counts as its length": {1 << 30, func(t *testing.T, dir string) {
			fileMode("data", "", 0o644)(t, dir)
			must(t, os.Truncate(filepath.Join(dir, "data"), 1<<40))
		}, "more than 1073741824 bytes"},
		"entries": {1 << 30, func(t *testing.T, dir string) {
			for i := range 30 {
				must(t, os.Symlink("x", filepath.Join(dir, fmt.Sprint(i))))
			}
		}, "more than 30 entries"},
	} {
		t.Run(name, func(t *testing.T) {
			dir, s := programIn(t)
			row.fill(t, dir)
			got, err := s.siblings(row.limit, 30)
			var tooLarge *TooLargeError
			if !errors.As(err, &tooLarge) || tooLarge.Limit != row.limit || !strings.Contains(err.Error(), row.says) {
				t.Fatalf("got %v; want a TooLargeError that says %q", err, row.says)
			}
			if len(got.Entries) != 1 || got.Entries[0].Path != "server" || got.Bytes != s.Size {
				t.Errorf("got %+v; want the program alone", got)
			}
		})
	}
}

func TestSiblingsDeep(t *testing.T) {
	dir, s := programIn(t)
	must(t, os.MkdirAll(filepath.Join(dir, strings.Repeat("d/", maxDepth+5)), 0o755))
	got, err := s.Siblings(1 << 20)
	if err != nil || len(got.Entries) != maxDepth+1 || len(got.Skipped) != 1 {
		t.Errorf("got %d entries, skipped %v, %v; want %d folders, the program, and one skipped",
			len(got.Entries), got.Skipped, err, maxDepth)
	}
}

// TestSiblingsElsewhere needs no mount of its own: / has /proc on it everywhere. Only /'s own file system is walked,
// and no further than the limit.
func TestSiblingsElsewhere(t *testing.T) {
	root, err := os.OpenRoot("/")
	must(t, err)
	defer root.Close()
	info, err := root.Lstat(".")
	must(t, err)
	w := &walk{folder: Folder{Root: "/"}, root: root, device: deviceOf(info)}
	if _, reason := w.look("proc"); reason != "on another file system" {
		t.Errorf("/proc: got reason %q", reason)
	}
}

func TestSiblingsGone(t *testing.T) {
	dir, s := programIn(t)
	must(t, os.RemoveAll(dir))
	if got, err := s.Siblings(1); !errors.Is(err, fs.ErrNotExist) || len(got.Entries) != 0 {
		t.Errorf("got %+v, %v; want an error", got, err)
	}
}
