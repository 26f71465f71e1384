"""What models are for: one file for each task, and `task_choice.py` with the written-out list."""
