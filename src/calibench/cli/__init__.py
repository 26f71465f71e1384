"""The command line: read the options, call the pipeline once, print the answer."""
