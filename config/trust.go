package config

// Trust says whose models may judge.
type Trust struct {
	Keys string `mapstructure:"keys"` // file of minisign public keys; "": models need no signature
}
