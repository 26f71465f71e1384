"""Readers of model formats that OpenVINO does not read by itself, and graphs that are built by hand from weights."""
