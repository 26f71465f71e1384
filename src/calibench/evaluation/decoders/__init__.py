"""From raw outputs to objects: one file for each family of detectors."""
