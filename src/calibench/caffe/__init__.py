"""Caffe's files: schema, text, weights, conversion to OpenVINO, and the scales of INT8 layers."""
