"""What models are for: one file for each task, and `choose.py` with the written-out list."""
