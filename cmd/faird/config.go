package main

import (
	"fmt"
	"os"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"faird/camera"
	"faird/config"
)

func configCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "config",
		Short: "Checks or shows the config",
		Args:  args(cobra.NoArgs),
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(configCheckCommand(), configShowCommand())
	return c
}

func configCheckCommand() *cobra.Command {
	var path string
	var models bool
	c := &cobra.Command{
		Use:   "check",
		Short: "Says whether the config file is right, and if not, line by line what to mend",
		Args:  args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := loadConfig(path)
			if err != nil {
				return err
			}
			for _, w := range cfg.Warnings() {
				fmt.Fprintln(c.OutOrStdout(), "warning:", w)
			}
			if models {
				if err := checkModels(c.Context(), c.OutOrStdout(), cfg); err != nil {
					return err
				}
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), "%s is right: %d station(s), config %s\n", cfg.Path(), len(cfg.Stations), cfg.Hash())
			return err
		},
	}
	addConfigFlag(c, &path)
	c.Flags().BoolVar(&models, "models", false, "also load every station's models and check their golden scores on this machine")
	return c
}

func configShowCommand() *cobra.Command {
	var path string
	c := &cobra.Command{
		Use:   "show",
		Short: "Shows the config in force, defaults and environment included, secrets masked",
		Args:  args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := loadConfig(path)
			if err != nil {
				return err
			}
			_, err = fmt.Fprint(c.OutOrStdout(), cfg.Show())
			return err
		},
	}
	addConfigFlag(c, &path)
	return c
}

func addConfigFlag(c *cobra.Command, path *string) {
	c.Flags().StringVar(path, "config", os.Getenv("FAIRD_CONFIG"),
		"config file (default $FAIRD_CONFIG, else ./faird.yaml, else /etc/faird/faird.yaml)")
}

// loadConfig loads and checks the config, the files it names included.
func loadConfig(path string) (*config.Config, error) {
	if path == "" {
		found, err := config.Find()
		if err != nil {
			return nil, err
		}
		path = found
	}
	cfg, err := config.Load(path, os.Environ())
	if err != nil {
		return nil, err
	}
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	for _, s := range cfg.Stations {
		if _, err := camera.Open(s.Camera, zerolog.Nop()); err != nil {
			return nil, fmt.Errorf("%s: stations.%s.camera: %w", cfg.Path(), s.Name, err)
		}
	}
	return cfg, nil
}
