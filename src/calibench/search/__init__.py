"""The accuracy-aware method: the fastest INT8 model that keeps the accuracy promised."""
