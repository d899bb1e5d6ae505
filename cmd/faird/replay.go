package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"path/filepath"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"faird/config"
	"faird/inspect"
	"faird/pipeline"
	"faird/store"
	"faird/verdict"
)

type replayOptions struct {
	archive, model, config, station string
	provider, library               string
	threshold                       float64
	maxPixels                       pixelLimit
	limit                           *float64 // the threshold, where it was given
	json, all                       bool
}

func replayCommand() *cobra.Command {
	var o replayOptions
	c := &cobra.Command{
		Use:   "replay --archive DIR [--model new.onnx] [--threshold X]",
		Short: "Judges kept pictures again and lists the verdicts that would flip",
		Long: `Judges the pictures of an archive (the folder pictures below store.path, or a copy)
again and lists the verdicts that would be others.

With --model the pictures are judged by that model, cut as they were cut then, or
with --config as the station of that config would cut, turn and mask them. With
--threshold alone nothing is judged: the scores stay and only the threshold moves.`,
		Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := o.check(c.Flags().Changed("threshold")); err != nil {
				return usageError{err}
			}
			return runReplay(c.Context(), c.OutOrStdout(), o)
		},
	}
	f := c.Flags()
	f.StringVar(&o.archive, "archive", "", "folder of kept pictures")
	f.StringVar(&o.model, "model", "", "model file to judge by")
	f.Float64Var(&o.threshold, "threshold", 0, "threshold, in place of the model's own or the one of then")
	f.StringVar(&o.config, "config", "", "config file whose stations say how pictures are cut (default: as they were)")
	f.StringVar(&o.station, "station", "", "pictures of this station alone")
	f.BoolVar(&o.json, "json", false, "print one JSON document")
	f.BoolVar(&o.all, "all", false, "list every verdict, those too that would stay")
	addInferFlags(c, &o.provider, &o.library)
	addMaxPixelsFlag(c, &o.maxPixels)
	return c
}

func (o *replayOptions) check(threshold bool) error {
	switch {
	case o.archive == "":
		return errors.New("--archive is missing: name the folder pictures below store.path")
	case o.model == "" && !threshold:
		return errors.New("neither --model nor --threshold: say what the pictures are to be judged by")
	case threshold && (!(o.threshold > 0) || math.IsInf(o.threshold, 0)):
		return fmt.Errorf("--threshold is %v: must be a number above 0", o.threshold)
	}
	if threshold {
		o.limit = &o.threshold
	}
	return nil
}

// replayed is the JSON of faird replay.
type replayed struct {
	Pictures int                  `json:"pictures"`
	Left     int                  `json:"left_out"` // never scored, or gone meanwhile
	Then     map[verdict.Kind]int `json:"then"`     // as decided
	Now      map[verdict.Kind]int `json:"now"`
	Flips    int                  `json:"flips"`
	Flipped  []flipped            `json:"flipped"` // with --all those too that would stay
}

type flipped struct {
	ID       string       `json:"id"`
	Station  string       `json:"station"`
	Time     verdict.Time `json:"time"`
	File     string       `json:"file"`
	Verdict  verdict.Kind `json:"verdict"` // as decided
	Score    *float64     `json:"score"`
	WouldBe  verdict.Kind `json:"would_be"`
	NewScore *float64     `json:"new_score"`
	Limit    *float64     `json:"new_threshold"`
}

func runReplay(ctx context.Context, out io.Writer, o replayOptions) error {
	p := &rerun{replayOptions: o, judges: map[string]*pipeline.Judge{}}
	p.Then, p.Now, p.Flipped = map[verdict.Kind]int{}, map[verdict.Kind]int{}, []flipped{}
	defer p.close()
	if o.config != "" {
		cfg, err := loadConfig(o.config)
		if err != nil {
			return err
		}
		p.stations = cfg
	}
	tell, end := newProgress("judging pictures")
	err := store.WalkArchive(o.archive, func(k store.Kept) error {
		if o.station != "" && k.Station != o.station {
			return ctx.Err()
		}
		err := p.one(ctx, k)
		tell(p.Pictures, -1)
		return err
	})
	end()
	if err != nil {
		return err
	}
	if o.json {
		e := json.NewEncoder(out)
		e.SetIndent("", " ")
		return e.Encode(p.replayed)
	}
	return p.print(out)
}

// rerun judges an archive again.
type rerun struct {
	replayOptions
	replayed
	stations *config.Config             // nil: as the pictures were cut
	judges   map[string]*pipeline.Judge // by station and region of interest
}

func (p *rerun) one(ctx context.Context, k store.Kept) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	p.Pictures++
	v, err := p.judge(ctx, k)
	if err != nil {
		return fmt.Errorf("%s: %w", k.Folder, err)
	}
	if v == nil {
		p.Left++
		return nil
	}
	p.Then[k.Verdict.Verdict]++
	p.Now[v.Verdict]++
	stays := v.Verdict == k.Verdict.Verdict
	if !stays {
		p.Flips++
	}
	if stays && !p.all {
		return nil
	}
	p.Flipped = append(p.Flipped, flipped{
		ID: k.ID, Station: k.Station, Time: k.Verdict.Time.Decided, File: filepath.Join(k.Folder, picturePNG),
		Verdict: k.Verdict.Verdict, Score: k.Verdict.Score, WouldBe: v.Verdict, NewScore: v.Score, Limit: v.Threshold,
	})
	return nil
}

// picturePNG is the judged picture's name in its folder.
const picturePNG = "picture.png"

// judge gives the verdict of now, nil for a picture that has none.
func (p *rerun) judge(ctx context.Context, k store.Kept) (*verdict.Verdict, error) {
	if p.model == "" {
		if k.Verdict.Score == nil {
			return nil, nil
		}
		v := *k.Verdict
		v.Verdict = verdict.Judge(*v.Score, *p.limit, under(v.Review, *p.limit))
		return &v, nil
	}
	j, err := p.judgeOf(ctx, k)
	if err != nil {
		return nil, err
	}
	picture, err := inspect.ReadPicture(filepath.Join(k.Folder, picturePNG), int(p.maxPixels))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer picture.Close()
	return j.Judge(ctx, picture)
}

// under keeps a review limit only below the threshold.
func under(review *float64, threshold float64) *float64 {
	if review != nil && *review < threshold {
		return review
	}
	return nil
}

// judgeOf is the judge of the picture's station, made at its first picture.
func (p *rerun) judgeOf(ctx context.Context, k store.Kept) (*pipeline.Judge, error) {
	name := fmt.Sprint(k.Station, k.Field)
	if j := p.judges[name]; j != nil {
		return j, nil
	}
	s := config.DefaultStation()
	if p.stations != nil {
		found := p.stations.Station(k.Station)
		if found == nil {
			return nil, fmt.Errorf("%s has no station %s: leave out --config, or name another with --station", p.config, k.Station)
		}
		s = *found
	} else {
		s.ROI = &config.Rect{X: k.Field.X, Y: k.Field.Y, W: k.Field.W, H: k.Field.H}
	}
	s.Name, s.Model = k.Station, p.model
	s.Threshold, s.Review = p.limit, nil
	c := config.Default().Infer
	c.Provider, c.Library = p.provider, p.library
	j, err := pipeline.NewJudge(ctx, s, c, nil, consoleLog(zerolog.WarnLevel))
	if err == nil {
		p.judges[name] = j
	}
	return j, err
}

func (p *rerun) close() {
	for _, j := range p.judges {
		j.Close()
	}
}

func (p *rerun) print(out io.Writer) error {
	for _, f := range p.Flipped {
		if _, err := fmt.Fprintf(out, "%s  %s  %-7s %s -> %-7s %s  %s\n", f.Time.Format("2006-01-02 15:04:05"), f.Station,
			f.Verdict, digits(f.Score), f.WouldBe, digits(f.NewScore), f.File); err != nil {
			return err
		}
	}
	count := func(m map[verdict.Kind]int) string {
		return fmt.Sprintf("%d pass, %d review, %d fail", m[verdict.Pass], m[verdict.Review], m[verdict.Fail])
	}
	_, err := fmt.Fprintf(out, "%d of %d verdicts would flip: %s became %s; %d left out\n",
		p.Flips, p.Pictures-p.Left, count(p.Then), count(p.Now), p.Left)
	return err
}

func digits(score *float64) string {
	if score == nil {
		return "-"
	}
	return fmt.Sprintf("%.4f", *score)
}
