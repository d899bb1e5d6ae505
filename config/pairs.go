package config

import (
	"fmt"

	"go.yaml.in/yaml/v3"
)

// maxMerge is how deep merge keys may nest: anchors can point at themselves.
const maxMerge = 8

type pair struct{ key, value *yaml.Node }

// follow gives what an alias stands for.
func follow(n *yaml.Node) *yaml.Node {
	for n != nil && n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

// pairs lists a mapping's keys and values, those of its merge keys (<<) after
// its own. A key given twice is reported.
func (r *reader) pairs(n *yaml.Node, section string, depth int) []pair {
	if r.spent(n, section, depth) {
		return nil
	}
	var list, merged []pair
	lines := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Value == "<<" && key.ShortTag() == "!!merge" {
			merged = append(merged, r.merge(follow(value), section, depth+1)...)
			continue
		}
		if line, twice := lines[key.Value]; twice {
			r.bad(key, join(section, key.Value), fmt.Sprintf("already given in line %d", line), "take one out")
			continue
		}
		lines[key.Value] = key.Line
		list = append(list, pair{key, value})
	}
	for _, p := range merged {
		if _, own := lines[p.key.Value]; !own {
			lines[p.key.Value] = p.key.Line
			list = append(list, p)
		}
	}
	return list
}

func (r *reader) merge(n *yaml.Node, section string, depth int) []pair {
	switch n.Kind {
	case yaml.MappingNode:
		return r.pairs(n, section, depth)
	case yaml.SequenceNode:
		var list []pair
		for _, item := range n.Content {
			if item = follow(item); item.Kind == yaml.MappingNode {
				list = append(list, r.pairs(item, section, depth)...)
			}
		}
		return list
	}
	r.bad(n, join(section, "<<"), "nothing to merge", "name an anchored section: <<: *name")
	return nil
}

// spent says whether merges went too far, and reports it once.
func (r *reader) spent(n *yaml.Node, section string, depth int) bool {
	r.nodes += len(n.Content)/2 + 1
	if depth <= maxMerge && r.nodes <= maxNodes {
		return false
	}
	if r.nodes <= 2*maxNodes {
		r.nodes = 2*maxNodes + 1
		r.bad(n, section, "too many merged or repeated sections", "write them out")
	}
	return true
}
