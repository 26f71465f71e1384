"""The samples of a data layer as every step takes them."""

from dataclasses import replace

import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as op

from calibench.datasets.caffe.caffe_samples import fed_to, iterations, with_classes
from calibench.datasets.caffe.data_layer import open_prototxt
from calibench.datasets.detect import holds_images, read_dataset
from calibench.datasets.inputs import InputPlan, plan_inputs
from calibench.datasets.sets import open_set
from calibench.errors import DatasetError, SettingsError
from calibench.progress import silent
from calibench.settings import DataSettings, Settings, make_settings
from written_data import data_layer, datum, noise, write_lmdb, write_prototxt


def plan_of(**shapes: list[int]) -> InputPlan:
    """The plan of a model with these inputs."""
    parameters = []
    for name, shape in shapes.items():
        parameter = op.parameter(ov.PartialShape(shape), np.float32)
        parameter.get_output_tensor(0).set_names({name})
        parameters.append(parameter)
    return plan_inputs(ov.Model([op.relu(each) for each in parameters], parameters), Settings(), images=False)


@pytest.fixture
def samples(tmp_path):
    write_lmdb(tmp_path / "lmdb", [datum(noise(3, 4, 4, seed=i), i) for i in range(5)])
    return open_prototxt(write_prototxt(tmp_path / "net.prototxt", data_layer("lmdb")))


def test_iterations_begin_again_at_the_first_sample_as_in_caffe(samples):
    taken = iterations(samples, 3, samples.batch_size)
    assert taken.indices == (0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1)
    assert taken.labels == taken.indices
    assert np.array_equal(taken[5]["data"], samples[0]["data"])


@pytest.mark.parametrize(("count", "batch"), [(0, 4), (3, 0), (-1, 4)])
def test_no_iteration_and_no_batch_are_refused(samples, count, batch):
    with pytest.raises(DatasetError, match=f"{count} iterations of {batch} samples are none"):
        iterations(samples, count, batch)


def test_a_label_is_read_when_it_is_asked_for(samples):
    labels = samples.labels
    assert labels is not None
    assert (labels[3], labels[-1], labels[1:3], len(labels)) == (3, 4, (1, 2), 5)
    assert list(labels) == [0, 1, 2, 3, 4]
    with pytest.raises(IndexError):
        labels[5]


def test_a_single_top_feeds_a_single_input_whatever_it_is_called(samples):
    fed = fed_to(samples, plan_of(picture=[-1, 3, 4, 4]))
    assert list(fed[2]) == ["picture"]
    assert np.array_equal(fed[2]["picture"], samples[2]["data"])
    assert fed.labels is not None
    assert fed.describe(2).truth.label == 2


def test_what_does_not_fit_the_model_is_said_at_once(samples):
    with pytest.raises(
        DatasetError, match=r"lmdb, record 00000000: data is \[3, 4, 4\] .*takes \[3, 9, 9\]\. Bring all"
    ):
        fed_to(samples, plan_of(data=[-1, 3, 9, 9]))
    with pytest.raises(
        DatasetError, match=r"data is \[3, 4, 4\] .*takes \[1, \?, \?\]\. Give force_color or force_gray"
    ):
        fed_to(samples, plan_of(data=[-1, 1, -1, -1]))


def test_a_later_record_that_does_not_fit_is_named(tmp_path):
    write_lmdb(tmp_path / "lmdb", [datum(noise(3, 4 + (i == 2), 4, seed=i), i) for i in range(3)])
    fed = fed_to(
        open_prototxt(write_prototxt(tmp_path / "net.prototxt", data_layer("lmdb"))), plan_of(data=[-1, 3, 4, 4])
    )
    with pytest.raises(DatasetError, match=r"lmdb, record 00000002: data is \[3, 5, 4\]"):
        fed[2]


def test_labels_are_read_once(samples):
    read = []
    layer = replace(samples.layer, label=lambda index: read.append(index) or index)
    counted = replace(samples, layer=layer)
    assert list(counted.labels or ()) == list(counted.labels or ()) == read == [0, 1, 2, 3, 4]


def test_a_batch_that_the_network_fixes_is_refused(samples):
    with pytest.raises(DatasetError, match="takes 4 samples at once and no other number"):
        fed_to(samples, plan_of(data=[4, 3, 4, 4]))


def test_an_input_that_no_top_feeds_is_named(samples):
    with pytest.raises(DatasetError, match=r"gives data, but the model takes im_info\. Give \.npz files"):
        fed_to(samples, plan_of(data=[-1, 3, 4, 4], im_info=[-1, 3]))


def test_beyond_the_end_is_an_index_error(samples):
    for taken in (lambda: samples[5], lambda: samples.identity(5), lambda: samples.describe(-1)):
        with pytest.raises(IndexError):
            taken()


def test_a_prototxt_is_a_dataset_of_every_command(samples, tmp_path):
    path = tmp_path / "net.prototxt"
    assert not holds_images(path)
    found = read_dataset(path, plan_of(picture=[-1, 3, 4, 4]))
    assert np.array_equal(found[1]["picture"], samples[1]["data"])
    assert found.about.annotated == {"label"}


def test_its_classes_may_be_named(samples, tmp_path):
    names = tmp_path / "names.txt"
    names.write_text("a\nb\nc\nd\ne\n")
    found = read_dataset(tmp_path / "net.prototxt", plan_of(data=[-1, 3, 4, 4]), DataSettings(labels=names))
    assert found.about.classes == ("a", "b", "c", "d", "e")
    with pytest.raises(DatasetError, match=r"its classes are those of its label map\. Leave --labels out"):
        with_classes(found, ("f",))


def test_a_format_cannot_be_asked_for(samples, tmp_path):
    with pytest.raises(SettingsError, match=r"--format coco: .*net\.prototxt says itself what its data is"):
        read_dataset(tmp_path / "net.prototxt", plan_of(data=[-1, 3, 4, 4]), DataSettings(format="coco"))


@pytest.mark.parametrize("given", [{"mean": (1,)}, {"color": "bgr"}, {"resize": "crop", "resize_short": 9}])
def test_settings_of_inputs_are_refused_and_not_passed_over(samples, tmp_path, given):
    data = op.parameter([-1, 3, 4, 4], np.float32)
    model = ov.Model([op.relu(data)], [data])
    settings = make_settings({"inputs": {"": given}})
    with pytest.raises(SettingsError, match=rf"--{next(iter(given))}.*prepares samples itself, by its transform_param"):
        open_set(model, tmp_path / "net.prototxt", settings, 1, silent)


def test_the_note_reaches_those_who_open_the_dataset(tmp_path):
    write_lmdb(tmp_path / "lmdb", [datum(noise(3, 4, 4, seed=i), i) for i in range(2)])
    path = write_prototxt(tmp_path / "net.prototxt", data_layer("lmdb", "mirror: true"))
    parameter = op.parameter(ov.PartialShape([-1, 3, 4, 4]), np.float32)
    parameter.get_output_tensor(0).set_names({"data"})
    _, opened = open_set(ov.Model([op.relu(parameter)], [parameter]), path, Settings(), 2, silent)
    assert any("mirror is left out" in note for note in opened.notes)
