"""Calibrate, evaluate, benchmark and compare on a target, for Python and the command line."""
