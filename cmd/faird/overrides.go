package main

import (
	"context"
	"fmt"
	"time"

	"faird/pipeline"
	"faird/store"
)

// overrides lets the box read and write the operator's thresholds in the store.
type overrides struct{ *store.Store }

func (o overrides) Override(ctx context.Context, station string) (*pipeline.Thresholds, error) {
	t, err := o.Store.Override(ctx, station)
	if err != nil || t == nil {
		return nil, err
	}
	return &pipeline.Thresholds{Threshold: t.Threshold, Review: t.Review, Origin: "override"}, nil
}

func (o overrides) SetOverride(ctx context.Context, station string, t pipeline.Thresholds, who string) error {
	if err := o.Store.SetOverride(ctx, station, store.Override{Threshold: t.Threshold, Review: t.Review, Who: who, At: time.Now()}); err != nil {
		return fmt.Errorf("the threshold is not kept: %w", err)
	}
	return nil
}
