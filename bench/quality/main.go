// Command quality measures what faird train reaches on the reference data sets with
// a fixed budget (c=16, 128x128, steps of 8 images at a rate of 1e-3), and prints a
// table of docs/quality.md beside another run's: image AUROC, AUPRO, and what the
// model's own threshold rejects and lets through. Runs that are in the folder
// already are not made again, so that it can be stopped and gone on with; flags of
// faird train after -- make a variant.
//
//	go run ./bench/quality -faird bin/faird -steps 300 -out paper -- --score paper
//	go run ./bench/quality -faird bin/faird -steps 300 -out now -beside paper
//
// Without -beside, what baselines.json says of PyTorch stands beside; its networks
// had these flags:
//
//	go run ./bench/quality -steps 1200 -sets bottle,magnetic_tile,glassfibre -out pytorch -- \
//	    --score paper --d0 30 --smooth 21 --cutpaste authors --textures ../shared/datasets/textures
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
)

type plan struct {
	faird, datasets, out, beside string
	steps                        string
	sets, seeds                  []string
	extra                        []string // flags of faird train
}

func main() {
	p := plan{}
	flag.StringVar(&p.faird, "faird", "bin/faird", "program")
	flag.StringVar(&p.datasets, "datasets", "../shared/datasets", "folder of data sets with baselines.json and textures")
	flag.StringVar(&p.out, "out", "", "folder for models and figures")
	flag.StringVar(&p.beside, "beside", "", "folder of another run, to set beside")
	flag.StringVar(&p.steps, "steps", "1200", "how long to train")
	sets := flag.String("sets", "bottle,bsdata,glassfibre,macaroni1,magnetic_tile,pv_cells", "which data sets")
	seeds := flag.String("seeds", "0,1", "which seeds")
	flag.Parse()
	p.sets, p.seeds, p.extra = strings.Split(*sets, ","), strings.Split(*seeds, ","), flag.Args()
	if p.out == "" {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := p.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "quality:", err)
		os.Exit(1)
	}
}

func (p plan) run(ctx context.Context) error {
	beside, err := p.readBeside()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(p.out, 0o755); err != nil {
		return err
	}
	var all []result
	for _, seed := range p.seeds {
		for _, set := range p.sets {
			r, err := p.result(ctx, set, seed)
			if err != nil {
				return fmt.Errorf("%s, seed %s: %w", set, seed, err)
			}
			all = append(all, r)
		}
	}
	_, err = fmt.Print(table(p.sets, beside, all))
	return err
}

// readBeside is what the table compares with.
func (p plan) readBeside() (all []result, err error) {
	if p.beside == "" {
		return readBaselines(filepath.Join(p.datasets, "baselines.json"))
	}
	for _, set := range p.sets {
		for _, seed := range p.seeds {
			text, err := os.ReadFile(filepath.Join(p.beside, set+"-"+seed+".json"))
			if err != nil {
				return nil, fmt.Errorf("-beside: %w", err)
			}
			r := result{Data: set}
			if err := json.Unmarshal(text, &r); err != nil {
				return nil, fmt.Errorf("-beside: %s, seed %s: %w", set, seed, err)
			}
			all = append(all, r)
		}
	}
	return all, nil
}

// result is one run's, made now where its figures are not there yet.
func (p plan) result(ctx context.Context, set, seed string) (result, error) {
	path := filepath.Join(p.out, set+"-"+seed+".json")
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		text, err = p.measure(ctx, set, seed)
		if err == nil {
			err = os.WriteFile(path, text, 0o644)
		}
	}
	if err != nil {
		return result{}, err
	}
	n, err := strconv.ParseUint(seed, 10, 64)
	if err != nil {
		return result{}, fmt.Errorf("seed: %w", err)
	}
	r := result{Data: set, Seed: n}
	return r, json.Unmarshal(text, &r)
}

// measure trains and judges: the figures of faird eval.
func (p plan) measure(ctx context.Context, set, seed string) ([]byte, error) {
	model := filepath.Join(p.out, set+"-"+seed+".onnx")
	train := append([]string{
		"train", "--good", filepath.Join(p.datasets, set, "train", "good"), "--out", model,
		"--width", "16", "--size", "128", "--batch", "8", "--steps", p.steps, "--lr", "1e-3",
		"--seed", seed, "--precision", "float32",
	}, p.extra...)
	if err := p.command(ctx, train...).Run(); err != nil {
		return nil, err
	}
	judge := p.command(ctx, "eval", "--model", model, "--data", filepath.Join(p.datasets, set), "--json")
	judge.Stdout = nil
	return judge.Output()
}

func (p plan) command(ctx context.Context, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, p.faird, args...)
	c.Stdout, c.Stderr = os.Stderr, os.Stderr
	fmt.Fprintln(os.Stderr, c)
	return c
}
