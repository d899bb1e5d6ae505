package main

import (
	"fmt"
	"strings"

	"faird/config"
)

// render writes a table for each section, in the file's order.
func render(said map[string]string) (string, error) {
	b := &strings.Builder{}
	section := ""
	for _, k := range config.Keys() {
		words, is := said[strings.TrimSuffix(k.Name, "[]")]
		if !is {
			words, is = said[k.Name]
		}
		if !is {
			return "", fmt.Errorf("faird.yaml has no key %s", k.Name)
		}
		top, _, _ := strings.Cut(strings.ReplaceAll(k.Name, "[]", ""), ".")
		within := k.Kind == "section" || k.Kind == "list"
		switch {
		case within && top != section:
			section = top
			head(b, "### `"+top+"`", escape(words))
			continue
		case within && words == "":
			continue
		case b.Len() == 0:
			head(b)
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", k.Name, k.Kind, code(k.Default), escape(words))
	}
	b.WriteString("\n")
	return b.String(), nil
}

// head begins a table, after the paragraphs that have words.
func head(b *strings.Builder, paragraphs ...string) {
	for _, p := range paragraphs {
		if p != "" {
			fmt.Fprintf(b, "\n%s\n", p)
		}
	}
	b.WriteString("\n| key | written as | default | |\n|---|---|---|---|\n")
}

func code(text string) string {
	if text == "" {
		return ""
	}
	return "`" + text + "`"
}

// escape keeps words from being taken for Markdown's or HTML's.
func escape(text string) string {
	return strings.NewReplacer("|", `\|`, "<", "&lt;", "*", `\*`, "_", `\_`).Replace(text)
}
