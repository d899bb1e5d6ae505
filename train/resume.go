package train

import (
	"fmt"
	"strings"

	"faird/train/fit"
)

// learningRate is the one name of the identity that may change on the way: a
// training that diverged goes on with a lower one.
const learningRate = "learning rate"

// resume loads a checkpoint of the same training. Where the learning rate
// changed, id tells of it, and with it the model file.
func resume(path string, id fit.Identity) (*fit.State, error) {
	state, err := fit.Load(path, id, learningRate)
	if err != nil {
		return nil, err
	}
	id[learningRate] = rates(state.Identity[learningRate], id[learningRate], state.Step)
	return state, nil
}

// rates is was where its last rate is now's, else the change put in words.
func rates(was, now string, step int) string {
	const then = ", then "
	if was == now || strings.HasSuffix(was, then+now) {
		return was
	}
	return fmt.Sprintf("%s until step %d%s%s", was, step, then, now)
}
