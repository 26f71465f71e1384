"""The 88 cases of single layers that a genuine Caffe has computed."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from written_nets import outputs_of

from calibench.caffe.convert import to_openvino
from calibench.caffe.read_net import read_net

CASES = Path(__file__).parents[1] / "data" / "caffe" / "single-layer-cases.zip"
TOLERANCE = 1e-5
"""Share of the largest output."""


@pytest.fixture(scope="module")
def cases() -> zipfile.ZipFile:
    return zipfile.ZipFile(CASES)


@pytest.mark.parametrize("number", range(88))
def test_a_layer_computes_what_genuine_caffe_computes(cases: zipfile.ZipFile, number: int, tmp_path: Path) -> None:
    for suffix in ("prototxt", "caffemodel"):
        (tmp_path / f"net.{suffix}").write_bytes(cases.read(f"{number}.{suffix}"))
    stored = np.load(io.BytesIO(cases.read(f"{number}.npz")))
    graph = to_openvino(read_net(tmp_path / "net.prototxt", tmp_path / "net.caffemodel"))
    found = outputs_of(graph, {port.any_name: stored["x"] for port in graph.inputs})
    assert {f"o_{name}" for name in found} == set(stored.files) - {"x"}
    for name, values in found.items():
        expected = stored[f"o_{name}"]
        assert values.shape == expected.shape
        largest = max(1.0, float(np.nanmax(np.abs(expected))))
        np.testing.assert_allclose(values, expected, rtol=0, atol=TOLERANCE * largest, equal_nan=True)


@pytest.mark.parametrize("number", range(88))
def test_the_batch_of_each_case_is_free(cases: zipfile.ZipFile, number: int, tmp_path: Path) -> None:
    for suffix in ("prototxt", "caffemodel"):
        (tmp_path / f"net.{suffix}").write_bytes(cases.read(f"{number}.{suffix}"))
    graph = to_openvino(read_net(tmp_path / "net.prototxt", tmp_path / "net.caffemodel"))
    assert all(port.partial_shape[0].is_dynamic for port in graph.inputs)
