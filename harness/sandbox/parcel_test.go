package sandbox_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"ipckit/harness/sandbox"
	"ipckit/harness/subject"
)

func TestFilesBesideTheProgramComeAlong(t *testing.T) {
	dir := folder(t)
	path := filepath.Join(dir, "my program")
	writeFile(t, path, `#!/bin/sh
cd "${0%/*}" && pwd
find . -type f -o -type l -o -type p -o -type c -o -type s | sort
cat beside sub/deep copy
( : > new ) 2>/dev/null && echo new file
( : >> beside ) 2>/dev/null && echo changed
rm -f beside 2>/dev/null; chmod 777 . 2>/dev/null; ls beside
cat outside 2>/dev/null
exit 0
`, 0o755)
	writeFile(t, filepath.Join(dir, "beside"), "beside\n", 0o604)
	if err := os.MkdirAll(filepath.Join(dir, "sub", "...", "..hidden"), 0o755); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "sub", "deep"), "deep\n", 0o444)
	writeFile(t, filepath.Join(dir, "sub", "...", "..hidden", "..x"), "", 0o4755)
	hidden := filepath.Join(folder(t), "hidden")
	writeFile(t, hidden, "swordfish\n", 0o644)
	for _, err := range []error{
		os.Link(filepath.Join(dir, "beside"), filepath.Join(dir, "copy")),
		os.Symlink(hidden, filepath.Join(dir, "outside")),
		os.Symlink("../../../../etc/passwd", filepath.Join(dir, "sub", "up")),
		os.Symlink(".", filepath.Join(dir, "loop")),
		unix.Mkfifo(filepath.Join(dir, "fifo"), 0o666),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if os.Getuid() == 0 {
		if err := unix.Mknod(filepath.Join(dir, "device"), unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))); err != nil {
			t.Fatal(err)
		}
	}
	want := "/run/ipckit/programs/0\n./beside\n./copy\n./loop\n./my program\n./outside\n./sub/.../..hidden/..x\n./sub/deep\n./sub/up\n" +
		"beside\ndeep\nbeside\nbeside\n"
	for _, p := range persons(t) {
		if got := p.output(t, order{Isolation: sandbox.Namespaces, Path: path, Argv: []string{"other name"}}); got != want {
			t.Errorf("%s: the program saw\n%s\nwant\n%s", p.name, got, want)
		}
	}
}

func TestProgramKeepsItsName(t *testing.T) {
	for _, rung := range rungs {
		for _, p := range persons(t) {
			o := order{Isolation: rung, Path: "/usr/bin/readlink", Argv: []string{"another", "/proc/self/exe"}}
			if got := p.output(t, o); filepath.Base(strings.TrimSpace(got)) != "readlink" {
				t.Errorf("%s, %s: /proc/self/exe is %q", p.name, rung, got)
			}
			o = order{Isolation: rung, Path: "/usr/bin/cat", Argv: []string{"another", "/proc/self/cmdline"}}
			if got := p.output(t, o); got != "another\x00/proc/self/cmdline\x00" {
				t.Errorf("%s, %s: the argument list is %q", p.name, rung, got)
			}
		}
	}
}

func TestLargeFolderStaysBehind(t *testing.T) {
	dir := folder(t)
	path := filepath.Join(dir, "program")
	writeFile(t, path, "#!/bin/sh\nls \"${0%/*}\"\n", 0o755)
	large, err := os.Create(filepath.Join(dir, "large"))
	if err != nil {
		t.Fatal(err)
	}
	if err := large.Truncate(sandbox.FolderLimit + 1); err != nil { // a hole: it takes no room
		t.Fatal(err)
	}
	large.Close()
	o := order{Isolation: sandbox.Namespaces, Path: path, Argv: []string{"program"}}
	if got := persons(t)[0].output(t, o); got != "program\n" {
		t.Errorf("beside the program: %q; want it alone", got)
	}
}

func TestFolderOfManyFilesComesAlong(t *testing.T) {
	dir := folder(t)
	path := filepath.Join(dir, "program")
	writeFile(t, path, "#!/bin/sh\nls \"${0%/*}\" | wc -l\n", 0o755)
	const many = 5000
	for i := range many {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprint(i)), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	o := order{Isolation: sandbox.Namespaces, Path: path, Argv: []string{"program"}}
	if got := strings.TrimSpace(persons(t)[0].output(t, o)); got != fmt.Sprint(many+1) {
		t.Errorf("%s files beside the program; want %d", got, many+1)
	}
}

func TestProgramChangedAfterPackingStaysAsItWas(t *testing.T) {
	path := script(t, "echo before\n")
	parcel := pack(t, path)
	writeFile(t, path, "#!/bin/sh\necho after\n", 0o755)
	for range 2 {
		got, err := (order{Isolation: sandbox.Namespaces, Argv: []string{"program"}}).performWith(t.Context(), parcel)
		if err != nil || got.Output != "before\n" {
			t.Errorf("the program said %q, %v", got.Output, err)
		}
	}
}

func TestProgramThatCannotBePackedIsNamed(t *testing.T) {
	dir := folder(t)
	fifo := filepath.Join(dir, "fifo")
	if err := unix.Mkfifo(fifo, 0o777); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(dir, "nothing"), fifo, dir, "/dev/zero"} {
		before := descriptors(t)
		if p, err := sandbox.Pack(subject.Subject{Path: path}); err == nil || !strings.Contains(err.Error(), "copy "+path) {
			t.Errorf("Pack(%s) = %v, %v; want an error that names it", path, p, err)
		}
		if after := descriptors(t); after != before {
			t.Errorf("Pack(%s): %d descriptors; there were %d", path, after, before)
		}
	}
}

func TestProgramThatCannotBeExecutedSaysWhy(t *testing.T) {
	dir := folder(t)
	lost := filepath.Join(dir, "lost")
	writeFile(t, lost, "#!/nonexistent/interpreter\n", 0o755)
	plain := filepath.Join(dir, "plain")
	writeFile(t, plain, "no program", 0o644)
	for path, want := range map[string]string{lost: "execve: no such file or directory", plain: "execve: permission denied"} {
		for _, rung := range rungs {
			r := persons(t)[0].run(t, order{Isolation: rung, Path: path, Argv: []string{"program"}})
			if r.Error != want {
				t.Errorf("%s, %s: %q; want %q", path, rung, r.Error, want)
			}
		}
	}
}

func TestArgumentsTooLargeAreRefused(t *testing.T) {
	r := persons(t)[0].run(t, order{Isolation: sandbox.Namespaces, Path: script(t, ""), Argv: []string{"program", strings.Repeat("x", 1<<20)}})
	if !strings.Contains(r.Error, "too large") {
		t.Errorf("a megabyte of arguments: %+v", r)
	}
}
