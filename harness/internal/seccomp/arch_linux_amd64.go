package seccomp

import "golang.org/x/sys/unix"

// x32 calls carry the arch value of amd64 and set bit 30 of the number,
// __X32_SYSCALL_BIT. No native number is that large.
var native = architecture{audit: unix.AUDIT_ARCH_X86_64, limit: 1 << 30}
