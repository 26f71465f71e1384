"""Every supported format is read, and what cannot be calibrated is refused with a sentence that says what to do."""

from pathlib import Path

import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops

from calibench import Arrays, calibrate
from calibench.errors import ModelError
from calibench.models.read import is_quantized, read_model

NETWORKS = Path(__file__).parents[1] / "data/networks"
RESNET = NETWORKS / "fashion-resnet8.onnx"


def data(*shape):
    node = ops.parameter(list(shape), np.float32, name="data")
    node.output(0).tensor.set_names({"data"})
    return node


def weights(*shape):
    return ops.constant(np.full(shape, 0.25, np.float32))


def conv(node, kernel, name="conv"):
    return ops.convolution(node, kernel, [1, 1], [0, 0], [0, 0], [1, 1], name=name)


def model(output, *inputs):
    return ov.Model([ops.result(output)], list(inputs))


@pytest.fixture
def ir(tmp_path):
    path = tmp_path / "model.xml"
    ov.save_model(ov.Core().read_model(RESNET), path, compress_to_fp16=False)
    return path


def test_onnx_and_ir_are_read_with_hash_size_and_format(ir):
    onnx, again = read_model(RESNET), read_model(ir)
    assert (onnx.format, again.format) == ("ONNX", "OpenVINO IR")
    assert onnx.size_bytes == RESNET.stat().st_size
    assert again.size_bytes == ir.stat().st_size + ir.with_suffix(".bin").stat().st_size
    assert len(onnx.sha256) == 64 and onnx.sha256 != again.sha256


def test_the_hash_covers_the_weights_of_an_ir(ir):
    before = read_model(ir).sha256
    changed = bytearray(ir.with_suffix(".bin").read_bytes())
    changed[100] ^= 1
    ir.with_suffix(".bin").write_bytes(changed)
    assert read_model(ir).sha256 != before


def test_fp16_weights_are_accepted_and_said(tmp_path):
    path = tmp_path / "half.xml"
    ov.save_model(ov.Core().read_model(RESNET), path, compress_to_fp16=True)
    assert read_model(path).has_fp16_weights
    assert not read_model(RESNET).has_fp16_weights
    random = np.random.default_rng(0)
    samples = Arrays([{"input": random.normal(size=(1, 1, 28, 28)).astype(np.float32)} for _ in range(20)])
    report = calibrate(path, samples, benchmark=False).report
    assert any("stored as FP16" in note for note in report.notes)
    assert {row.precision for row in report.layers if row.type == "Convolution"} == {"int8"}


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("missing.onnx", None, r"missing\.onnx: there is no such file\. Give a model file"),
        ("empty.onnx", b"", r"empty\.onnx: the file is empty\. Export the model again"),
        ("noise.onnx", bytes(range(256)) * 9, r"noise\.onnx: this is no readable ONNX model \(.*\)\. Export it again"),
        ("noise.pb", bytes(99), r"\(its content is of another format, damaged or cut off\)\. Export it again"),
        ("noise.tflite", b"nothing of the kind", r"no readable TensorFlow Lite model"),
        ("noise.pb", b"nothing of the kind", r"no readable TensorFlow frozen graph model"),
        ("lonely.xml", b"<net/>", r"lonely\.xml: its weights lonely\.bin are missing\. Put them beside it"),
        ("model.txt", b"hello", r"\.txt is no known model format\. Known: OpenVINO IR"),
        ("model", b"hello", r"no extension is no known model format"),
        ("model.pt", b"hello", r"a \.pt file holds code.*torch\.export\.save"),
        ("model.pth", b"hello", r"torch\.export\.save"),
        ("model.h5", b"hello", r"keras\.models\.load_model\('model\.h5'\)\.export\('saved_model'\)"),
        ("model.keras", b"hello", r"\.export\('saved_model'\)"),
    ],
)
def test_a_file_that_is_no_model_is_refused_in_one_line(tmp_path, name, content, sentence):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ModelError, match=sentence) as caught:
        read_model(path)
    assert "\n" not in str(caught.value)


def test_a_truncated_file_is_refused(tmp_path):
    path = tmp_path / "cut.onnx"
    path.write_bytes(RESNET.read_bytes()[:2000])
    with pytest.raises(ModelError, match="no readable ONNX model"):
        read_model(path)


def test_a_network_of_nothing_is_refused(tmp_path):
    (tmp_path / "net.xml").write_text('<?xml version="1.0"?><net name="x" version="11"></net>')
    (tmp_path / "net.bin").touch()
    with pytest.raises(ModelError, match="has no inputs or no outputs"):
        read_model(tmp_path / "net.xml")


def test_truncated_weights_of_an_ir_are_refused(ir):
    weights_file = ir.with_suffix(".bin")
    weights_file.write_bytes(weights_file.read_bytes()[:500])
    with pytest.raises(ModelError, match="no readable OpenVINO IR model"):
        read_model(ir)


def test_a_folder_without_a_saved_model_is_refused(tmp_path):
    with pytest.raises(ModelError, match=r"holds no saved_model\.pb"):
        read_model(tmp_path)


def test_fake_quantize_means_quantized_already(tmp_path):
    x = data(1, 4, 8, 8)
    bounds = [ops.constant(np.float32(value)) for value in (-1, 1, -1, 1)]
    path = tmp_path / "quantized.xml"
    ov.save_model(model(conv(ops.fake_quantize(x, *bounds, 256), weights(4, 4, 1, 1)), x), path)
    with pytest.raises(ModelError, match=r"quantized already .*Give the FP32 model it was made from"):
        read_model(path)
    assert is_quantized(read_model(path, allow_quantized=True).graph)


def test_integer_weights_mean_quantized_already(tmp_path):
    x = data(1, 4, 8, 8)
    stored = ops.constant(np.ones((4, 4, 1, 1), np.int8))
    scaled = ops.multiply(ops.convert(stored, "f32"), ops.constant(np.full((4, 1, 1, 1), 0.1, np.float32)))
    path = tmp_path / "quantized.xml"
    ov.save_model(model(conv(x, scaled, "first"), x), path)
    with pytest.raises(ModelError, match="INT8 weights in first"):
        read_model(path)


def test_integer_inputs_do_not_mean_quantized(tmp_path):
    x = ops.parameter([1, 4, 8, 8], np.uint8, name="data")
    path = tmp_path / "u8.xml"
    ov.save_model(ov.Model([ops.result(conv(ops.convert(x, "f32"), weights(4, 4, 1, 1)))], [x]), path)
    assert read_model(path).format == "OpenVINO IR"


def test_a_model_without_a_layer_for_int8_is_refused(tmp_path):
    x = data(1, 4)
    path = tmp_path / "plain.xml"
    ov.save_model(model(ops.relu(x), x), path)
    with pytest.raises(ModelError, match=r"plain\.xml: The model holds no layer that can run in INT8"):
        calibrate(path, Arrays([{"data": np.zeros((1, 4), np.float32)}] * 4), benchmark=False)
