"""The samples of a Caffe network's own data layer, as its blobs would hold them."""
