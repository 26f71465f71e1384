"""Where quantizers go, what their ranges are, and how they are put in."""
