package subject

import "fmt"

// Role is the part that a program plays; the scenarios and claims that apply to it follow from it.
type Role string

// The roles. Server, Client and Shutdown are judged; a Probe is a small program of the kit's own that shows
// a fact about the kernel.
const (
	Server   Role = "server"
	Client   Role = "client"
	Shutdown Role = "shutdown"
	Probe    Role = "probe"
)

// Roles returns the judged roles, in the order in which the article presents their programs.
func Roles() []Role { return []Role{Server, Client, Shutdown} }

// ParseRole returns the role called name, or an error that lists the names there are.
func ParseRole(name string) (Role, error) {
	switch role := Role(name); role {
	case Server, Client, Shutdown, Probe:
		return role, nil
	}
	return "", fmt.Errorf("role %q: unknown: one of %s, %s, %s, %s", name, Server, Client, Shutdown, Probe)
}
