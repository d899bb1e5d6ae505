package libav

import (
	"math"
	"slices"

	"faird/camera/fault"
	"faird/verdict"
)

// NoPTS marks an access unit without a presentation time.
const NoPTS = math.MinInt64

// maxPending bounds the pictures that wait for their output. No standard has
// more than 16 in its decoded picture buffer; the rest is threads.
const maxPending = 48

// entry is a coded picture that has not been answered for yet.
type entry struct {
	tag     int64 // counts access units in decoding order
	pts     int64
	group   int64 // tag of the key picture that its decoding began with
	behind  int64 // the group before that, for leading pictures
	sent    bool  // to libavcodec, so that a picture may come
	hidden  bool  // never shown
	leading bool
	key     bool
	err     error
}

// pending answers for every coded picture once, in the order in which they are
// shown, and knows which may be trusted: a damaged picture spoils all that are
// decoded after it up to the next key picture, which may be built on it.
type pending struct {
	entries []entry // in decoding order
	group   int64   // of the newest picture; 0 before the first key picture
	before  int64   // the group before that
	spoiled map[int64]spoil
}

// spoil is the first damage of a group.
type spoil struct {
	tag int64
	err error
}

func (p *pending) add(tag, pts int64, u unit) {
	if u.key {
		p.before, p.group = p.group, tag
	}
	e := entry{tag: tag, pts: pts, group: p.group, behind: p.before, hidden: u.hidden, leading: u.leading, key: u.key}
	if p.group == 0 && fault.Of(u.err) != verdict.TooLarge {
		e.err = ErrNoKey
	}
	if len(p.entries) >= maxPending {
		p.loseOldest()
	}
	p.entries = append(p.entries, e)
	p.damage(tag, u.err)
}

// damage notes that the picture with that tag cannot be trusted.
func (p *pending) damage(tag int64, err error) {
	e := p.entry(tag)
	if e == nil || err == nil {
		return
	}
	if e.err == nil {
		e.err = err
	}
	group := e.group
	if e.leading {
		group = e.behind // none but leading pictures refer to it
	}
	if s, ok := p.spoiled[group]; group == 0 || (ok && s.tag <= tag) {
		return
	}
	if p.spoiled == nil {
		p.spoiled = map[int64]spoil{}
	}
	p.spoiled[group] = spoil{tag, err}
}

// fault returns why an entry cannot be trusted, or nil.
func (p *pending) fault(e *entry) error {
	if e.err != nil {
		return e.err
	}
	if s, ok := p.spoiled[e.group]; ok && s.tag < e.tag {
		e.err = spoiledBy(s)
	} else if s, ok := p.spoiled[e.behind]; ok && e.leading {
		e.err = spoiledBy(s)
	} else if e.leading && e.behind == 0 {
		e.err = fault.Incomplete("it is built on pictures before the first key picture")
	}
	return e.err
}

func spoiledBy(s spoil) error { return fault.Damaged("built on a damaged picture: %w", s.err) }

// shown is told that the picture with that tag is the next to be shown. Before a key
// picture all come that were decoded before it; what did not never will.
func (p *pending) shown(tag int64) {
	at := p.find(tag)
	if at < 0 {
		return
	}
	key := p.entries[at].key
	for i := range p.entries {
		if o := &p.entries[i]; key && o.tag < tag && o.sent && o.err == nil {
			o.err = errLost
		}
	}
	p.entries = slices.DeleteFunc(p.entries, func(e entry) bool { return e.hidden && e.tag < tag })
}

var errLost = fault.Damaged("the decoder gave no picture")

func (p *pending) loseOldest() {
	for i := range p.entries {
		if e := &p.entries[i]; e.err == nil {
			e.err = errLost
			return
		}
	}
}

// lost gives up what has been sent and has not come: the decoder is empty.
func (p *pending) lost() {
	for i := range p.entries {
		if e := &p.entries[i]; e.sent && e.err == nil {
			e.err = errLost
		}
	}
}

func (p *pending) find(tag int64) int {
	return slices.IndexFunc(p.entries, func(e entry) bool { return e.tag == tag })
}

// dead takes out the first picture in order of output that is a fault, unless
// one that may still come is shown before it.
func (p *pending) dead() (entry, bool) {
	if len(p.entries) == 0 {
		return entry{}, false
	}
	first := &p.entries[0]
	for i := range p.entries {
		if e := &p.entries[i]; e.before(*first) {
			first = e
		}
	}
	if p.fault(first) == nil {
		return entry{}, false
	}
	return p.take(first.tag)
}

// before says whether a picture is shown before another.
func (e entry) before(f entry) bool {
	if e.group != f.group {
		return e.group < f.group
	}
	if e.pts != NoPTS && f.pts != NoPTS && e.pts != f.pts {
		return e.pts < f.pts
	}
	return e.tag < f.tag
}

func (p *pending) take(tag int64) (entry, bool) {
	i := p.find(tag)
	if i < 0 {
		return entry{}, false
	}
	e := p.entries[i]
	p.entries = slices.Delete(p.entries, i, i+1)
	p.clean()
	return e, true
}

// clean forgets the damage of groups that are over.
func (p *pending) clean() {
	for g := range p.spoiled {
		if g != p.group && g != p.before && !slices.ContainsFunc(p.entries, func(e entry) bool { return e.group == g }) {
			delete(p.spoiled, g)
		}
	}
}

func (p *pending) entry(tag int64) *entry {
	if i := p.find(tag); i >= 0 {
		return &p.entries[i]
	}
	return nil
}

// broken notes that decoding one of the n access units sent last failed. What was
// decoded after it is worth nothing either: see lav_reset.
func (p *pending) broken(n int, err error) {
	if len(p.entries) == 0 {
		return // what it was has been answered for
	}
	from := p.entries[len(p.entries)-1].tag
	for _, e := range slices.Backward(p.entries) {
		if e.sent && n > 0 {
			from = e.tag
			n--
		}
	}
	for i := range p.entries {
		if e := &p.entries[i]; e.tag >= from {
			e.leading = false // spoils the group as well
			p.damage(e.tag, err)
		}
	}
}

// hopeless says whether nothing good comes before the next key picture.
func (p *pending) hopeless() bool {
	_, spoiled := p.spoiled[p.group]
	return spoiled
}
