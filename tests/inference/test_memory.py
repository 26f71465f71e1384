from pathlib import Path

import numpy as np
import openvino as ov
from openvino import opset13 as ops

from calibench.inference.memory import model_memory_mb

SAMPLE = {"data": np.ones((1, 256), np.float32)}


def wide(columns: int) -> ov.Model:
    """[1, 256] x [256, columns]: 1 KB of weights a column."""
    data = ops.parameter([1, 256], np.float32, name="data")
    data.output(0).tensor.set_names({"data"})
    weights = np.random.default_rng(0).normal(size=(256, columns)).astype(np.float32)
    return ov.Model([ops.result(ops.matmul(data, weights, False, False))], [data], "wide")


def test_a_larger_model_takes_more(tmp_path: Path) -> None:
    ov.save_model(wide(65_536), tmp_path / "large.xml", compress_to_fp16=False)
    small, large = model_memory_mb(wide(64), SAMPLE), model_memory_mb(tmp_path / "large.xml", SAMPLE, threads=1)
    assert small is not None and large is not None
    assert small < 40
    assert 60 < large < 400  # 64 MB of weights, and perhaps a copy in the order of the kernel


def test_a_sample_that_does_not_fit_gives_no_figure() -> None:
    assert model_memory_mb(wide(64), {"other": SAMPLE["data"]}) is None


def test_a_file_that_is_no_model_gives_no_figure(tmp_path: Path) -> None:
    assert model_memory_mb(tmp_path / "nothing.xml", SAMPLE) is None


def test_a_process_that_takes_too_long_gives_no_figure() -> None:
    assert model_memory_mb(wide(64), SAMPLE, timeout=0.01) is None


def test_an_input_may_have_any_name(tmp_path: Path) -> None:
    data = ops.parameter([1, 256], np.float32, name="file")
    data.output(0).tensor.set_names({"file"})
    model = ov.Model([ops.result(ops.matmul(data, np.ones((256, 4096), np.float32), False, False))], [data], "named")
    assert model_memory_mb(model, {"file": SAMPLE["data"]}) is not None
