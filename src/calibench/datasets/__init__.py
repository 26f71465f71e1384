"""Read samples with or without labels, decode, resize, cache, choose a subset."""
