"""The databases that Caffe reads samples from: LMDB and LevelDB."""
