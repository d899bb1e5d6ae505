package sparkplugpb

// Needs protoc 3.21 or newer, and protoc-gen-go on the PATH:
//   go install google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.12
//go:generate protoc --go_out=. --go_opt=paths=source_relative --go_opt=Msparkplug_b.proto=faird/publish/sparkplug/sparkplugpb sparkplug_b.proto
