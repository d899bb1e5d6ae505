package aravis

// #include "api.h"
import "C"

import "sync"

// Device is a camera that answered.
type Device struct {
	ID       string // as Open takes it: vendor and serial number
	Vendor   string
	Model    string
	Serial   string
	Address  string // IP address of a GigE Vision camera
	Physical string // MAC address or USB identity
	Protocol string // GigEVision or USB3Vision
}

// listing guards the library's one list of devices while it is read.
var listing sync.Mutex

// List asks for cameras on every network interface and USB bus. It takes about a
// second, the time that cameras have to answer.
func List() ([]Device, error) {
	if err := load(); err != nil {
		return nil, err
	}
	listing.Lock()
	defer listing.Unlock()
	var devices []Device
	for i := range C.aravis_list() {
		get := func(what C.int) string { return C.GoString(C.aravis_device(i, what)) }
		d := Device{
			ID: get(C.ARAVIS_ID), Vendor: get(C.ARAVIS_VENDOR), Model: get(C.ARAVIS_MODEL), Serial: get(C.ARAVIS_SERIAL),
			Address: get(C.ARAVIS_ADDRESS), Physical: get(C.ARAVIS_PHYSICAL), Protocol: get(C.ARAVIS_PROTOCOL),
		}
		if d.Protocol != "Fake" { // a camera that Aravis makes up, where a program asks for it
			devices = append(devices, d)
		}
	}
	return devices, nil
}
