"""Dataset formats: one file each, and `formats.py` with the written-out list."""
