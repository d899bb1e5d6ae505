package inspect

// HighPass is the network's input for the last picture, [channels,h,w], valid
// until the next Inspect; nil with tiles
// and where the filter is part of the network's graph (infer.fused).
func (i *Inspector) HighPass() []float32 { return i.judge.maps().input }
