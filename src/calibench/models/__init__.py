"""Read a model and look at its graph."""
