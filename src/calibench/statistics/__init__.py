"""One pass over the subset: what values flow through the network."""
