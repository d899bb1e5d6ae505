package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"faird/config"
	"faird/verdict"
)

func openFeed(t *testing.T, s *Store) Feed {
	t.Helper()
	f, err := s.Feed(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// inFeed reads the whole feed.
func inFeed(t *testing.T, f Feed) []Pending {
	t.Helper()
	var out []Pending
	for {
		var after int64
		if len(out) > 0 {
			after = out[len(out)-1].Key
		}
		rows, err := f.Backlog(context.Background(), after, 1000)
		if err != nil {
			t.Fatal(err)
		}
		if out = append(out, rows...); len(rows) == 0 {
			return out
		}
	}
}

// commitMany commits n verdicts, every tenth a fail, each followed by what then
// does; in groups, so that they share the way to the disk.
func commitMany(t *testing.T, s *Store, n int, then func(context.Context, []int64) error) {
	t.Helper()
	g, ctx := errgroup.WithContext(context.Background())
	g.SetLimit(64)
	for i := range n {
		kind := verdict.Pass
		if i%10 == 0 {
			kind = verdict.Fail
		}
		g.Go(func() error {
			key, err := s.Commit(ctx, newVerdict("cap", uint64(i), kind))
			if err != nil {
				return err
			}
			return then(ctx, []int64{key})
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
}

func keysOf(rows []Pending) []int64 {
	var keys []int64
	for _, p := range rows {
		keys = append(keys, p.Key)
	}
	return keys
}

func TestFeedIsApartFromTheOutbox(t *testing.T) {
	c := config.Store{Path: t.TempDir()}
	s := open(t, c)
	before := commit(t, s, newVerdict("cap", 1, verdict.Pass))
	f := openFeed(t, s)
	var keys []int64
	for i := range uint64(5) {
		keys = append(keys, commit(t, s, newVerdict("cap", 2+i, verdict.Pass)))
	}
	if err := s.Delivered(context.Background(), keys[:4]); err != nil {
		t.Fatal(err)
	}
	if err := f.Delivered(context.Background(), append([]int64{before}, keys[3:]...)); err != nil {
		t.Fatal(err)
	}
	if got := keysOf(inFeed(t, f)); !slices.Equal(got, keys[:3]) {
		t.Errorf("%v in the feed, want %v", got, keys[:3])
	}
	if got, want := keysOf(backlog(t, s)), []int64{before, keys[4]}; !slices.Equal(got, want) {
		t.Errorf("%v in the outbox, want %v", got, want)
	}
	if w := f.Waiting(); w.Rows != 3 || w.Bytes <= 0 || w.Dropped != 0 {
		t.Errorf("the feed says %+v, want 3 rows", w)
	}

	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, c)
	commit(t, s, newVerdict("cap", 7, verdict.Pass)) // before anybody asks for the feed
	f = openFeed(t, s)
	if got := keysOf(inFeed(t, f)); !slices.Equal(got, keys[:3]) || f.Waiting().Rows != 3 {
		t.Errorf("%v in the feed after a restart, want %v", got, keys[:3])
	}
}

func TestHistoryIsKeptForTheFeed(t *testing.T) {
	s := open(t, config.Store{Path: t.TempDir(), MaxBytes: 1 << 20})
	f := openFeed(t, s)
	kept := commit(t, s, newVerdict("cap", 1, verdict.Pass))
	if err := s.Delivered(context.Background(), []int64{kept}); err != nil {
		t.Fatal(err)
	}
	commitMany(t, s, 3000, func(ctx context.Context, key []int64) error {
		return errors.Join(s.Delivered(ctx, key), f.Delivered(ctx, key))
	})
	settle(t, s)
	rows := inFeed(t, f)
	if len(rows) != 1 || rows[0].Key != kept || decode(t, rows[0].Payload).Sequence != 1 {
		t.Errorf("%d rows in the feed, want the first verdict with its payload", len(rows))
	}
	if st := s.Stats(); st.Bytes > 1<<20 {
		t.Errorf("%d bytes in use, want at most %d", st.Bytes, 1<<20)
	}
}

// A primary host that is away for weeks costs the feed its oldest pass, and
// the outbox, whose broker is there, nothing.
func TestFullFeedGivesUpItsOldestPassFirst(t *testing.T) {
	s := open(t, config.Store{Path: t.TempDir(), MaxBytes: 1 << 20})
	f := openFeed(t, s)
	inFlight := commit(t, s, newVerdict("cap", 1, verdict.Pass)) // in the outbox, and newer ones in the feed
	commitMany(t, s, 2500, s.Delivered)
	settle(t, s)
	count := map[verdict.Kind]int{}
	for _, p := range inFeed(t, f) {
		count[decode(t, p.Payload).Verdict]++
	}
	if count[verdict.Fail] != 250 || count[verdict.Pass] == 0 || count[verdict.Pass] > 2000 {
		t.Errorf("left in the feed: %v, want every fail and some pass", count)
	}
	if got := keysOf(backlog(t, s)); !slices.Equal(got, []int64{inFlight}) {
		t.Errorf("%v in the outbox, want it untouched", got)
	}
	if w := f.Waiting(); w.Dropped == 0 || w.Rows != int64(count[verdict.Fail]+count[verdict.Pass]) {
		t.Errorf("the feed says %+v for %v", w, count)
	}
}

func TestFeedAges(t *testing.T) {
	s := open(t, config.Store{Path: t.TempDir(), MaxAge: time.Hour})
	f := openFeed(t, s)
	old := newVerdict("cap", 1, verdict.Fail)
	old.Time.Decided = verdict.Time{Time: time.Now().Add(-2 * time.Hour)}
	commit(t, s, old)
	fresh := commit(t, s, newVerdict("cap", 2, verdict.Pass))
	for end := time.Now().Add(20 * time.Second); f.Waiting().Dropped == 0 && time.Now().Before(end); {
		time.Sleep(20 * time.Millisecond)
	}
	if got := keysOf(inFeed(t, f)); !slices.Equal(got, []int64{fresh}) {
		t.Errorf("%v in the feed, want %d alone", got, fresh)
	}
}

// BenchmarkCommitWithFeed is what the feed costs a commit, 64 stations at once.
func BenchmarkCommitWithFeed(b *testing.B) {
	for _, on := range []bool{false, true} {
		b.Run(fmt.Sprint("feed=", on), func(b *testing.B) {
			s := open(b, config.Store{Path: b.TempDir()})
			if on {
				if _, err := s.Feed(context.Background()); err != nil {
					b.Fatal(err)
				}
			}
			var n atomic.Uint64
			b.SetParallelism(64)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					commit(b, s, newVerdict("cap", n.Add(1), verdict.Pass))
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "verdicts/s")
		})
	}
}
