"""One file for each family of networks: where the model comes from, what its samples are, how it is scored."""
