package inspect

// HighPass is the network's input for the last picture, [channels,h,w], valid
// until the next Inspect; nil with tiles.
func (i *Inspector) HighPass() []float32 { return i.judge.maps().input }
