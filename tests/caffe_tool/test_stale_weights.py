"""Weights of an earlier run must not be read with the prototxt of a later one."""

from pathlib import Path

import pytest

from calibench.caffe.weights_search import find_weights
from calibench.caffe_tool.calibrator import calibrate_caffe
from calibench.errors import JobError
from tiny_project import write_tiny


def test_mended_weights_of_an_earlier_run_go_with_it(tmp_path: Path) -> None:
    project = write_tiny(tmp_path)
    name = project.prototxt.stem
    old = tmp_path / f"{name}_quantized.caffemodel"
    old.write_bytes(b"of another run")
    with pytest.raises(JobError, match=r"would be taken for the weights of .*_quantized\.prototxt\. Move it away"):
        calibrate_caffe(project.job(quantize_only=True), benchmark=False)
    assert old.read_bytes() == b"of another run"
    result = calibrate_caffe(project.job(quantize_only=True), benchmark=False, force=True)
    assert not old.exists()
    assert find_weights(result.written.prototxt) == project.weights


def test_weights_that_happen_to_have_that_name_stay(tmp_path: Path) -> None:
    project = write_tiny(tmp_path)
    own = tmp_path / f"{project.prototxt.stem}_quantized.caffemodel"
    project.weights.rename(own)
    result = calibrate_caffe(project.job(quantize_only=True, weights=own), benchmark=False)
    assert own.exists() and find_weights(result.written.prototxt) == own
