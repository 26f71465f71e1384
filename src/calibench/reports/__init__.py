"""FP32 beside INT8, as a file and as a table."""
