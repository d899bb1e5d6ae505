package pipeline

// ModelFile is the file of the model that a station judges with; "" where there
// is no such station, or where it has several regions with a model each.
func (b *Box) ModelFile(station string) string {
	b.apply.Lock()
	defer b.apply.Unlock()
	r := b.station(station)
	if r == nil || len(r.conf.Regions) > 0 {
		return ""
	}
	return r.conf.Model
}
