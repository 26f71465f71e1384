"""One calibration on many processes: its validation and its statistics in chunks, with the same result as on one."""
