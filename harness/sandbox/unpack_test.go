package sandbox

import (
	"archive/tar"
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// archive is a parcel with entries that Pack would never write.
func archive(t testing.TB, entries ...tar.Header) []byte {
	t.Helper()
	var buffer bytes.Buffer
	out := tar.NewWriter(&buffer)
	for _, entry := range entries {
		entry.Mode, entry.Format = 0o755, tar.FormatPAX
		if entry.Typeflag == tar.TypeReg {
			entry.Size = 1
		}
		if err := out.WriteHeader(&entry); err != nil {
			t.Fatal(err)
		}
		if entry.Typeflag == tar.TypeReg {
			out.Write([]byte("x"))
		}
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	return buffer.Bytes()
}

func wicked(t testing.TB) map[string][]byte {
	file := func(name string) tar.Header { return tar.Header{Typeflag: tar.TypeReg, Name: name} }
	link := func(name, target string) tar.Header {
		return tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: target}
	}
	return map[string][]byte{
		"a name that leads up":        archive(t, file("../outside")),
		"an absolute name":            archive(t, file("/tmp/ipckit-outside")),
		"a name that leads up inside": archive(t, file("a/../../outside")),
		"a link up":                   archive(t, link("up", ".."), file("up/outside")),
		"a link to the root":          archive(t, link("root", "/"), file("root/tmp/ipckit-outside")),
		"a link to a link":            archive(t, link("a", "b"), link("b", "../"), file("a/outside")),
		"a link over a file":          archive(t, link("x", "../outside"), file("x")),
		"the same name twice":         archive(t, file("x"), file("x")),
		"a folder that is a file":     archive(t, file("x"), file("x/y")),
		"a folder that leads up":      archive(t, tar.Header{Typeflag: tar.TypeDir, Name: "../outside"}),
		"the folder itself":           archive(t, file(".")),
	}
}

func TestUnpackRefusesWhatLeadsOut(t *testing.T) {
	for name, data := range wicked(t) {
		t.Run(name, func(t *testing.T) {
			if err := unpackBelow(t, data); err == nil {
				t.Error("unpack succeeded")
			}
		})
	}
}

// unpackBelow unpacks, and looks whether anything was written elsewhere.
func unpackBelow(t testing.TB, data []byte) error {
	t.Helper()
	base := t.TempDir()
	inner := filepath.Join(base, "inner")
	if err := os.Mkdir(inner, 0o755); err != nil {
		t.Fatal(err)
	}
	err := unpack(bytes.NewReader(data), int64(len(data)), inner)
	entries, readErr := os.ReadDir(base)
	if readErr != nil || len(entries) != 1 {
		t.Fatalf("beside the folder: %v, %v", entries, readErr)
	}
	if _, err := os.Lstat("/tmp/ipckit-outside"); err == nil {
		t.Fatal("a file was written to /tmp")
	}
	return err
}

func FuzzUnpack(f *testing.F) {
	for _, data := range wicked(f) {
		f.Add(data)
	}
	f.Add(archive(f, tar.Header{Typeflag: tar.TypeDir, Name: "d"}, tar.Header{Typeflag: tar.TypeReg, Name: "d/f"}))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := unpackBelow(t, data); err != nil {
			return
		}
	})
}
