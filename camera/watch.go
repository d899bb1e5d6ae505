package camera

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"faird/camera/imagefile"
	"faird/camera/watch"
	"faird/config"
	"faird/verdict"

	"github.com/rs/zerolog"
)

// parseWatch understands
// watch:///folder?then=keep|remove|move&to=/other&subfolders=true&poll=5s.
func parseWatch(u *url.URL, q *query) (plan, error) {
	path, err := localPath(u)
	if err != nil {
		return plan{}, err
	}
	s := watch.Settings{
		Path:       filepath.Clean(path),
		Subfolders: q.yes("subfolders"),
		Poll:       q.duration("poll", watch.Auto, time.Hour),
		Then:       q.word("then", watch.Keep, watch.Keep, watch.Remove, watch.Move),
	}
	if s.Poll > 0 && s.Poll < time.Second {
		return plan{}, fmt.Errorf("query key poll=%q: want 0s, or 1s and more", s.Poll)
	}
	if s.To, err = moveTo(s, q); err != nil {
		return plan{}, err
	}
	folder := watch.New(s) // outlives the sources: nothing is judged twice because a folder was away
	return plan{
		every:  true,
		mixed:  true,
		onCall: true,
		source: func(c config.Camera, _ uint64) source { return &watched{folder: folder, maxPixels: c.MaxPixels} },
	}, nil
}

// maxFileBytes is what the file of an image within the limit on pixels may have:
// its pixels uncompressed, and 64 MiB for what else is in it.
func maxFileBytes(maxPixels int) int64 {
	const others = 64 << 20
	return 3*int64(maxPixels) + others
}

// moveTo reads to=.
func moveTo(s watch.Settings, q *query) (string, error) {
	to, _ := q.get("to")
	switch {
	case (s.Then == watch.Move) != (to != ""):
		return "", errors.New("then=move and to=/folder go together: give both, or neither")
	case to == "":
		return "", nil
	case !filepath.IsAbs(to):
		return "", fmt.Errorf("query key to=%q: want an absolute path", to)
	}
	to = filepath.Clean(to)
	if s.Subfolders && strings.HasPrefix(to+"/", strings.TrimSuffix(s.Path, "/")+"/") {
		return "", fmt.Errorf("query key to=%q: it is in the watched folder, whose folders are watched too: name one outside", to)
	}
	return to, nil
}

// watched gives the images that other systems put into a folder.
type watched struct {
	folder    *watch.Folder
	maxPixels int
	log       zerolog.Logger
	watcher   *watch.Watcher
	decoder   *imagefile.Decoder
}

func (s *watched) logTo(log zerolog.Logger) { s.log = log }

func (s *watched) open(context.Context) (err error) {
	if s.watcher, err = s.folder.Open(s.log, maxFileBytes(s.maxPixels)); err != nil {
		return err
	}
	s.decoder = imagefile.NewDecoder(s.maxPixels)
	return nil
}

func (s *watched) read(ctx context.Context, f *Frame) error {
	image, err := s.watcher.Next(ctx)
	switch {
	case err != nil:
		return err
	case image == nil:
		return errQuiet
	}
	err = image.Err
	if err == nil {
		f.received()
		_, err = s.decoder.Decode(image.Data, &f.mat)
	}
	if err != nil && s.watcher.Later(image) {
		return errQuiet
	}
	if err != nil {
		f.fail(fmt.Errorf("%s: %w", image.Name, err))
	}
	f.Captured, f.Exposure, f.Source = image.Complete, verdict.Estimated, image.Name
	f.reply = func(v *verdict.Verdict) {
		if v != nil {
			image.Judged()
		}
	}
	return nil
}

func (s *watched) close() {
	if s.watcher != nil {
		s.watcher.Close()
	}
	if s.decoder != nil {
		_ = s.decoder.Close()
	}
}
