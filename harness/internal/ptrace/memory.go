package ptrace

import (
	"bytes"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The kernel promises partial transfers at the borders of iovecs only,
// process_vm_readv(2). So each page gets an iovec of its own. 4 KiB is the
// smallest page of either architecture, and divides the larger ones.
const (
	pageSize = 4096
	maxPages = 16 // per call: what fits the stack with ease
)

// ReadMemory fills buf from address addr of tid's process and returns how many
// bytes came. Memory that ends within the range gives a short count without an
// error; an error means that not one byte could be read.
func ReadMemory(tid int, addr uint64, buf []byte) (int, error) {
	return transfer("process_vm_readv", unix.SYS_PROCESS_VM_READV, tid, addr, buf)
}

// WriteMemory copies data to address addr of tid's process. Its count and
// error are as those of ReadMemory. Pages that the process itself may not write
// cannot be written.
func WriteMemory(tid int, addr uint64, data []byte) (int, error) {
	return transfer("process_vm_writev", unix.SYS_PROCESS_VM_WRITEV, tid, addr, data)
}

func transfer(name string, call uintptr, tid int, addr uint64, buf []byte) (int, error) {
	done := 0
	for done < len(buf) {
		want := min(len(buf)-done, maxPages*pageSize-int((addr+uint64(done))%pageSize))
		n, errno := transferPages(call, tid, addr+uint64(done), buf[done:done+want])
		done += n
		switch {
		case errno != 0 && done == 0:
			return 0, os.NewSyscallError(name, errno)
		case n < want:
			return done, nil
		}
	}
	return done, nil
}

// transferPages makes one call for at most maxPages pages. It is no raw call:
// the kernel may have to read a page from disk.
func transferPages(call uintptr, tid int, addr uint64, buf []byte) (int, unix.Errno) {
	var remote [maxPages]unix.RemoteIovec
	local := unix.Iovec{Base: &buf[0], Len: uint64(len(buf))}
	pages := 0
	for left := len(buf); left > 0; pages++ {
		size := min(left, pageSize-int(addr%pageSize))
		remote[pages] = unix.RemoteIovec{Base: uintptr(addr), Len: size}
		addr += uint64(size)
		left -= size
	}
	n, _, errno := unix.Syscall6(call, uintptr(tid), uintptr(unsafe.Pointer(&local)), 1,
		uintptr(unsafe.Pointer(&remote)), uintptr(pages), 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}

// ReadCString reads a string that ends at a NUL byte from address addr of
// tid's process. It reports whole as false if no NUL came within limit bytes or
// before the memory ended; s is then what there was. It fails as ReadMemory
// does.
func ReadCString(tid int, addr uint64, limit int) (s string, whole bool, err error) {
	var chunk [256]byte
	var text []byte
	for len(text) < limit {
		part := chunk[:min(len(chunk), limit-len(text))]
		n, err := ReadMemory(tid, addr+uint64(len(text)), part)
		if err != nil && len(text) == 0 {
			return "", false, err
		}
		if end := bytes.IndexByte(part[:n], 0); end >= 0 {
			return string(append(text, part[:end]...)), true, nil
		}
		text = append(text, part[:n]...)
		if n < len(part) {
			break
		}
	}
	return string(text), false, nil
}
