from pathlib import Path

from written_nets import write_net

from calibench.caffe.read_caffe import read_caffe

NET = """
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 2 dim: 4 dim: 4 } } }
layer { name: "c" type: "Convolution" bottom: "data" top: "c"
  convolution_param { num_output: 3 kernel_size: 1 MORE } REST }
"""


def read(folder: Path, more: str = "", rest: str = ""):
    return read_caffe(write_net(folder, NET.replace("MORE", more).replace("REST", rest))[0])


def test_a_network_that_is_understood_needs_no_note(tmp_path: Path) -> None:
    assert read(tmp_path).notes == ()


def test_fields_that_are_not_known_are_named_once(tmp_path: Path) -> None:
    found = read(tmp_path, more="stirde: 2", rest='flavour: "x" flavour: "y"')
    (note,) = found.notes
    assert note.endswith(
        "fields that are not known were passed over: stirde (line 4), flavour (line 4), flavour (line 4)."
    )


def test_scales_of_a_layer_that_runs_in_float_are_mentioned(tmp_path: Path) -> None:
    rest = "quantization_param { bw_layer_in: 8 bw_layer_out: 8 bw_params: 32 scale_in: 2 scale_params: 3 }"
    found = read(tmp_path, rest=rest)
    assert len(found.notes) == 1 and "layer c" in found.notes[0]
    assert not any(op.get_type_name() == "FakeQuantize" for op in found.graph.get_ops())
