package subject

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// elfFile is a minimal ELF program for this machine, to be spoilt by a row: a header, two program headers (one
// of no meaning, which a row may turn into PT_INTERP, and one PT_LOAD for everything) and a few bytes.
type elfFile struct {
	elf.Header64
	progs []elf.Prog64
	tail  string
}

func newELF() *elfFile {
	h := host()
	f := &elfFile{tail: strings.Repeat("\x90", 32)}
	copy(f.Ident[:], elf.ELFMAG)
	f.Ident[elf.EI_CLASS], f.Ident[elf.EI_DATA], f.Ident[elf.EI_VERSION] = byte(h.class), byte(h.data), 1
	f.Type, f.Machine, f.Version, f.Entry = uint16(elf.ET_EXEC), uint16(h.machine), 1, 0x400080
	f.Ehsize, f.Phoff, f.Phentsize = 64, 64, progSize
	f.progs = []elf.Prog64{
		{Type: uint32(elf.PT_NULL), Off: 64 + 2*progSize},
		{Type: uint32(elf.PT_LOAD), Flags: 5, Vaddr: 0x400000, Filesz: 64 + 2*progSize + 32, Memsz: 64 + 2*progSize + 32},
	}
	return f
}

func (f *elfFile) bytes() []byte {
	order := byteOrder(host().data)
	f.Phnum = uint16(len(f.progs))
	var b bytes.Buffer
	binary.Write(&b, order, f.Header64)
	binary.Write(&b, order, f.progs)
	b.WriteString(f.tail)
	return b.Bytes()
}

func elfRow(spoil func(*elfFile)) func(*testing.T, string) string {
	f := newELF()
	spoil(f)
	return file("a.out", string(f.bytes()))
}

func elfCut(length int) func(*testing.T, string) string {
	return file("a.out", string(newELF().bytes()[:length]))
}

// elfLoader names a dynamic loader, as given: the NUL at its end is the row's business.
func elfLoader(name string) func(*testing.T, string) string {
	return elfRow(func(f *elfFile) {
		f.progs[0].Type, f.progs[0].Filesz = uint32(elf.PT_INTERP), uint64(len(name))
		f.tail = name + f.tail
	})
}

// elfLibrary has an entry point, needs another library, and has nobody to load it.
func elfLibrary(t *testing.T, dir string) string {
	return elfRow(func(f *elfFile) {
		var dynamic bytes.Buffer
		must(t, binary.Write(&dynamic, byteOrder(host().data), elf.Dyn64{Tag: int64(elf.DT_NEEDED), Val: 1}))
		f.Type, f.tail = uint16(elf.ET_DYN), dynamic.String()+f.tail
		f.progs[0].Type, f.progs[0].Filesz = uint32(elf.PT_DYNAMIC), uint64(dynamic.Len())
	})(t, dir)
}

// otherMachine is a 64-bit machine of the same byte order as this one, and not this one.
func otherMachine() architecture {
	for _, a := range architectures {
		if h := host(); a.class == h.class && a.data == h.data && a.machine != h.machine {
			return a
		}
	}
	return architecture{machine: elf.EM_ALPHA, word: "alpha"}
}

// patchedSelf is a copy of the test binary with another e_machine.
func patchedSelf(t *testing.T, dir string) string {
	self, err := os.Executable()
	must(t, err)
	content, err := os.ReadFile(self)
	must(t, err)
	byteOrder(host().data).PutUint16(content[18:], uint16(otherMachine().machine))
	must(t, os.WriteFile(filepath.Join(dir, "a.out"), content, 0o755))
	return "./a.out"
}
