package subject

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
)

// The kernel's own bounds on an ELF file; see fs/binfmt_elf.c.
const (
	progSize     = 56       // sizeof(Elf64_Phdr)
	progTableMax = 64 << 10 // program headers altogether
	dynamicMax   = 64 << 10 // of a dynamic section, our own: hundreds of entries are many
	loaderMax    = 4096     // PATH_MAX, for PT_INTERP
)

// architecture is what must agree for the machine to run a file and for the recorder to follow it.
type architecture struct {
	goarch  string // as Go calls it, for those that the kit may run on
	machine elf.Machine
	class   elf.Class
	data    elf.Data
	word    string // as uname -m calls it
}

var architectures = []architecture{
	{"amd64", elf.EM_X86_64, elf.ELFCLASS64, elf.ELFDATA2LSB, "x86_64"},
	{"arm64", elf.EM_AARCH64, elf.ELFCLASS64, elf.ELFDATA2LSB, "aarch64"},
	{"riscv64", elf.EM_RISCV, elf.ELFCLASS64, elf.ELFDATA2LSB, "riscv64"},
	{"loong64", elf.EM_LOONGARCH, elf.ELFCLASS64, elf.ELFDATA2LSB, "loongarch64"},
	{"ppc64le", elf.EM_PPC64, elf.ELFCLASS64, elf.ELFDATA2LSB, "ppc64le"},
	{"ppc64", elf.EM_PPC64, elf.ELFCLASS64, elf.ELFDATA2MSB, "ppc64"},
	{"s390x", elf.EM_S390, elf.ELFCLASS64, elf.ELFDATA2MSB, "s390x"},
	{"", elf.EM_386, elf.ELFCLASS32, elf.ELFDATA2LSB, "i386 (32-bit)"},
	{"", elf.EM_X86_64, elf.ELFCLASS32, elf.ELFDATA2LSB, "x32 (32-bit x86_64)"},
	{"", elf.EM_ARM, elf.ELFCLASS32, elf.ELFDATA2LSB, "arm (32-bit)"},
	{"", elf.EM_RISCV, elf.ELFCLASS32, elf.ELFDATA2LSB, "riscv32"},
}

// host is the architecture that this process runs on.
func host() architecture {
	for _, a := range architectures {
		if a.goarch == runtime.GOARCH {
			return a
		}
	}
	return architecture{word: runtime.GOARCH}
}

// architectureOf reads the few bytes that lie at the same place in every ELF file.
func architectureOf(ident []byte, order binary.ByteOrder) architecture {
	found := architecture{
		machine: elf.Machine(order.Uint16(ident[18:])),
		class:   elf.Class(ident[elf.EI_CLASS]), data: elf.Data(ident[elf.EI_DATA]),
	}
	for _, a := range architectures {
		if a.machine == found.machine && a.class == found.class && a.data == found.data {
			return a
		}
	}
	found.word = fmt.Sprintf("machine number %d", uint16(found.machine))
	if name, known := strings.CutPrefix(found.machine.String(), "EM_"); known && !strings.Contains(name, "+") {
		found.word = strings.ToLower(name)
	}
	return found
}

func (a architecture) same(b architecture) bool {
	return a.machine == b.machine && a.class == b.class && a.data == b.data
}

// inspectELF judges an ELF file by what the kernel reads of it: the header and the program headers. Section
// headers are left alone, as a stripped program may have none or wrong ones; that is why this does not use
// [elf.NewFile].
func inspectELF(f io.ReaderAt, size int64, at place) *PreflightError {
	var raw [64]byte
	if n, _ := f.ReadAt(raw[:], 0); n < 20 {
		return damaged("it ends within its header")
	}
	order := byteOrder(elf.Data(raw[elf.EI_DATA]))
	if order == nil {
		return damaged("its byte order is neither little nor big")
	}
	if built := architectureOf(raw[:], order); !built.same(host()) {
		return wrongArchitecture(built)
	}
	var header elf.Header64
	if size < int64(len(raw)) || binary.Read(bytes.NewReader(raw[:]), order, &header) != nil {
		return damaged("it ends within its header")
	}
	if refusal := programType(header); refusal != nil {
		return refusal
	}
	return inspectSegments(f, size, header, order, at)
}

func damaged(what string) *PreflightError {
	return refuse(Damaged, syscall.ENOEXEC, "%s: build or copy it again", what)
}

func byteOrder(data elf.Data) binary.ByteOrder {
	switch data {
	case elf.ELFDATA2LSB:
		return binary.LittleEndian
	case elf.ELFDATA2MSB:
		return binary.BigEndian
	}
	return nil
}

// wrongArchitecture refuses also what the kernel could run, a 32-bit program or one for which binfmt_misc has an
// emulator: the recorder would see the calls of another machine, or those of the emulator.
func wrongArchitecture(built architecture) *PreflightError {
	why := ""
	if built.class == elf.ELFCLASS32 && host().class == elf.ELFCLASS64 {
		why = "; the recorder follows 64-bit calls only"
	}
	return refuse(WrongArchitecture, syscall.ENOEXEC, "built for %s, this machine is %s%s", built.word, host().word, why)
}

// programType refuses the ELF files that were never meant to be started. A shared library has no entry point; a
// static position-independent program is of the same type, but has one.
func programType(header elf.Header64) *PreflightError {
	what := ""
	switch kind := elf.Type(header.Type); {
	case kind == elf.ET_REL:
		what = "an object file (.o): link it, cc -o a.out FILE.o"
	case kind == elf.ET_CORE:
		what = "a core dump"
	case kind != elf.ET_EXEC && kind != elf.ET_DYN:
		what = "of a type that Linux does not run"
	case header.Entry == 0 && kind == elf.ET_DYN:
		what = "a shared library, or linked without an entry point"
	case header.Entry == 0:
		what = "linked without an entry point"
	default:
		return nil
	}
	return refuse(NotProgram, syscall.ENOEXEC, "it is %s", what)
}

// inspectSegments goes through the program headers.
func inspectSegments(f io.ReaderAt, size int64, header elf.Header64, order binary.ByteOrder, at place) *PreflightError {
	progs, refusal := programHeaders(f, size, header, order)
	if refusal != nil {
		return refusal
	}
	loads, loaders, needs := 0, 0, false
	for _, prog := range progs {
		switch elf.ProgType(prog.Type) {
		case elf.PT_LOAD:
			if !within(prog.Off, prog.Filesz, size) {
				return damaged("it is cut off: a segment ends after the end of the file")
			}
			loads++
		case elf.PT_INTERP:
			if refusal := loader(f, size, prog, at); refusal != nil {
				return refusal
			}
			loaders++
		case elf.PT_DYNAMIC:
			needs = needsLibraries(f, prog, order)
		}
	}
	switch {
	case loads == 0:
		return damaged("it has nothing to load")
	case needs && loaders == 0:
		return refuse(NotProgram, syscall.ENOEXEC, "it is a shared library: it needs others, and names no dynamic loader")
	}
	return nil
}

// needsLibraries reports whether a dynamic section asks for other libraries. Older linkers gave a shared library
// an entry point, so this is what tells it from a static position-independent program or a dynamic loader.
func needsLibraries(f io.ReaderAt, prog elf.Prog64, order binary.ByteOrder) bool {
	table := make([]elf.Dyn64, min(prog.Filesz, dynamicMax)/16)
	if prog.Off > math.MaxInt64 || binary.Read(io.NewSectionReader(f, int64(prog.Off), int64(len(table))*16), order, table) != nil {
		return false // not the kernel's business; the segment that holds it was checked
	}
	return slices.ContainsFunc(table, func(d elf.Dyn64) bool { return elf.DynTag(d.Tag) == elf.DT_NEEDED })
}

// within reports whether length bytes at off lie in a file of the given size; the sum may overflow.
func within(off, length uint64, size int64) bool {
	return length <= uint64(size) && off <= uint64(size)-length
}

func programHeaders(f io.ReaderAt, size int64, header elf.Header64, order binary.ByteOrder) ([]elf.Prog64, *PreflightError) {
	length := uint64(header.Phnum) * progSize
	if header.Phentsize != progSize || length == 0 || length > progTableMax {
		return nil, damaged("its program headers have a wrong size or number")
	}
	if !within(header.Phoff, length, size) {
		return nil, damaged("it is cut off: its program headers are not in the file")
	}
	progs := make([]elf.Prog64, header.Phnum)
	if err := binary.Read(io.NewSectionReader(f, int64(header.Phoff), int64(length)), order, progs); err != nil {
		return nil, refuse(Unreadable, err, "%v", bare(err))
	}
	return progs, nil
}

// loader checks the program that PT_INTERP names, which maps the libraries: ld-linux, ld-musl.
func loader(f io.ReaderAt, size int64, prog elf.Prog64, at place) *PreflightError {
	if prog.Filesz < 2 || prog.Filesz > loaderMax || !within(prog.Off, prog.Filesz, size) {
		return damaged("the name of its dynamic loader has a wrong size")
	}
	raw := make([]byte, prog.Filesz)
	if _, err := f.ReadAt(raw, int64(prog.Off)); err != nil && err != io.EOF {
		return refuse(Unreadable, err, "%v", bare(err))
	}
	if raw[len(raw)-1] != 0 {
		return damaged("the name of its dynamic loader has no end")
	}
	name, _, _ := strings.Cut(string(raw), "\x00")
	file := name
	if !filepath.IsAbs(file) {
		file = filepath.Dir(at.path) + "/" + file
	}
	info, err := os.Stat(file)
	if err != nil {
		return refuse(LoaderMissing, err, "it needs %s: %s", printable(name), loaderHint(name))
	}
	if err := mayExecute(file, info.Mode()); err != nil {
		return refuse(InterpreterNotExecutable, err, "its dynamic loader is %s", printable(name))
	}
	return nil
}

func loaderHint(name string) string {
	if strings.Contains(filepath.Base(name), "musl") {
		return "built for musl, another C library than this machine's: build it here, or link it statically"
	}
	return "built for another system's C library: build it here, or link it statically"
}
