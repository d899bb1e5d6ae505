// Package config is the config file as typed Go values: defaults, loading,
// checking and watching for changes. It parses everything once, into real
// types, and never opens a camera, a model or a broker.
package config

// Config is everything a box is told. See faird.yaml for every key with its
// default and what it does; the two are held together by a test.
type Config struct {
	Site      string    `mapstructure:"site"`
	Box       string    `mapstructure:"box"` // Load fills in the host's name where it is empty
	Log       Log       `mapstructure:"log"`
	Infer     Infer     `mapstructure:"infer"`
	Trust     Trust     `mapstructure:"trust"`
	MQTT      MQTT      `mapstructure:"mqtt"`
	Sparkplug Sparkplug `mapstructure:"sparkplug"`
	Store     Store     `mapstructure:"store"`
	Archive   Archive   `mapstructure:"archive"`
	Web       Web       `mapstructure:"web"`
	Stations  []Station `mapstructure:"stations"`

	source *source // where the values came from; nil for a Config that was not loaded
}

// Log says what is logged and how.
type Log struct {
	Level  string `mapstructure:"level"`  // trace, debug, info, warn, error
	Format string `mapstructure:"format"` // auto (console on a terminal, else json), console, json
}

// Default is the configuration of an empty file: no stations, the built-in
// broker. The keys of a station have their defaults in DefaultStation.
func Default() Config {
	return Config{
		Site:      "site",
		Log:       Log{Level: "info", Format: "auto"},
		Infer:     defaultInfer(),
		MQTT:      defaultMQTT(),
		Sparkplug: defaultSparkplug(),
		Store:     defaultStore(),
		Archive:   defaultArchive(),
		Web:       defaultWeb(),
	}
}

// Warnings says what is allowed but looks wrong, one line each, for the owner
// of the log. Empty for a Config that was not loaded.
func (c *Config) Warnings() []string {
	if c.source == nil {
		return nil
	}
	return c.source.warnings
}

// Path is the absolute path of the loaded file, "" where there is none.
func (c *Config) Path() string {
	if c.source == nil {
		return ""
	}
	return c.source.path
}

// Station finds a station by name; nil where there is none.
func (c *Config) Station(name string) *Station {
	for i := range c.Stations {
		if c.Stations[i].Name == name {
			return &c.Stations[i]
		}
	}
	return nil
}

func (k *checker) identity(c *Config) {
	k.topicName("site", c.Site)
	k.topicName("box", c.Box)
}

func (k *checker) log(l Log) {
	k.oneOf("log.level", l.Level, "trace", "debug", "info", "warn", "error")
	k.oneOf("log.format", l.Format, "auto", "console", "json")
}
