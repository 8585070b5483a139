package judge

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
)

// Catalogue returns a name for the state of a catalogue: "sha256:" and the hash
// of its claims.
func Catalogue(specs []Spec) string {
	hash := sha256.New()
	out := json.NewEncoder(hash)
	for _, s := range specs {
		out.Encode(s.Claim) // a hash takes everything, and a claim can be encoded
	}
	return "sha256:" + hex.EncodeToString(hash.Sum(nil))
}
