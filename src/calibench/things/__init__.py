"""What the Workbench keeps and what can be asked of it: plain values, the same in Python, REST and pages."""
