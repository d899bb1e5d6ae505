SHELL := /bin/bash
.DEFAULT_GOAL := help

# gocv 0.43 on Debian 12's OpenCV 4.6: only the modules named by these tags, only the libraries named here.
export GOFLAGS := -buildvcs=false -tags=customenv,gocv_specific_modules,gocv_videoio
# One malloc arena, as the unit sets it: what the tests measure of memory is then the program's, not glibc's.
export MALLOC_ARENA_MAX := 1
export CGO_CXXFLAGS := --std=c++11
export CGO_CPPFLAGS := -I/usr/include/opencv4
export CGO_LDFLAGS := -Wl,--as-needed -lopencv_core -lopencv_imgproc -lopencv_imgcodecs -lopencv_videoio

# Only core, imgproc, imgcodecs and videoio are linked; the other headers are those that opencv2/opencv.hpp,
# which gocv includes, asks for.
# The image codecs and FFmpeg are those that OpenCV links too.
BUILD_PACKAGES := ca-certificates g++ libopencv-dnn-dev libopencv-photo-dev libopencv-stitching-dev \
	libopencv-video-dev libopencv-videoio-dev libjpeg62-turbo-dev libpng-dev libtiff-dev libwebp-dev \
	zlib1g-dev libavcodec-dev libavformat-dev libavutil-dev libswscale-dev
# A broker, an encoder for RTSP, GStreamer's elements and RTSP server, a GigE Vision camera, systemd's checker, a browser.
TEST_PACKAGES := mosquitto mosquitto-clients ffmpeg gstreamer1.0-tools gstreamer1.0-plugins-base \
	gstreamer1.0-plugins-good gstreamer1.0-plugins-bad libgstrtspserver-1.0-0 libaravis-0.8-0 aravis-tools systemd minisign chromium

# What makes the Debian package, and what installs it for real.
DEB_PACKAGES := debhelper git
DEB_TEST_PACKAGES := debootstrap systemd-container
ARCH ?= $(shell dpkg --print-architecture)
# Debian's cross compiler, and what runs an arm64 program here.
ARM64_PACKAGES := g++-aarch64-linux-gnu qemu-user

# Microsoft's own build, which npm's onnxruntime-node ships for both kinds of processor.
ONNXRUNTIME := 1.29.0
ONNXRUNTIME_ARCH := $(patsubst aarch64,arm64,$(patsubst x86_64,x64,$(shell uname -m)))
ONNXRUNTIME_SHA256_x64 := 89688f5cf51c7e31befbb7b9101bc027799009b18d1baa9a5b1146a72e69538d
ONNXRUNTIME_SHA256_arm64 := a27d21126db312aa8f02f3d5eaebe466e991f51f469882e6d0407d5a8b64afda

export ONNXRUNTIME ONNXRUNTIME_ARCH
export ONNXRUNTIME_SHA256 := $(ONNXRUNTIME_SHA256_$(ONNXRUNTIME_ARCH))

COMMIT = $(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
VERSION = $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
GOLANGCI := go tool -modfile=.ci/tools/go.mod golangci-lint

.PHONY: help env deps deps-test build run test prove integrity soak flood fuzz sanitize licences vulncheck deb test-deb arm64 test-arm64 lint bench bench-compare bench-all soak-frames fmt clean
help: ## this list
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## */\1\t/' | expand -t 16

env: ## prints the build environment: eval "$$(make -s env)" makes plain go commands work
	@printf 'export GOFLAGS=%q CGO_CXXFLAGS=%q CGO_CPPFLAGS=%q CGO_LDFLAGS=%q MALLOC_ARENA_MAX=%q\n' "$(GOFLAGS)" "$(CGO_CXXFLAGS)" "$(CGO_CPPFLAGS)" "$(CGO_LDFLAGS)" "$(MALLOC_ARENA_MAX)"

deps: ## installs what building and running need and is missing
	@.ci/install packages $(BUILD_PACKAGES)
	@.ci/install onnxruntime

deps-test: deps ## installs what tests need and is missing
	@.ci/install packages $(TEST_PACKAGES)

build: deps ## builds bin/faird
	go build -ldflags '-X main.version=$(VERSION) -X main.commit=$(COMMIT)' -o bin/faird ./cmd/faird

run: build ## builds and starts the demo; ARGS='--for 30s' ends it
	@exec bin/faird demo $(ARGS)

test: deps-test ## go vet and every test
	go vet ./...
	go test -timeout 30m ./...

VERDICTS ?= 20000
SEED ?= 0
prove: deps-test ## the long proof that no decided verdict is lost: VERDICTS=20000 SEED=0 (any)
	go test ./cmd/faird -run 'TestDelivery$$' -count=1 -v -timeout 2h -verdicts $(VERDICTS) -seed $(SEED)

PICTURES ?= 20000
integrity: deps-test ## the long proof that only complete, current images are judged: PICTURES=20000 SEED=0 (any)
	go test ./camera/integrity -count=1 -v -timeout 2h -artifacts -pictures $(PICTURES) -seed $(SEED) $(ARGS)

DURATION ?= 1h
FAULTS ?= broker,disk,camera,clock,config
soak: deps-test ## one daemon that loses cameras, broker, disk and time for DURATION=1h, SEED=0 (any), FAULTS=…: nothing lost, nothing grown
	go test ./cmd/faird -run 'TestSoak$$' -count=1 -v -timeout 0 -soak $(DURATION) -seed $(SEED) -faults $(FAULTS)

FLOOD ?= 10m
flood: deps-test ## the built-in broker attacked in every way known for FLOOD=10m while a PLC triggers: memory flat, every trigger answered
	go test ./cmd/faird -run 'TestFlood$$' -count=1 -v -timeout 0 -flood $(FLOOD)

deb: build ## dist/faird_VERSION_ARCH.deb; ARCH=arm64 with BINARY and LIBRARY packs another machine's parts
	@.ci/install packages $(DEB_PACKAGES)
	deploy/deb/build $(ARCH) $(VERSION)

test-deb: ## as root: installs, upgrades, removes, purges DEB=… (default: the newest of dist) in a clean Debian 12
	@.ci/install packages $(DEB_TEST_PACKAGES)
	deploy/deb/test $(or $(DEB),$(shell ls -t dist/faird_*_$(ARCH).deb | head -1))

arm64: ## dist/arm64: the program for arm64, cross-built on Debian 12, and its ONNX Runtime
	@.ci/install packages $(ARM64_PACKAGES)
	VERSION=$(VERSION) COMMIT=$(COMMIT) deploy/arm64/build dist/arm64/faird
	@ONNXRUNTIME_ARCH=arm64 ONNXRUNTIME_SHA256=$(ONNXRUNTIME_SHA256_arm64) ONNXRUNTIME_LIB=dist/arm64/libonnxruntime.so.1 .ci/install onnxruntime

test-arm64: build arm64 ## runs it under qemu-user: golden samples, and pictures scored here and there to 1e-4
	deploy/arm64/test dist/arm64

BENCH ?= bench/measured/$(COMMIT)
COUNT ?= 6
bench: deps-test ## the telling benchmarks, COUNT=6 times, to BENCH=bench/measured/COMMIT.txt and .json
	@mkdir -p $(dir $(BENCH))
	@set -o pipefail; { \
	go test -run '^$$' -bench '^Benchmark(Prepare|Score|Regions|Judgement|Network)$$' -benchmem -count $(COUNT) -timeout 60m ./inspect && \
	go test -run '^$$' -bench '^Benchmark(EndToEnd|Outbox)$$' -benchtime 2000x -count $(COUNT) -timeout 60m ./cmd/faird; } | tee $(BENCH).txt
	go run ./bench/results <$(BENCH).txt >$(BENCH).json

bench-compare: ## two of them beside each other: OLD=a.txt NEW=b.txt
	@test -n "$(OLD)" -a -n "$(NEW)" || { echo "say OLD=a.txt NEW=b.txt, which make bench wrote" >&2; exit 2; }
	go tool -modfile=.ci/tools/go.mod benchstat $(OLD) $(NEW)

bench-all: deps-test ## every Go benchmark there is
	go test -run '^$$' -bench . -benchmem -timeout 60m ./...

FRAMES ?= 100000
soak-frames: deps-test ## FRAMES=100000 through one daemon: memory flat, no goroutine left, every picture accounted for
	go test ./cmd/faird -run 'TestFrames$$' -count=1 -v -timeout 6h -frames $(FRAMES)

FUZZTIME ?= 30s
fuzz: deps-test ## every fuzz target for FUZZTIME=30s each
	FUZZTIME=$(FUZZTIME) .ci/fuzz

sanitize: deps-test ## the tests of everything with C of its own, under gcc's sanitizers: PACKAGES=./camera/libav
	.ci/sanitize

licences: ## names the licence of every module in the program; fails on one that is not allowed
	@.ci/licences

# Without a way to vuln.go.dev: a folder that golang.org/x/vulndb/cmd/gendb made of a clone of that repository.
VULNDB ?= https://vuln.go.dev
vulncheck: ## known vulnerabilities in bin/faird, Go's own library too; VULNDB=file:///folder where vuln.go.dev is not reached
	@VULNDB=$(VULNDB) .ci/vulncheck

lint: deps ## golangci-lint, gofumpt's format among it
	$(GOLANGCI) run ./...

fmt: ## formats all Go code
	$(GOLANGCI) fmt ./...

clean: ## removes what build and deps left in the tree
	rm -rf bin dist .deps
