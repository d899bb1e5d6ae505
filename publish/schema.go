package publish

import _ "embed" // the schemas

// JSON Schemas (draft 2020-12) of the payloads; verdicts have theirs in package verdict.
var (
	//go:embed box.schema.json
	BoxSchema []byte // <prefix>/state
	//go:embed station.schema.json
	StationSchema []byte // <station>/state
	//go:embed trigger.schema.json
	TriggerSchema []byte // <station>/trigger, where it is not empty
	//go:embed command.schema.json
	CommandSchema []byte // command and <station>/command
	//go:embed reply.schema.json
	ReplySchema []byte // …/command/reply
	//go:embed handshake.schema.json
	HandshakeSchema []byte // <station>/handshake
	//go:embed ack.schema.json
	AckSchema []byte // <station>/ack
)
