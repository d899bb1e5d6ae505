package watch

import "sync"

// state is what is known of a file that has not changed since.
type state uint8

const (
	unknown state = iota
	stock         // lay there when the folder was first listed, and nothing happened to it since
	judged
	refused // the log says why
)

// fact is one file as it was. Names and marks are kept as 64-bit hashes: a
// million facts take 56 MB.
type fact struct {
	mark  uint64
	state state
	sweep uint8 // the last one that met it
}

// memory is what has become of the files in a folder. It is shared by a watcher
// and, for a while, one that hangs and was given up.
type memory struct {
	mu      sync.Mutex
	facts   map[uint64]fact
	stocked bool     // the first listing is complete
	root    identity // the folder that the facts are about: where one was last judged
	sweep   uint8
}

func newMemory() *memory { return &memory{facts: map[uint64]fact{}} }

// recall returns what is known of a file, unknown if it has changed. A refused
// one has changed when its permissions have.
func (m *memory) recall(name string, k mark) state {
	m.mu.Lock()
	defer m.mu.Unlock()
	f := m.facts[hashName(name)]
	if f.state != refused {
		k = k.content()
	}
	if f.mark != hashMark(k) {
		return unknown
	}
	return f.state
}

// state returns what was known of a file, whether or not it has changed.
func (m *memory) state(name string) state {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.facts[hashName(name)].state
}

// put remembers what has become of a file.
func (m *memory) put(name string, k mark, s state) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s != refused {
		k = k.content()
	}
	m.facts[hashName(name)] = fact{mark: hashMark(k), state: s, sweep: m.sweep}
}

// forget drops what is known of a name and returns it.
func (m *memory) forget(name string) fact {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := hashName(name)
	f := m.facts[key]
	delete(m.facts, key)
	return f
}

// restore puts a forgotten fact back under a new name.
func (m *memory) restore(name string, f fact) {
	if f.state != judged && f.state != stock { // a new name may be judged where the old one was refused
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	f.sweep = m.sweep
	m.facts[hashName(name)] = f
}

// begin starts a sweep over the whole folder.
func (m *memory) begin() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sweep++
}

// met notes that the sweep has found a file.
func (m *memory) met(name string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := hashName(name)
	if f, ok := m.facts[key]; ok {
		f.sweep = m.sweep
		m.facts[key] = f
	}
}

// prune ends a sweep: what it did not meet is no longer there. Where another
// folder is found than the one that the facts are about, as when a share is not
// mounted, they are kept.
func (m *memory) prune(root identity) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.root == (identity{}) {
		m.root = root
	}
	if root != m.root {
		return
	}
	for key, f := range m.facts {
		if f.sweep != m.sweep {
			delete(m.facts, key)
		}
	}
}

// about says which folder the newest facts are about.
func (m *memory) about(root identity) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.root = root
}

func (m *memory) size() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.facts)
}

// fresh says whether the folder has yet to be listed for the first time. An empty
// one that another device has taken the place of was a mount point.
func (m *memory) fresh(root identity) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.root.device != root.device && m.count(stock)+m.count(judged) == 0 {
		m.stocked = false
	}
	return !m.stocked
}

// stockTaken ends the first listing and returns how many images it met.
func (m *memory) stockTaken(root identity) (files int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stocked, m.root = true, root
	return m.count(stock)
}

// count is how many files are in a state. The lock is held.
func (m *memory) count(s state) (n int) {
	for _, f := range m.facts {
		if f.state == s {
			n++
		}
	}
	return n
}
