"""Measurements: what is run to back a claim of speed or accuracy."""
