"""Small scripts for make."""
