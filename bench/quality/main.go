// Command quality measures what faird train reaches on the reference data sets
// with the budget of their PyTorch baselines (baselines.json: c=16, 128x128,
// 1,200 steps of 8), and prints the table of docs/quality.md. Runs that are in
// the folder already are not made again, so that it can be stopped and gone on
// with; flags of faird train after -- make a variant.
//
//	go run ./bench/quality -faird bin/faird -out DIR
//	go run ./bench/quality -faird bin/faird -out DIR2 -- --nsa --clean 0.2
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
	faird, datasets, out string
	sets, seeds          []string
	extra                []string // flags of faird train
}

func main() {
	p := plan{}
	flag.StringVar(&p.faird, "faird", "bin/faird", "program")
	flag.StringVar(&p.datasets, "datasets", "../shared/datasets", "folder of data sets with baselines.json and textures")
	flag.StringVar(&p.out, "out", "", "folder for models and figures")
	sets := flag.String("sets", "bottle,magnetic_tile,glassfibre", "which data sets")
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
	baseline, err := readBaselines(filepath.Join(p.datasets, "baselines.json"))
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
	_, err = fmt.Print(table(p.sets, baseline, all))
	return err
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
		"--width", "16", "--size", "128", "--batch", "8", "--steps", "1200", "--lr", "1e-3",
		"--d0", "30", "--smooth", "21", "--textures", filepath.Join(p.datasets, "textures"), "--seed", seed, "--precision", "float32",
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
