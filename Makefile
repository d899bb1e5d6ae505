SHELL := /bin/bash
.DEFAULT_GOAL := help

# gocv 0.43 on Debian 12's OpenCV 4.6: only the modules named by these tags, only the libraries named here.
export GOFLAGS := -buildvcs=false -tags=customenv,gocv_specific_modules,gocv_videoio
export CGO_CXXFLAGS := --std=c++11
export CGO_CPPFLAGS := -I/usr/include/opencv4
export CGO_LDFLAGS := -Wl,--as-needed -lopencv_core -lopencv_imgproc -lopencv_imgcodecs -lopencv_videoio

.PHONY: help env
help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## */\1\t/' | expand -t 16

env: ## prints the build environment: eval "$$(make -s env)" makes plain go commands work
	@printf 'export GOFLAGS=%q CGO_CXXFLAGS=%q CGO_CPPFLAGS=%q CGO_LDFLAGS=%q\n' "$(GOFLAGS)" "$(CGO_CXXFLAGS)" "$(CGO_CPPFLAGS)" "$(CGO_LDFLAGS)"
