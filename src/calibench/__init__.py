"""Calibench: FP32 models to INT8 for OpenVINO, with a known accuracy drop and the reasons."""

__version__ = "0.1.0"
