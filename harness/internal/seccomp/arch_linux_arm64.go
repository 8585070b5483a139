package seccomp

import (
	"math"

	"golang.org/x/sys/unix"
)

// 32-bit arm calls carry an arch value of their own; no number is special.
var native = architecture{audit: unix.AUDIT_ARCH_AARCH64, limit: math.MaxUint32}
