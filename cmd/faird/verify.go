package main

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"faird/config"
	"faird/model/trust"
)

// trustedKeys are those whose models the config trusts; nil: anybody's.
func trustedKeys(c *config.Config) (trust.Keys, error) {
	if c.Trust.Keys == "" {
		return nil, nil
	}
	keys, err := trust.Read(c.Trust.Keys)
	if err != nil {
		return nil, fmt.Errorf("trust.keys: %w", err)
	}
	return keys, nil
}

// attested is the report of one file.
type attested struct {
	File    string `json:"file"`
	SHA256  string `json:"sha256"`
	Key     string `json:"key"`
	Comment string `json:"comment"`
}

func verifyCommand() *cobra.Command {
	var path, keys string
	var asJSON bool
	c := &cobra.Command{
		Use:   "verify FILE...",
		Short: "Says whether files, models or packages, are signed by somebody the box trusts",
		Long: "Holds each file against the signature beside it (FILE" + trust.Suffix + ", as minisign -Sm FILE makes it) and the trusted\n" +
			"public keys: those of --keys, else those of the config's trust.keys. Prints who signed it, and its SHA-256.",
		Args: args(cobra.MinimumNArgs(1)),
		RunE: func(c *cobra.Command, files []string) error {
			trusted, err := keysFor(path, keys)
			if err != nil {
				return err
			}
			return verify(c.OutOrStdout(), trusted, files, asJSON)
		},
	}
	addConfigFlag(c, &path)
	c.Flags().StringVar(&keys, "keys", "", "file of minisign public keys to trust")
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON document")
	return c
}

func keysFor(path, keys string) (trust.Keys, error) {
	if keys != "" {
		return trust.Read(keys)
	}
	cfg, err := findConfig(path)
	if err != nil {
		return nil, err
	}
	trusted, err := trustedKeys(cfg)
	if err == nil && trusted == nil {
		err = usageError{errors.New("the config names no trusted keys: set trust.keys, or give --keys minisign.pub")}
	}
	return trusted, err
}

// findConfig loads a config; the files it names are not looked at.
func findConfig(path string) (*config.Config, error) {
	if path == "" {
		found, err := config.Find()
		if err != nil {
			return nil, err
		}
		path = found
	}
	return config.Load(path, os.Environ())
}

func verify(out io.Writer, keys trust.Keys, files []string, asJSON bool) error {
	var all []attested
	for _, file := range files {
		r, err := verifyFile(keys, file)
		if err != nil {
			return err
		}
		all = append(all, r)
		if asJSON {
			continue
		}
		if _, err := fmt.Fprintf(out, "%s: signed with key %s (%s), %s\n", r.File, r.Key, r.Comment, r.SHA256); err != nil {
			return err
		}
	}
	if !asJSON {
		return nil
	}
	return json.NewEncoder(out).Encode(all)
}

func verifyFile(keys trust.Keys, file string) (attested, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return attested{}, err
	}
	who, err := keys.Check(file, data)
	if err != nil {
		return attested{}, err
	}
	return attested{file, fmt.Sprintf("sha256:%x", sha256.Sum256(data)), who.Key, strings.TrimSpace(who.Comment)}, nil
}
