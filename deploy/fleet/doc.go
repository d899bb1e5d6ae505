// Package fleet is the configuration of what stands around several boxes, a
// bridged broker, Prometheus, Telegraf, and its tests. It holds no Go of the
// program's: there is no fleet manager.
package fleet
