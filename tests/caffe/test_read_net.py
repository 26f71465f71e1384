import zipfile
from pathlib import Path

import numpy as np
import pytest
from caffemodels import save

from calibench.caffe.net import Net
from calibench.caffe.prototxt import parse, read_prototxt
from calibench.caffe.read_net import read_net
from calibench.caffe.schema import enum_values, fields_of, message
from calibench.caffe.upgrade import OWN, TYPES
from calibench.errors import ModelError

CASES = Path(__file__).parents[1] / "data" / "caffe" / "single-layer-cases.zip"

NET = """name: "small"
layer { name: "data" type: "Data" top: "data" top: "label" include { phase: TRAIN } data_param { source: "a" } }
layer { name: "data" type: "Data" top: "data" top: "label" include { phase: TEST } data_param { source: "b" } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" convolution_param { num_output: 2 } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "drop" type: "Dropout" bottom: "conv" top: "conv" exclude { phase: TEST } }
"""


def write(folder: Path, text: str, name: str = "net.prototxt") -> Path:
    file = folder / name
    file.write_text(text)
    return file


def read(folder: Path, text: str, **how: object) -> Net:
    return read_net(write(folder, text), None, **how)  # type: ignore[arg-type]


def test_a_net_has_the_layers_of_its_phase(tmp_path: Path) -> None:
    net = read(tmp_path, NET)
    assert net.name == "small"
    assert [layer.name for layer in net.layers] == ["data", "conv", "relu"]
    assert net.layer("data").params.data_param.source == "b"
    assert [layer.line for layer in net.layers] == [3, 4, 5]
    assert net.layer("relu").bottoms == net.layer("relu").tops == ("conv",)
    assert net.weights is None
    train = read(tmp_path, NET, phase="TRAIN")
    assert [layer.name for layer in train.layers] == ["data", "conv", "relu", "drop"]
    assert train.layers[0].params.data_param.source == "a"
    assert train.phase == "TRAIN"


def ruled(rule: str) -> str:
    return (
        f'layer {{ name: "in" type: "Input" top: "a" }}\nlayer {{ name: "x" type: "ReLU" bottom: "a" top: "a" {rule} }}'
    )


@pytest.mark.parametrize(
    ("rule", "stages", "level", "is_there"),
    [
        ("", (), 0, True),
        ("include { phase: TRAIN } include { phase: TEST }", (), 0, True),
        ("include { min_level: 1 }", (), 0, False),
        ("include { min_level: 1 }", (), 1, True),
        ("include { max_level: 1 }", (), 2, False),
        ('include { stage: "a" stage: "b" }', ("a",), 0, False),
        ('include { stage: "a" stage: "b" }', ("a", "b", "c"), 0, True),
        ('include { not_stage: "a" }', ("a",), 0, False),
        ('exclude { stage: "a" }', ("a",), 0, False),
        ('exclude { stage: "a" phase: TRAIN }', ("a",), 0, True),
        ("exclude { }", (), 0, False),
    ],
)
def test_rules_say_which_layers_run(
    tmp_path: Path, rule: str, stages: tuple[str, ...], level: int, is_there: bool
) -> None:
    net = read(tmp_path, ruled(rule), stages=stages, level=level)
    assert ("x" in [layer.name for layer in net.layers]) == is_there


def test_stages_of_the_file_count_too(tmp_path: Path) -> None:
    net = read(tmp_path, 'state { stage: "a" }' + ruled('include { stage: "a" }'))
    assert len(net.layers) == 2


def test_rules_of_both_kinds_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"line 2: layer 'x' has 'include' and 'exclude'"):
        read(tmp_path, ruled("include { } exclude { }"))


INPUT = 'layer { name: "x" type: "ReLU" bottom: "data" top: "x" }'


@pytest.mark.parametrize(
    "shape", ["input_dim: 1 input_dim: 3 input_dim: 8 input_dim: 9", "input_shape { dim: 1 dim: 3 dim: 8 dim: 9 }"]
)
def test_legacy_inputs_are_read(tmp_path: Path, shape: str) -> None:
    assert read(tmp_path, f'input: "data" {shape} {INPUT}').inputs == {"data": (1, 3, 8, 9)}


def test_legacy_inputs_may_be_several(tmp_path: Path) -> None:
    text = 'input: "data" input: "info" input_shape { dim: 1 dim: 2 } input_shape { dim: 3 }' + INPUT
    assert read(tmp_path, text).inputs == {"data": (1, 2), "info": (3,)}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f'input: "data" input_dim: 1 input_dim: 3 {INPUT}', "has 2 lines 'input_dim'; each input needs 4"),
        (f'input: "data" {INPUT}', "has 1 lines 'input', but shapes for 0"),
        (INPUT, "line 1: layer 'x' reads the blob 'data', which no earlier layer makes in the phase TEST."),
        (
            'layer { name: "a" type: "Input" top: "t" }\nlayer { name: "b" type: "Input" top: "t" }',
            "line 2: layer 'b' makes the blob 't' again, which layer 'a' has made.",
        ),
        ('base_lr: 0.1 net: "net.prototxt"', "is a solver, not a net"),
        ("", "holds no layers, so it is no Caffe net."),
        (
            'layer { name: "a" type: "Input" top: "t" include { phase: TRAIN } }',
            "none of its 1 layers runs in the phase TEST.",
        ),
        ('layer { name: "a" } layers { name: "b" }', "holds blocks 'layer' and 'layers'"),
        ('layers { name: "b" }', "layer 'b' has no type."),
        ("layer { name }", "line 1, column 14: expected ':' or '{' after 'name', found '}'."),
    ],
)
def test_a_wrong_net_is_told(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ModelError) as error:
        read(tmp_path, text)
    assert str(error.value).startswith(f"{tmp_path / 'net.prototxt'}: {message}")


def test_a_wrong_phase_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="There is no phase 'VAL'; phases are TRAIN and TEST"):
        read(tmp_path, NET, phase="VAL")


def test_blobs_come_by_the_name_of_the_layer(tmp_path: Path) -> None:
    weights = save(tmp_path / "w.caffemodel", {"conv": [np.ones((2, 1, 1, 1), np.float32)], "other": [np.zeros(3)]})
    net = read_net(write(tmp_path, NET), weights)
    assert net.weights == weights
    assert [one.shape for one in net.layer("conv").blobs] == [(2, 1, 1, 1)]
    assert net.layer("relu").blobs == ()


def test_layers_of_one_name_have_the_same_blobs(tmp_path: Path) -> None:
    text = 'input: "a" input_shape { dim: 1 } layer { name: "f" type: "InnerProduct" bottom: "a" top: "b" }'
    text += 'layer { name: "f" type: "InnerProduct" bottom: "b" top: "c" }'
    net = read_net(write(tmp_path, text), save(tmp_path / "w.caffemodel", {"f": [np.ones((1, 1), np.float32)]}))
    assert [len(layer.blobs) for layer in net.layers] == [1, 1]


SIAMESE = """input: "a" input_shape { dim: 1 }
layer { name: "f" type: "InnerProduct" bottom: "a" top: "b" param { name: "w" } param { lr_mult: 2 } }
layer { name: "g" type: "InnerProduct" bottom: "b" top: "c" param { name: "w" } param { name: "bias" } }
layer { name: "h" type: "InnerProduct" bottom: "c" top: "d" param { } param { name: "bias" } }
"""


def test_a_parameter_with_a_name_is_that_of_its_first_layer(tmp_path: Path) -> None:
    one, two, three = (np.full((1, 1), value, np.float32) for value in (1, 2, 3))
    weights = {"f": [one, one[0]], "g": [two, two[0]], "h": [three]}
    net = read_net(write(tmp_path, SIAMESE), save(tmp_path / "w.caffemodel", weights))
    assert [[float(blob.sum()) for blob in layer.blobs] for layer in net.layers] == [[1, 1], [1, 2], [3, 2]]


def test_a_layer_may_live_of_parameters_of_others_alone(tmp_path: Path) -> None:
    weights = {"f": [np.ones((1, 1), np.float32), np.ones(1, np.float32)], "h": [np.ones((1, 1), np.float32)]}
    net = read_net(write(tmp_path, SIAMESE), save(tmp_path / "w.caffemodel", weights))
    assert [len(layer.blobs) for layer in net.layers] == [2, 1, 1]


def test_weights_of_another_net_are_told(tmp_path: Path) -> None:
    weights = save(tmp_path / "w.caffemodel", {"fc7": [np.ones(3)]})
    with pytest.raises(ModelError, match=r"w.caffemodel: has weights for no layer of .*net.prototxt"):
        read_net(write(tmp_path, NET), weights)


def test_files_in_each_others_place_are_told(tmp_path: Path) -> None:
    net, weights = write(tmp_path, NET), save(tmp_path / "w.caffemodel", {"conv": [np.ones(3)]})
    with pytest.raises(ModelError, match=r"w\.caffemodel: is no text, so it is no prototxt\. Is it the weights file\?"):
        read_net(weights, net)
    with pytest.raises(ModelError, match=r"net\.prototxt: is text, not a weights file\. Is it the prototxt\?"):
        read_net(net, net)


V1 = """input: "data" input_dim: 1 input_dim: 3 input_dim: 4 input_dim: 4
layers { name: "conv" type: CONVOLUTION bottom: "data" top: "conv" blobs_lr: 1 blobs_lr: 2 weight_decay: 0 param: "w"
  convolution_param { num_output: 2 kernel_size: 3 stride: 2 } include { phase: TEST } }
layers { name: "relu" type: RELU bottom: "conv" top: "conv" relu_param { negative_slope: 0.1 } }
"""


def test_a_net_of_the_v1_layout_is_read(tmp_path: Path) -> None:
    weights = save(tmp_path / "w.caffemodel", {"conv": [np.ones((2, 3, 3, 3))]}, "V1", legacy=True)
    net = read_net(write(tmp_path, V1), weights)
    conv, relu = net.layers
    assert (conv.type, conv.line, conv.bottoms, conv.tops) == ("Convolution", 2, ("data",), ("conv",))
    assert list(conv.params.convolution_param.stride) == [2]
    assert [(one.name, one.lr_mult, one.decay_mult) for one in conv.params.param] == [("w", 1, 0), ("", 2, 1)]
    assert conv.blobs[0].shape == (2, 3, 3, 3)
    assert (relu.type, relu.params.relu_param.negative_slope) == ("ReLU", pytest.approx(0.1))


V0 = """input: "data" input_dim: 1 input_dim: 3 input_dim: 4 input_dim: 4
layers { layer { name: "pad1" type: "padding" pad: 2 } bottom: "data" top: "pad1" }
layers { layer { name: "conv1" type: "conv" num_output: 4 kernelsize: 5 stride: 2 group: 2 biasterm: false
    weight_filler { type: "gaussian" } blobs_lr: 1. weight_decay: 0.5 } bottom: "pad1" top: "conv1" }
layers { layer { name: "pool1" type: "pool" pool: AVE kernelsize: 3 stride: 2 } bottom: "conv1" top: "pool1" }
layers { layer { name: "norm1" type: "lrn" local_size: 3 alpha: 0.5 beta: 0.25 } bottom: "pool1" top: "norm1" }
layers { layer { name: "fc" type: "innerproduct" num_output: 7 } bottom: "norm1" top: "fc" }
layers { layer { name: "prob" type: "softmax" } bottom: "fc" top: "prob" }
"""


def test_a_net_of_the_oldest_layout_is_read(tmp_path: Path) -> None:
    net = read_net(write(tmp_path, V0), save(tmp_path / "w.caffemodel", {"fc": [np.ones((7, 2))]}, "V0", legacy=True))
    assert [layer.type for layer in net.layers] == ["Convolution", "Pooling", "LRN", "InnerProduct", "Softmax"]
    assert [layer.line for layer in net.layers] == [3, 5, 6, 7, 8]
    conv, pool, norm, fc, _ = (layer.params for layer in net.layers)
    shape = conv.convolution_param
    assert (list(shape.pad), list(shape.kernel_size), list(shape.stride), shape.group) == ([2], [5], [2], 2)
    assert (shape.num_output, shape.bias_term, shape.weight_filler.type) == (4, False, "gaussian")
    assert list(conv.bottom) == ["data"]
    assert (conv.param[0].lr_mult, conv.param[0].decay_mult) == (1, 0.5)
    assert (pool.pooling_param.pool, pool.pooling_param.kernel_size, pool.pooling_param.stride) == (1, 3, 2)
    assert (norm.lrn_param.local_size, norm.lrn_param.alpha, norm.lrn_param.beta) == (3, 0.5, 0.25)
    assert fc.inner_product_param.num_output == 7
    assert net.layer("fc").blobs[0].shape == (1, 1, 7, 2)


def test_data_layers_of_older_layouts_are_prepared_as_today(tmp_path: Path) -> None:
    v1 = (
        'layers { name: "d" type: DATA top: "data" data_param { source: "db" scale: 0.5 mean_file: "m" crop_size: 3 } }'
    )
    v0 = (
        'layers { layer { name: "d" type: "data" source: "db" batchsize: 8 scale: 0.5 meanfile: "m" cropsize: 3 } '
        'top: "data" }'
    )
    for text in (v1, v0):
        (layer,) = read(tmp_path, text).layers
        params = layer.params
        assert layer.type == "Data"
        assert params.data_param.source == "db"
        assert not params.data_param.HasField("scale")
        assert (params.transform_param.scale, params.transform_param.crop_size) == (0.5, 3)
        assert params.transform_param.mean_file == "m"
    assert params.data_param.batch_size == 8


def test_data_layers_of_today_keep_fields_that_caffe_does_not_look_at(tmp_path: Path) -> None:
    text = 'layer { name: "d" type: "Data" top: "data" data_param { scale: 0.5 } }'
    params = read(tmp_path, text).layers[0].params
    assert params.data_param.scale == 0.5
    assert params.transform_param.scale == 1


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ('name: "x" type: "convolution"', "layer 'x' has the type 'convolution'; types of this layout are accuracy"),
        ('name: "x" type: "relu" kernelsize: 3', "layer 'x' of type 'relu' has the field 'kernelsize'"),
        ('name: "x" type: "pool" num_output: 3', "layer 'x' of type 'pool' has the field 'num_output'"),
    ],
)
def test_what_the_oldest_layout_does_not_know_is_told(tmp_path: Path, layer: str, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        read(tmp_path, f"layers {{ layer {{ {layer} }} }}")


def test_all_types_of_the_v1_layout_have_a_name_today() -> None:
    assert set(TYPES) == set(enum_values("V1LayerParameter.LayerType")) - {"NONE"}


def test_all_parameters_of_the_v1_layout_exist_today() -> None:
    today = fields_of("LayerParameter")
    for name, field in fields_of("V1LayerParameter").items():
        assert name in OWN or today[name].kind == field.kind


def test_parsed_text_gives_the_lines_of_layers(tmp_path: Path) -> None:
    text = parse(V0, tmp_path / "net.prototxt")
    assert [block.line for block in text.layers] == [2, 3, 5, 6, 7, 8]


def test_nets_and_weights_of_a_genuine_caffe_are_read_whole(tmp_path: Path) -> None:
    with zipfile.ZipFile(CASES) as file:
        file.extractall(tmp_path)
    prototxts = sorted(tmp_path.rglob("*.prototxt"))
    assert len(prototxts) == 88
    with_blobs = 0
    for prototxt in prototxts:
        weights = prototxt.with_suffix(".caffemodel")
        assert read_prototxt(prototxt).unknown == ()
        net = read_net(prototxt, weights)
        parsed = message("NetParameter").FromString(weights.read_bytes())
        for layer in (one for one in parsed.layer if one.blobs):  # the file names layers that Caffe put in, too
            blobs = net.layer(layer.name).blobs
            with_blobs += 1
            assert [list(blob.shape) for blob in blobs] == [list(blob.shape.dim) for blob in layer.blobs]
            for ours, theirs in zip(blobs, layer.blobs, strict=True):
                assert np.array_equal(ours.reshape(-1), np.array(theirs.data, np.float32))
    assert with_blobs == 12
