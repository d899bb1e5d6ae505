package main

import (
	"context"
	"fmt"
	"io"

	"github.com/rs/zerolog"

	"faird/config"
	"faird/pipeline"
)

// checkModels makes every station as the daemon would, its models on their
// provider and proved by their golden samples, and opens no camera: what an
// upgrade must know before it stops the program that works.
func checkModels(ctx context.Context, out io.Writer, cfg *config.Config) error {
	keys, err := trustedKeys(cfg)
	if err != nil {
		return err
	}
	for _, s := range cfg.Stations {
		j, err := pipeline.NewJudge(ctx, s, cfg.Infer, keys, consoleLog(zerolog.WarnLevel))
		if err != nil {
			return fmt.Errorf("station %s: %w", s.Name, err)
		}
		j.Close()
		if _, err := fmt.Fprintf(out, "station %s: its models give their golden scores\n", s.Name); err != nil {
			return err
		}
	}
	return nil
}
