"""Caffe projects as people keep them: prototxt, caffemodel and LMDB, written by our own scripts."""
