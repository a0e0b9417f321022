package config

import (
	"encoding/json"
	"fmt"
	"os"
)

type Config struct {
	Host    string `json:"host"`
	Port    int    `json:"port"`
	Verbose bool   `json:"verbose"`
}

// Load reads a configuration file.
func Load(path string) (*Config, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, ⟦err⟧
	}
	var config Config
	if err := json.Unmarshal(data, ⟦&config⟧); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if config.Port == 0 {
		config.Port = 8080
	}
	return &config, nil
}
