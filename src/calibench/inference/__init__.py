"""Run a model: samples in order, throughput and latency, the profile of its layers."""
