"""REST: reads a request, calls the workbench, writes the answer."""
