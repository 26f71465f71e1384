"""The revisions, oldest first; the newest is `HEAD` in `store/tables.py`."""
