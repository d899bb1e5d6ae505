// Package sparkplugpb holds the Go types of the Sparkplug B payload, generated
// from the schema in the specification. It knows nothing of sessions; package
// sparkplug does.
package sparkplugpb
