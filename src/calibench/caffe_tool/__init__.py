"""The calibrator of Caffe networks, with the command line of Intel Caffe's: above the pipeline."""
