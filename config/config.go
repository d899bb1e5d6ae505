// Package config is the config file as typed Go values: defaults, loading,
// checking and watching for changes. It parses everything once, into real
// types, and never opens a camera, a model or a broker.
package config

import (
	"time"
)

// Config is everything a box is told. See faird.yaml for every key with its
// default and what it does; the two are held together by a test.
type Config struct {
	Site     string    `mapstructure:"site"`
	Box      string    `mapstructure:"box"`
	Log      Log       `mapstructure:"log"`
	Infer    Infer     `mapstructure:"infer"`
	MQTT     MQTT      `mapstructure:"mqtt"`
	Store    Store     `mapstructure:"store"`
	Stations []Station `mapstructure:"stations"`
}

// Log says what is logged and how.
type Log struct {
	Level  string `mapstructure:"level"`  // trace, debug, info, warn, error
	Format string `mapstructure:"format"` // auto (console on a terminal, else json), console, json
}

// Infer configures ONNX Runtime for the whole process.
type Infer struct {
	Library  string   `mapstructure:"library"`  // path of libonnxruntime; "" looks where make deps put it, then in the system
	Provider string   `mapstructure:"provider"` // auto, cpu, cuda, tensorrt
	Strict   *bool    `mapstructure:"strict"`   // nil: true for a named provider, false for auto
	Threads  int      `mapstructure:"threads"`  // intra-op threads; 0 is one per core
	CUDA     CUDA     `mapstructure:"cuda"`
	TensorRT TensorRT `mapstructure:"tensorrt"`
}

// CUDA options of ONNX Runtime's CUDA provider.
type CUDA struct {
	Device      int   `mapstructure:"device"`
	MemoryLimit Bytes `mapstructure:"memory_limit"` // 0: no limit
	TF32        bool  `mapstructure:"tf32"`
}

// TensorRT options of ONNX Runtime's TensorRT provider.
type TensorRT struct {
	Device      int    `mapstructure:"device"`
	FP16        bool   `mapstructure:"fp16"`
	EngineCache string `mapstructure:"engine_cache"` // folder; "" is no cache
	TimingCache bool   `mapstructure:"timing_cache"`
}

// MQTT says which broker, how to reach it, and what PLCs may do.
type MQTT struct {
	Broker       string        `mapstructure:"broker"` // tcp://, ssl://, ws://, wss:// URL; "" is the built-in broker
	ClientID     string        `mapstructure:"client_id"`
	Username     string        `mapstructure:"username"`
	Password     Secret        `mapstructure:"password"`
	PasswordFile string        `mapstructure:"password_file"`
	KeepAlive    time.Duration `mapstructure:"keep_alive"`
	Timeout      time.Duration `mapstructure:"timeout"` // for connecting and for each acknowledgement
	TLS          TLS           `mapstructure:"tls"`
	Builtin      Builtin       `mapstructure:"builtin"`
	Commands     bool          `mapstructure:"commands"` // whether command topics are obeyed
}

// TLS of the connection to a broker.
type TLS struct {
	CA         string `mapstructure:"ca"`   // PEM file; "" is the system's
	Cert       string `mapstructure:"cert"` // PEM file of the client's certificate
	Key        string `mapstructure:"key"`
	ServerName string `mapstructure:"server_name"`
}

// Builtin is the broker inside the daemon, used when no broker is named.
type Builtin struct {
	Listen string `mapstructure:"listen"` // host:port; beyond loopback it needs users
	Users  []User `mapstructure:"users"`
}

// User of the built-in broker.
type User struct {
	Name         string `mapstructure:"name"`
	Password     Secret `mapstructure:"password"`
	PasswordFile string `mapstructure:"password_file"`
	Write        bool   `mapstructure:"write"` // may write trigger, ack and command topics
}

// Store is the database of history and outbox.
type Store struct {
	Path     string        `mapstructure:"path"`      // folder
	MaxBytes Bytes         `mapstructure:"max_bytes"` // of the database
	MaxAge   time.Duration `mapstructure:"max_age"`   // of an undelivered verdict
}

// Station is one camera with its trigger, region of interest, model and thresholds.
type Station struct {
	Name       string   `mapstructure:"name"`
	Camera     Camera   `mapstructure:"camera"`
	Trigger    Trigger  `mapstructure:"trigger"`
	Model      string   `mapstructure:"model"`
	Threshold  *float64 `mapstructure:"threshold"` // nil: the model's
	Review     *float64 `mapstructure:"review"`    // nil: the model's, or none
	ROI        *Rect    `mapstructure:"roi"`       // camera pixels; nil is the whole picture
	IgnoreMask string   `mapstructure:"ignore_mask"`
	OnStorage  string   `mapstructure:"on_storage"` // publish (durable: false) or no_read, while the disk refuses
}

// Camera says where frames come from and how long to wait for them.
type Camera struct {
	URL         string        `mapstructure:"url"`
	OpenTimeout time.Duration `mapstructure:"open_timeout"`
	ReadTimeout time.Duration `mapstructure:"read_timeout"`
	BackoffMin  time.Duration `mapstructure:"backoff_min"`
	BackoffMax  time.Duration `mapstructure:"backoff_max"`
}

// Trigger says what asks for a verdict.
type Trigger struct {
	Mode     string        `mapstructure:"mode"`     // free, interval, mqtt
	Interval time.Duration `mapstructure:"interval"` // for mode interval
	Deadline time.Duration `mapstructure:"deadline"` // from trigger to verdict
}

// Rect is a rectangle in camera pixels.
type Rect struct {
	X int `mapstructure:"x"`
	Y int `mapstructure:"y"`
	W int `mapstructure:"w"`
	H int `mapstructure:"h"`
}

// Bytes is a size; in the file a number with an optional unit: 500MB, 2GiB.
type Bytes int64

// Secret is a string that never shows: it prints and marshals as stars.
type Secret string

const stars = "******"

// String implements fmt.Stringer.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return stars
}

// MarshalText implements encoding.TextMarshaler.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// GoString implements fmt.GoStringer.
func (s Secret) GoString() string { return s.String() }
