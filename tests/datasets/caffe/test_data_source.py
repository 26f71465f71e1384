"""Layers of type Data: what the blobs of Caffe would hold, and the classes."""

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibench.datasets.caffe.data_layer import open_prototxt
from calibench.errors import DatasetError
from written_data import (
    annotated,
    data_layer,
    datum,
    encoded,
    noise,
    write_leveldb,
    write_lmdb,
    write_mean,
    write_prototxt,
)

F = np.float32


@pytest.fixture
def samples(tmp_path, monkeypatch):
    """Open the TEST data layer of a prototxt whose database holds these records."""
    monkeypatch.chdir(tmp_path)

    def opened(records, transform="", write=write_lmdb, more=""):
        write(tmp_path / "some data", records)
        return open_prototxt(write_prototxt(tmp_path / "net.prototxt", data_layer("some data", transform, more=more)))

    return opened


def test_by_hand_a_raw_datum_with_mean_scale_and_crop(samples):
    values = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    found = samples([datum(values, 7)], "mean_value: 1 mean_value: 2 scale: 0.5 crop_size: 1")
    assert found[0]["data"].tolist() == [[[[1.5]], [[5.5]]]]
    assert found[0]["data"].dtype == F
    assert list(found.labels) == [7]


def test_the_layer_is_known(samples):
    found = samples([datum(noise(1, 2, 2), 0)])
    assert (found.batch_size, found.source, found.format, len(found)) == (4, "some data", "caffe-lmdb", 1)
    assert found.about.annotated == {"label"}
    assert found.describe(0).name == "00000000"
    assert found.note is None


def test_records_come_in_the_order_of_their_keys_whatever_the_backend_is_said_to_be(samples):
    records = {f"{i:08d}_x.jpg": datum(np.full((1, 2, 2), i, np.uint8), i) for i in (3, 1, 2)}
    found = samples(records, write=write_leveldb)
    assert found.format == "caffe-leveldb"
    assert [int(found[i]["data"][0, 0, 0, 0]) for i in range(3)] == list(found.labels) == [1, 2, 3]


def test_float_data_counts_where_there_are_no_bytes(samples):
    values = np.array([[[1.5, -2.25]]], F)
    assert samples([datum(values, 0)], "scale: 2")[0]["data"].tolist() == [[[[3.0, -4.5]]]]


def test_an_encoded_datum_is_blue_first(samples):
    picture = np.zeros((2, 3, 3), np.uint8)
    picture[..., 0], picture[..., 2] = 200, 50  # OpenCV: blue, green, red
    found = samples([encoded(picture, 1)])[0]["data"]
    assert found[0, :, 0, 0].tolist() == [200, 0, 50]


@pytest.mark.parametrize(
    ("force", "flag", "channels"),
    [("", cv2.IMREAD_UNCHANGED, 1), ("force_color: true", cv2.IMREAD_COLOR, 3), ("force_gray: true", 0, 1)],
)
def test_colours_of_an_encoded_datum_are_forced(samples, force, flag, channels):
    made = encoded(noise(9, 8), 1, ".jpg")
    found = samples([made], force)[0]["data"]
    wanted = cv2.imdecode(np.frombuffer(made.data, np.uint8), flag).reshape(9, 8, channels)
    assert np.array_equal(found[0], wanted.transpose(2, 0, 1))


def test_a_jpeg_is_decoded_as_opencv_does(samples):
    made = encoded(noise(20, 30, 3), 1, ".jpg")
    wanted = cv2.imdecode(np.frombuffer(made.data, np.uint8), -1)[5:15, 10:20].transpose(2, 0, 1)
    assert np.array_equal(samples([made], "crop_size: 10")[0]["data"][0], wanted)


@given(
    shape=st.tuples(st.integers(1, 4), st.integers(3, 7), st.integers(3, 7)),
    is_encoded=st.booleans(),
    has_mean_file=st.booleans(),
    scale=st.sampled_from([1.0, 0.017, 0.00390625]),
    crop=st.sampled_from([0, 2, 3]),
)
def test_all_combinations_equal_the_definition(tmp_path_factory, shape, is_encoded, has_mean_file, scale, crop):
    folder = tmp_path_factory.mktemp("data")
    channels = 3 if is_encoded else shape[0]
    values = noise(channels, *shape[1:], seed=sum(shape))
    mean = (np.random.default_rng(1).random((channels, *shape[1:])) * 255).astype(F)
    text = f"scale: {scale} crop_size: {crop} "
    if has_mean_file:
        write_mean(folder / "mean.binaryproto", mean)
        text += 'mean_file: "mean.binaryproto"'
    else:
        mean = np.broadcast_to(F([104.25]), mean.shape)
        text += "mean_value: 104.25"
    record = encoded(values.transpose(1, 2, 0), 5) if is_encoded else datum(values, 5)
    write_lmdb(folder / "lmdb", [record])
    found = open_prototxt(write_prototxt(folder / "net.prototxt", data_layer("lmdb", text)))
    taken = (values.astype(F) - mean) * F(scale)
    top, left = ((shape[1] - crop) // 2, (shape[2] - crop) // 2) if crop else (0, 0)
    wanted = taken[:, top : top + (crop or shape[1]), left : left + (crop or shape[2])]
    assert found[0]["data"].tobytes() == wanted[np.newaxis].tobytes()


def test_intel_resizes_the_short_side_and_cuts_out_the_centre(samples):
    picture = noise(30, 50, 3)
    found = samples([encoded(picture, 0)], "random_resize_param { min_size: 20 max_size: 20 } crop_size: 16")
    wanted = cv2.resize(picture, (33, 20))[2:18, 8:24].transpose(2, 0, 1)
    assert np.array_equal(found[0]["data"][0], wanted)
    assert found.note is None


def test_a_raw_datum_is_resized_as_the_picture_that_it_holds(samples):
    values = noise(3, 10, 12)
    found = samples([datum(values, 0)], "resize_param { height: 5 width: 6 }")[0]["data"][0]
    assert np.array_equal(found, cv2.resize(np.ascontiguousarray(values.transpose(1, 2, 0)), (6, 5)).transpose(2, 0, 1))


def test_what_caffe_draws_at_random_is_left_out_and_said(samples):
    found = samples(
        [datum(noise(1, 4, 4), 0)],
        "mirror: true crop_size: 2 random_resize_param { min_size: 4 max_size: 9 } distort_param { hue_prob: 1 }",
    )
    assert found.note == (
        "Layer data: mirror, distort_param, random_resize_param are left out: every sample is taken once, in order, "
        "and whole or its centre."
    )
    assert np.array_equal(found[0]["data"], found[0]["data"])


def test_a_layer_with_one_top_has_no_classes(tmp_path):
    write_lmdb(tmp_path / "lmdb", [datum(noise(1, 2, 2), 3)])
    layer = data_layer("lmdb").replace('top: "label"', "")
    found = open_prototxt(write_prototxt(tmp_path / "net.prototxt", layer))
    assert found.labels is None
    assert found.about.annotated == frozenset()
    assert found.describe(0).truth.label is None


def test_a_negative_label_is_refused_by_its_key(samples):
    found = samples({"a_1": datum(noise(1, 2, 2), 0), "b_2": datum(noise(1, 2, 2), -3)})
    with pytest.raises(DatasetError, match="some data, record b_2: label -3 is no class"):
        found.describe(1)
    with pytest.raises(DatasetError, match="record b_2"):
        list(found.labels)


@pytest.mark.parametrize(
    ("record", "says"),
    [
        (b"\xff\xff\xff", "its 3 bytes are no Datum"),
        (datum(np.zeros((0, 2, 2), np.uint8), 0), r"it holds 0 values, but its head says 0 x 2 x 2"),
        (annotated(encoded(noise(4, 4, 3))), "AnnotatedData read AnnotatedDatum"),
        (encoded(noise(4, 4, 3).astype(np.uint16), 0), "it has 16 bits a channel"),
    ],
)
def test_a_record_that_holds_no_picture_is_refused_by_its_key(samples, record, says):
    found = samples({"k 1": record})
    with pytest.raises(DatasetError, match=f"some data, record k 1: .*{says}"):
        found[0]


@pytest.mark.parametrize("data", [b"", b"no picture at all"])
def test_an_encoded_datum_that_is_no_picture_is_refused(samples, data):
    made = encoded(noise(2, 2, 3), 0)
    made.data = data
    with pytest.raises(DatasetError, match="record 00000000: it is no picture that OpenCV can decode"):
        samples([made])[0]


def test_a_datum_with_too_few_bytes_is_refused(samples):
    made = datum(noise(3, 4, 4), 0)
    made.data = made.data[:-1]
    with pytest.raises(DatasetError, match=r"it holds 47 values, but its head says 3 x 4 x 4 \(channels"):
        samples([made])[0]


def test_a_crop_larger_than_the_picture_names_the_record(samples):
    with pytest.raises(DatasetError, match="record 00000000: a picture of 4 x 4 pixels is smaller than the crop of 9"):
        samples([datum(noise(3, 4, 4), 0)], "crop_size: 9")[0]


def test_both_forces_at_once_are_refused(samples):
    with pytest.raises(DatasetError, match="line 2, layer data: transform_param has force_color and force_gray"):
        samples([datum(noise(3, 4, 4), 0)], "force_color: true force_gray: true")


def test_a_missing_database_is_named_as_written_and_as_looked_for(tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    path = write_prototxt(tmp_path / "a dir" / "net.prototxt", data_layer("val lmdb"))
    with pytest.raises(DatasetError) as error:
        open_prototxt(path)
    assert str(error.value) == (
        f"{path}, line 2, layer data: there is no LMDB val lmdb, at {tmp_path}/elsewhere/val lmdb nor at "
        f"{tmp_path}/a dir/val lmdb. Correct the path, or start in the folder that it is relative to."
    )


def test_the_working_directory_goes_before_the_folder_of_the_prototxt(tmp_path, monkeypatch):
    for folder, label in (("here", 1), ("there", 2)):
        write_lmdb(tmp_path / folder / "lmdb", [datum(noise(1, 2, 2), label)])
    path = write_prototxt(tmp_path / "there" / "net.prototxt", data_layer("lmdb"))
    monkeypatch.chdir(tmp_path)
    assert list(open_prototxt(path).labels) == [2]
    monkeypatch.chdir(tmp_path / "here")
    assert list(open_prototxt(path).labels) == [1]


def test_identities_tell_contents_labels_and_transforms_apart(tmp_path):
    same = noise(1, 4, 4)
    records = [datum(same, 1), datum(same, 2), datum(noise(1, 4, 4, seed=1), 1), datum(same, 1)]
    write_lmdb(tmp_path / "lmdb", records)
    one = open_prototxt(write_prototxt(tmp_path / "a.prototxt", data_layer("lmdb")))
    other = open_prototxt(write_prototxt(tmp_path / "b.prototxt", data_layer("lmdb", "scale: 2")))
    identities = [one.identity(i) for i in range(4)]
    assert len(set(identities)) == 3
    assert identities[0] == identities[3]
    assert other.identity(0) not in identities


def test_several_threads_read_the_same(samples):
    found = samples([encoded(noise(20, 20, 3, seed=i), i, ".jpg") for i in range(20)])
    alone = [found[i]["data"].tobytes() for i in range(20)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda i: found[i % 20]["data"].tobytes(), range(200))) == alone * 10
