package train

import (
	"fmt"
	"strings"

	"faird/train/fit"
)

// The names of the identity that may change on the way: a training that diverged
// goes on with a lower rate, and one that was too short goes on for longer.
const (
	learningRate = "learning rate"
	steps        = "steps"
	duration     = "time"
)

// resume loads a checkpoint of the same training. Where something changed that
// may, id tells of it, and with it the model file.
func resume(path string, id fit.Identity) (*fit.State, error) {
	may := []string{learningRate, steps, duration}
	state, err := fit.Load(path, id, may...)
	if err != nil {
		return nil, err
	}
	for _, name := range may {
		id[name] = history(state.Identity[name], id[name], state.Step)
	}
	return state, nil
}

// history is was where its last value is now's, else the change put in words.
func history(was, now string, step int) string {
	const then = ", then "
	if was == now || strings.HasSuffix(was, then+now) {
		return was
	}
	return fmt.Sprintf("%s until step %d%s%s", was, step, then, now)
}
