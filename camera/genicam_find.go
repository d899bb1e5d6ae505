package camera

import (
	"context"
	"fmt"
	"net"
	"strings"

	"faird/camera/aravis"
)

// find looks for the camera that a URL names: by IP address without asking
// around, else among those that answer. The address is "" for USB.
func (s genicamSettings) find(ctx context.Context) (id, address string, _ error) {
	if err := aravis.Load(); err != nil {
		return "", "", err
	}
	if net.ParseIP(s.name) != nil {
		if err := probe(ctx, s.name, discovery); err != nil {
			return "", "", fmt.Errorf("no GigE Vision camera answers at %s: %w: is it on, its cable in, and this machine in its subnet?", s.name, err)
		}
		return s.name, s.name, nil
	}
	devices, err := aravis.List()
	if err != nil {
		return "", "", err
	}
	var found []aravis.Device
	for _, d := range devices {
		if isNamed(d, s.name) {
			found = append(found, d)
		}
	}
	switch len(found) {
	case 1:
		if found[0].Protocol == "GigEVision" {
			address = found[0].Address
		}
		return found[0].ID, address, nil
	case 0:
		return "", "", fmt.Errorf("no camera %q answers: is it on and its cable in? Those that answer: %s", s.name, seen(devices))
	default:
		return "", "", fmt.Errorf("%d cameras are called %q: name one by its full id: %s", len(found), s.name, seen(found))
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
