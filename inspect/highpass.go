package inspect

// HighPass is the network's input for the last picture, [channels,h,w], valid
// until the next Inspect.
func (i *Inspector) HighPass() []float32 { return i.runner.Input() }
