package camera

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"

	"faird/camera/aravis"
)

// acquaintance is the camera that a URL was found to name, so that one that comes
// back is not looked for on the whole network first, which takes a second.
type acquaintance struct {
	mu     sync.Mutex
	device aravis.Device
}

// again returns the camera if it is known and answers where it was.
func (a *acquaintance) again(ctx context.Context) (d aravis.Device, ok bool) {
	a.mu.Lock()
	d = a.device
	a.mu.Unlock()
	if d.Address == "" || d.Serial == "" {
		return d, false
	}
	serial, err := identify(ctx, d.Address)
	return d, err == nil && serial == d.Serial
}

func (a *acquaintance) remember(d aravis.Device) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.device = d
}

// find looks for the camera that a URL names: by IP address or where it was,
// without asking around, else among those that answer. The address is "" for USB.
func (s genicamSettings) find(ctx context.Context, known *acquaintance) (id, address string, _ error) {
	if err := aravis.Load(); err != nil {
		return "", "", err
	}
	if net.ParseIP(s.name) != nil {
		if _, err := identify(ctx, s.name); err != nil {
			return "", "", fmt.Errorf("no GigE Vision camera answers at %s: %w: is it on, its cable in, and this machine in its subnet?", s.name, err)
		}
		return s.name, s.name, nil
	}
	if d, ok := known.again(ctx); ok {
		return d.ID, d.Address, nil
	}
	d, err := s.lookFor()
	if err != nil {
		return "", "", err
	}
	if d.Protocol == gigeProtocol {
		known.remember(d)
		return d.ID, d.Address, nil
	}
	return d.ID, "", nil
}

const gigeProtocol = "GigEVision"

// lookFor asks on every network and bus.
func (s genicamSettings) lookFor() (aravis.Device, error) {
	devices, err := aravis.List()
	if err != nil {
		return aravis.Device{}, err
	}
	var found []aravis.Device
	for _, d := range devices {
		if isNamed(d, s.name) {
			found = append(found, d)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return aravis.Device{}, fmt.Errorf("no camera %q answers: is it on and its cable in? Those that answer: %s", s.name, seen(devices))
	default:
		return aravis.Device{}, fmt.Errorf("%d cameras are called %q: name one by its full id: %s", len(found), s.name, seen(found))
	}
}

func isNamed(d aravis.Device, name string) bool {
	for _, n := range []string{d.ID, d.Serial, d.Address, d.Physical} {
		if n != "" && strings.EqualFold(n, name) {
			return true
		}
	}
	return false
}

func seen(devices []aravis.Device) string {
	if len(devices) == 0 {
		return "none"
	}
	names := make([]string, len(devices))
	for i, d := range devices {
		names[i] = d.ID
	}
	return strings.Join(names, ", ")
}
