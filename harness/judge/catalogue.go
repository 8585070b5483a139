package judge

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"ipckit/harness/claim"
)

// Claims returns the claims of the specs, in their order.
func Claims(specs []Spec) []claim.Claim {
	claims := make([]claim.Claim, len(specs))
	for i, s := range specs {
		claims[i] = s.Claim
	}
	return claims
}

// Catalogue returns a name for the state of a catalogue: "sha256:" and the hash
// of its claims.
func Catalogue(specs []Spec) string {
	hash := sha256.New()
	out := json.NewEncoder(hash)
	for _, s := range specs {
		_ = out.Encode(s.Claim) // a hash takes everything, and a claim can be encoded
	}
	return "sha256:" + hex.EncodeToString(hash.Sum(nil))
}
