"""One handler for each type of layer: how it is computed with OpenVINO's operations."""
