// Package account knows who may do what: users with their passwords and
// machines with their tokens, in one file that only faird can read. It keeps
// neither passwords nor tokens, only what they can be checked against.
package account

import (
	"fmt"
	"slices"
)

// Role is what somebody may do; each may do what those below it may.
type Role int

// The roles.
const (
	None     Role = iota // nothing
	Viewer               // look
	Operator             // mark verdicts, move thresholds, pause
	Admin                // read the audit log
)

var roleNames = []string{"none", "viewer", "operator", "admin"}

// String implements fmt.Stringer.
func (r Role) String() string { return roleNames[r] }

// ParseRole reads viewer, operator or admin.
func ParseRole(text string) (Role, error) {
	if i := slices.Index(roleNames, text); i > 0 {
		return Role(i), nil
	}
	return None, fmt.Errorf("%q is no role: use viewer, operator or admin", text)
}

// MarshalText implements encoding.TextMarshaler.
func (r Role) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (r *Role) UnmarshalText(text []byte) (err error) {
	*r, err = ParseRole(string(text))
	return err
}
