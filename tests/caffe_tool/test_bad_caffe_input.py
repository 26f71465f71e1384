"""What an old Caffe project may hold: each fault is one clear sentence and an exit code, and leaves no trace."""

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import h5py
import lmdb
import numpy as np
import pytest
from benchmarks.zoo.caffe.written import write_caffemodel
from typer.testing import CliRunner, Result

from calibench.caffe.schema import message
from calibench.cli.app import app
from written_data import annotated, datum, encoded, noise, write_lmdb, write_mean

SIDE, CLASSES = 8, 4
DATA = """\
layer { name: "data" type: "Data" top: "data" top: "label" include { phase: TRAIN }
  data_param { source: "train_lmdb" batch_size: 4 backend: LMDB } }
layer { name: "data" type: "Data" top: "data" top: "label" include { phase: TEST }
  transform_param { scale: 0.0078125 mean_value: 100 }
  data_param { source: "test_lmdb" batch_size: 4 backend: LMDB } }
"""
TRUNK = """\
layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
  convolution_param { num_output: 4 kernel_size: 3 pad: 1 } }
layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }
layer { name: "conv2" type: "Convolution" bottom: "conv1" top: "conv2"
  convolution_param { num_output: 4 kernel_size: 3 pad: 1 } }
layer { name: "pool" type: "Pooling" bottom: "conv2" top: "pool" pooling_param { pool: AVE kernel_size: 8 } }
layer { name: "fc" type: "InnerProduct" bottom: "pool" top: "fc" inner_product_param { num_output: 4 } }
"""
SCORES = """\
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "fc" bottom: "label" top: "loss" }
layer { name: "acc" type: "Accuracy" bottom: "fc" bottom: "label" top: "acc" include { phase: TEST } }
layer { name: "acc2" type: "Accuracy" bottom: "fc" bottom: "label" top: "acc2" accuracy_param { top_k: 2 } }
"""
LINE = {"-m": "net.prototxt", "-w": "net.caffemodel", "-i": "3", "-n": "acc", "-l": "0.9", "-s": "2"}
NET, WEIGHTS, TEST, TRAIN = "net.prototxt", "net.caffemodel", "test_lmdb", "train_lmdb"
WROTE = {"net_quantized", "net_quantized.prototxt"}

Blobs = dict[str, list[np.ndarray]]
Project = Path


def random_blobs() -> Blobs:
    random = np.random.default_rng(5)
    shapes = {"conv1": (4, 3, 3, 3), "conv2": (4, 4, 3, 3), "fc": (4, 4)}
    return {
        name: [random.normal(0, 0.5, shape).astype(np.float32), np.zeros(4, np.float32)]
        for name, shape in shapes.items()
    }


def write_weights(path: Path, blobs: Blobs) -> None:
    kinds = {"conv1": "Convolution", "conv2": "Convolution", "fc": "InnerProduct"}
    write_caffemodel(path, "tiny", {name: (kinds[name], values) for name, values in blobs.items()})


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("sound")
    (folder / NET).write_text(f'name: "tiny"\n{DATA}{TRUNK}{SCORES}')
    write_weights(folder / WEIGHTS, random_blobs())
    for name, count in ((TRAIN, 8), (TEST, 12)):
        pictures = [datum(noise(3, SIDE, SIDE, seed=count + i), i % CLASSES) for i in range(count)]
        write_lmdb(folder / name, pictures)
        (folder / name / "lock.mdb").unlink()
    return folder


@pytest.fixture
def project(sound: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A copy of the sound project, and in it the working directory."""
    folder = tmp_path / "project"
    shutil.copytree(sound, folder)
    monkeypatch.chdir(folder)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    return folder


def calibrator(*more: str, **options: str | None) -> Result:
    """Run the command with the line of the sound project but for these options; None leaves one out."""
    given = {**LINE, **{f"-{name}": value for name, value in options.items()}}
    line = [part for name, value in given.items() if value is not None for part in (name, value)]
    return CliRunner().invoke(app, ["caffe", *line, "--no-benchmark", *more], env={"NO_COLOR": "1"})


def refused(folder: Path, *more: str, code: int = 2, **options: str | None) -> str:
    """The sentence with which the command refuses; nothing in the folder has changed."""
    before = contents(folder)
    result = calibrator(*more, **options)
    assert result.exit_code == code, result.output
    assert contents(folder) == before
    *progress, said = result.stderr.strip().split("\n")
    assert all(line.startswith(("statistics", "decode", "Note:")) for line in progress), result.stderr
    return said


def contents(folder: Path) -> Mapping[str, bytes | None]:
    """Everything below a folder: the bytes of files, None for folders."""
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


def changed(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def relabel(path: Path, number: int, label: int) -> None:
    opened, key = lmdb.open(str(path), lock=False), f"{number:08d}".encode()
    with opened.begin(write=True) as writing:
        found = message("Datum").FromString(writing.get(key))
        found.label = label
        writing.put(key, found.SerializeToString())
    opened.close()


def replaced(path: Path, records: list) -> None:
    shutil.rmtree(path)
    write_lmdb(path, records)


def test_the_sound_project_is_calibrated(project: Project) -> None:
    assert calibrator().exit_code == 0
    assert {path.name for path in project.iterdir()} == {NET, WEIGHTS, TRAIN, TEST, *WROTE}


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("num_output: 4 kernel", "num_output 4 kernel", "line 8, column 34: expected ':' or '{' after 'num_output'"),
        ("num_output: 4 kernel", "num_output: four kernel", "line 8, column 35: expected a whole number"),
        ("phase: TEST", "phase: TESTING", "line 4, column 77: expected TRAIN or TEST"),
        ("batch_size: 4", "batch_size: 0", "line 4, layer data: batch_size is 0. Give 1 or more."),
        ('source: "test_lmdb"', 'source: "gone"', "line 4: layer 'data': there is no gone (source)"),
        ("mean_value: 100", "crop_size: 8 mean_file: 'gone.binaryproto'", "there is no mean file gone.binaryproto"),
        ("mean_value: 100", "mean_value: 100 mean_value: 90", "2 mean_value for 3 channels. Give 1 or 3."),
        ("mean_value: 100", "mean_value: 100 crop_size: 9", "blob 0 has the shape [4, 4] in the weights file, but"),
        (
            "kernel_size: 3 pad: 1",
            "kernel_size: 5 pad: 2",
            "blob 0 has the shape [4, 3, 3, 3] in the weights file, but",
        ),
        (
            'type: "ReLU"',
            'type: "Gelu"',
            "layer 'relu1' has the type 'Gelu', for which there is no handler. Add one in",
        ),
        ('type: "ReLU"', 'type: "Python" python_param { module: "m" layer: "L" }', "Python layer m.L cannot be read"),
        ('top: "acc2"', 'top: "acc"', "layer 'acc2' makes the blob 'acc' again, which layer 'acc' has made"),
        ('bottom: "conv1" top: "conv2"', 'top: "conv2"', "layer 'conv2' of type Convolution reads no blob"),
        ("include { phase: TEST }\n", "include { phase: TRAIN }\n", "no earlier layer makes in the phase TEST"),
    ],
)
def test_a_fault_in_the_prototxt(project: Project, old: str, new: str, says: str) -> None:
    changed(project / NET, old, new)
    assert says in refused(project)


def test_a_handler_is_added_in_a_file_that_is_there(project: Project) -> None:
    changed(project / NET, 'type: "ReLU"', 'type: "Gelu"')
    named = refused(project).split("Add one in ")[1].split()[0]
    assert (Path(__file__).parents[2] / named).is_file()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "the file is empty"),
        ("# nothing\n", "holds no layers"),
        ('net: "net.prototxt"\nbase_lr: 0.1\n', "is a solver, not a net"),
        ("<html>404</html>", "line 1, column 1"),
        (DATA.rstrip()[:-1], "expected '}' for the '{' of line 3, found the end of the file"),
    ],
)
def test_what_is_no_net(project: Project, text: str, says: str) -> None:
    (project / NET).write_text(text)
    assert says in refused(project)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"m": None}, "-m/--model is missing"),
        ({"w": None}, "-w/--weights is missing"),
        ({"i": None}, "-i/--iterations is missing"),
        ({"n": None}, "-n/--blob_name is missing: the blob whose value is the score. Candidates: acc (Accuracy), acc2"),
        ({"n": "fc"}, "-n fc: is no score of net.prototxt. Candidates: acc (Accuracy), acc2 (Accuracy)."),
        ({"d": "1"}, "-d 1: acc comes from a layer Accuracy, which scores classes. Give -d 0."),
        ({"d": "2"}, "-d 2: is not known"),
        *(({"i": each}, f"-i {each}: expected a whole number") for each in ("0", "-3", "2.5", "ten", "1e3", "9" * 30)),
        ({"i": "999999999"}, "than can be evaluated (10,000,000). test_lmdb has 12: -i 3 takes them all."),
        *(({"l": each}, f"-l {each}: expected a share") for each in ("1", "-0.1", "nan", "0,01")),
        ({"s": "0"}, "-s 0: expected a whole number"),
        ({"m": WEIGHTS, "w": NET}, "-m net.caffemodel: is the weights file, and -w net.prototxt the proto"),
        ({"m": "."}, "-m .: is a folder. Give the prototxt in it."),
        ({"w": TEST}, "-w test_lmdb: is a folder. Give the weights file (.caffemodel) in it."),
        ({"m": "gone.prototxt"}, "-m gone.prototxt: there is no such file"),
        ({"w": "gone.caffemodel"}, "-w gone.caffemodel: there is no such file"),
        ({"m": f"{TEST}/data.mdb"}, "data.mdb: is no .prototxt"),
        ({"w": NET}, "net.prototxt: is text, not a weights file"),
        ({"a": "MAX"}, "-a MAX: is not known. Known: DIRECT, KL, MAXP, MA."),
    ],
)  # fmt: skip
def test_a_wrong_option(project: Project, options: dict[str, str | None], says: str) -> None:
    assert says in refused(project, **options)


@pytest.mark.parametrize("threads", ["0", "-2", "four", "2;3", "1e3", "٣"])
def test_threads_that_are_no_number(project: Project, monkeypatch: pytest.MonkeyPatch, threads: str) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", threads)
    assert refused(project) == (
        f"SettingsError: OMP_NUM_THREADS={threads}: is no number of threads. Set another, or unset it."
    )


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def of_another(path: Path) -> None:
    write_caffemodel(path, "other", {"ip": ("InnerProduct", [np.zeros((2, 2), np.float32)])})


def without_bias(path: Path) -> None:
    write_weights(path, {**random_blobs(), "conv2": random_blobs()["conv2"][:1]})


def not_numbers(path: Path) -> None:
    blobs = random_blobs()
    blobs["fc"][0][1, 2] = np.nan
    write_weights(path, blobs)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (cut, "net.caffemodel: is cut off or damaged"),
        (empty, "net.caffemodel: is empty; a weights file was expected"),
        (of_another, "net.caffemodel: has weights for no layer of net.prototxt"),
        (without_bias, "layer 'conv2': blob 1 of shape [4] is missing; the weights file holds 1"),
        (not_numbers, "net.caffemodel: layer 'fc', blob 0: 1 of 16 values are NaN or infinite"),
    ],
)
def test_weights_that_are_of_no_use(project: Project, spoil: Callable[[Path], None], says: str) -> None:
    spoil(project / WEIGHTS)
    assert says in refused(project)


def no_data(path: Path) -> None:
    (path / "data.mdb").unlink()


def half(path: Path) -> None:
    data = (path / "data.mdb").read_bytes()
    (path / "data.mdb").write_bytes(data[: len(data) // 2])


def garbage(path: Path) -> None:
    (path / "data.mdb").write_bytes(noise(20_000).tobytes())


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (no_data, "test_lmdb: is no LMDB (data.mdb) and no LevelDB (CURRENT)"),
        (half, "data.mdb: is cut off"),
        (garbage, "test_lmdb: is damaged, or no LMDB"),
        (lambda path: replaced(path, []), "this database has no records"),
        (lambda path: relabel(path, 7, 4), "00000007: Label 4, but fc has 4 classes, 0 to 3"),
        (lambda path: relabel(path, 7, -1), "record 00000007: label -1 is no class"),
        (lambda path: replaced(path, [annotated(datum(noise(3, SIDE, SIDE)))]), "the first record holds no picture"),
        (
            lambda path: replaced(path, [datum(noise(3, SIDE + i // 2, SIDE), 0) for i in range(3)]),
            "record 00000002: data is [3, 9, 8] (channels, height, width), the model takes [3, 8, 8]. Bring all",
        ),
        (
            lambda path: replaced(path, [datum(noise(1, SIDE, SIDE), 0)]),
            "record 00000000: data is [1, 8, 8] (channels, height, width), the model takes [3, 8, 8]. Give force",
        ),
        (
            lambda path: replaced(path, [encoded(noise(SIDE, SIDE, 3), 0), message("Datum")(data=b"x", encoded=True)]),
            "record 00000001: it is no picture that OpenCV can decode",
        ),
    ],
)
def test_test_data_that_is_of_no_use(project: Project, spoil: Callable[[Path], None], says: str) -> None:
    spoil(project / TEST)
    assert says in refused(project)


def test_a_label_out_of_range_is_found_before_anything_runs(project: Project) -> None:
    relabel(project / TEST, 11, 9)
    assert "00000011: Label 9, but fc has 4 classes" in refused(project, "--dry-run")


def test_missing_test_data_of_a_layer_that_gives_its_sizes(project: Project) -> None:
    changed(project / NET, "mean_value: 100", "mean_value: 100 crop_size: 8")
    shutil.rmtree(project / TEST)
    assert "layer data: there is no LMDB test_lmdb, at " in refused(project)


@pytest.mark.parametrize("more", [("--mean", "1,2,3"), ("--color", "bgr"), ("--resize", "crop")])
def test_the_data_layer_alone_prepares_its_samples(project: Project, more: tuple[str, ...]) -> None:
    said = refused(project, *more)
    assert f"{more[0]}: the data layer of net.prototxt prepares samples itself, by its transform_param" in said


def test_labels_that_count_nothing(project: Project) -> None:
    changed(project / NET, 'top: "acc" include', 'top: "acc" accuracy_param { ignore_label: 0 } include')
    replaced(project / TEST, [datum(noise(3, SIDE, SIDE, seed=i), 0) for i in range(12)])
    assert "None of the 12 samples that decide has an annotation that counts for acc" in refused(project)


def test_a_mean_of_another_size(project: Project) -> None:
    changed(project / NET, "mean_value: 100", 'mean_file: "mean.binaryproto"')
    write_mean(project / "mean.binaryproto", np.zeros((3, 9, 9), np.float32))
    assert "the mean file is [3, 9, 9], the picture [3, 8, 8]" in refused(project)


def test_without_its_train_data_the_test_data_serves_and_it_is_said(project: Project) -> None:
    shutil.rmtree(project / TRAIN)
    result = calibrator("--json")
    assert result.exit_code == 0
    notes = " ".join(json.loads(result.stdout)["notes"])
    assert "because the TRAIN data cannot be read" in notes
    assert "there is no LMDB train_lmdb" in notes


def test_a_net_with_nothing_to_quantize(project: Project) -> None:
    start, end = TRUNK.index('layer { name: "relu1"'), TRUNK.index('layer { name: "pool"')
    only_first = TRUNK[:start] + TRUNK[end:].replace('bottom: "conv2"', 'bottom: "conv1"')
    (project / NET).write_text(DATA + only_first + SCORES)
    assert "-1st quantizes it" in refused(project)
    fc = TRUNK[TRUNK.index('layer { name: "fc"') :].replace('bottom: "pool"', 'bottom: "data"')
    (project / NET).write_text(DATA + fc + SCORES)
    write_weights(project / WEIGHTS, {"fc": [np.ones((4, 192), np.float32), np.zeros(4, np.float32)]})
    said = refused(project)
    assert "no layer that can run in INT8" in said
    assert "-fc quantizes them" in said


def test_a_deploy_prototxt_asks_for_samples(project: Project) -> None:
    shape = f"shape {{ dim: 1 dim: 3 dim: {SIDE} dim: {SIDE} }}"
    (project / NET).write_text(f'layer {{ name: "data" type: "Input" top: "data" input_param {{ {shape} }} }}\n{TRUNK}')
    assert "has no data layer for the phase TEST, so that there are no samples. Give --dataset DIR" in refused(project)
    assert "-n acc: is no score of net.prototxt. Candidates: fc (output)." in refused(project, "--dataset", "pictures")
    assert "pictures: there is no such file or folder" in refused(project, "--dataset", "pictures", n="fc", i=None)


def test_a_batch_that_is_written_into_a_reshape(project: Project) -> None:
    changed(
        project / NET,
        'bottom: "pool" top: "fc"',
        'bottom: "r" top: "fc"',
    )
    reshape = 'layer { name: "r" type: "Reshape" bottom: "pool" top: "r" reshape_param { shape { dim: 4 dim: 4 } } }\n'
    changed(project / NET, 'layer { name: "fc"', f'{reshape}layer {{ name: "fc"')
    assert "the network takes 4 samples at once and no other number" in refused(project)


def test_a_score_of_nothing_names_what_an_old_project_can_mend(project: Project) -> None:
    blobs = random_blobs()
    blobs["fc"][0] *= 0
    blobs["fc"][1] = np.array([1, 0, 0, 0], np.float32)  # says class 0 always
    write_weights(project / WEIGHTS, blobs)
    replaced(project / TEST, [datum(noise(3, SIDE, SIDE, seed=i), 1 + i % 3) for i in range(12)])
    said = refused(project)
    assert "FP32 scores 0.00 % of acc on 12 samples" in said
    assert "Probably transform_param (mean, scale, colour), the labels" in said


@pytest.mark.parametrize("name", ["v1.2/net.v3", "with a space/n e t", "ümlaut/网络"])
def test_names_of_any_kind(project: Project, tmp_path: Path, name: str) -> None:
    prototxt = tmp_path / f"{name}.prototxt"
    shutil.copytree(project, prototxt.parent)
    (prototxt.parent / NET).rename(prototxt)
    assert calibrator(m=str(prototxt)).exit_code == 0
    stem = prototxt.stem
    assert {path.name for path in prototxt.parent.iterdir()} - {NET, WEIGHTS, TRAIN, TEST} == {
        prototxt.name,
        f"{stem}_quantized",
        f"{stem}_quantized.prototxt",
    }
    before = contents(tmp_path)
    assert "v1_quantized" not in before


def test_new_weights_keep_the_ending_of_their_format(project: Project) -> None:
    with h5py.File(project / "net.caffemodel.h5", "w") as file:
        for name, blobs in random_blobs().items():
            for number, values in enumerate(blobs):
                file[f"data/{name}/{number}"] = values
    assert calibrator("-fu", w="net.caffemodel.h5").exit_code == 0
    assert h5py.is_hdf5(project / "net_new.caffemodel.h5")
    forced = "net_quantized_force_u8.prototxt"
    (project / WEIGHTS).unlink()
    again = CliRunner().invoke(app, ["evaluate", forced, "--dataset", forced])
    assert again.exit_code == 0, again.output


def test_the_ending_may_be_in_capitals(project: Project) -> None:
    (project / NET).rename(project / "NET.PROTOTXT")
    assert calibrator(m="NET.PROTOTXT").exit_code == 0
    assert (project / "NET_quantized.prototxt").is_file()


def test_a_folder_whose_name_is_no_text(project: Project) -> None:
    odd = project / "odd\udcff"
    try:
        odd.mkdir()
    except OSError:
        pytest.skip("this file system has no such names")
    for name in (NET, WEIGHTS):
        shutil.copy(project / name, odd)
    assert "a path of this run is no UTF-8 text" in refused(project, m=str(odd / NET))


def test_a_source_is_looked_for_beside_the_prototxt_too(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project.parent)
    assert calibrator(m=f"project/{NET}", w=f"project/{WEIGHTS}").exit_code == 0
    assert {path.name for path in project.iterdir()} > WROTE


def test_a_second_run_replaces_nothing_unless_it_is_told_to(project: Project) -> None:
    assert calibrator().exit_code == 0
    assert "net_quantized.prototxt: exists already. Move it away, or replace it with --force." in refused(
        project, code=1
    )
    (project / "net_quantized.prototxt").unlink()
    assert "net_quantized: exists already" in refused(project, code=1)
    assert calibrator("--force").exit_code == 0
    assert calibrator("--resume").exit_code == 0
    assert (project / "net_quantized.prototxt").is_file()


def test_what_is_quantized_already_is_refused(project: Project) -> None:
    assert calibrator().exit_code == 0
    said = refused(project, m="net_quantized.prototxt")
    assert "the model is quantized already" in said
    assert "Give the FP32 model it was made from" in said


@pytest.mark.parametrize("more", [("--resume",), ("--resume", "-q")])
def test_resume_without_a_run(project: Project, more: tuple[str, ...]) -> None:
    said = refused(project, *more, code=2 if "-q" in more else 1)
    assert "go on with" in said


def test_a_search_goes_on_with_the_same_tolerance_only(project: Project) -> None:
    assert calibrator().exit_code == 0
    (project / "net_quantized/report.json").unlink()
    (project / "net_quantized.prototxt").unlink()
    assert "Go on with --resume, or begin anew with --force." in refused(project, code=1)
    result = calibrator("--resume", l="0.8")
    assert result.exit_code == 1
    assert "cannot go on, because -l is 0.8 instead of 0.9" in result.stderr
    again = CliRunner().invoke(app, ["calibrate", "--resume", "net_quantized"])
    assert again.exit_code == 1
    assert "was begun by calibench caffe. Give that command again, with --resume." in again.stderr
    assert calibrator("--resume").exit_code == 0


@pytest.mark.parametrize("name", ["net_quantized.prototxt", "net_quantized"])
@pytest.mark.parametrize("force", [(), ("--force",)])
def test_something_else_lies_where_the_result_belongs(project: Project, name: str, force: tuple[str, ...]) -> None:
    if name.endswith(".prototxt"):
        (project / name).mkdir()
        assert "is a folder, and the calibrator would write a file there" in refused(project, *force, code=1)
    else:
        (project / name).write_text("mine")
        assert "is a file, not a folder" in refused(project, *force, code=1)


def test_a_folder_of_something_else_is_never_emptied(project: Project) -> None:
    assert "holds net.caffemodel, which is no result" in refused(project, "--force", "--out", ".", code=1)


def test_no_room_for_the_prototxt(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    from calibench.caffe_tool import calibrator as tool
    from calibench.errors import JobError

    def full(*_: object) -> None:
        raise JobError("net_quantized.prototxt: cannot be written (No space left on device).")

    with monkeypatch.context() as patch:
        patch.setattr(tool, "write_files", full)
        result = calibrator()
    assert result.exit_code == 1
    assert "Report and IR are in net_quantized; the same command with --resume writes what lacks." in result.stderr
    assert calibrator("--resume").exit_code == 0
    assert (project / "net_quantized.prototxt").is_file()


@pytest.mark.parametrize("more", [(), ("--dry-run",)])
def test_an_error_is_one_json_document_too(project: Project, more: tuple[str, ...]) -> None:
    result = calibrator("--json", *more, n="fc")
    assert result.exit_code == 2
    found = json.loads(result.stdout)["error"]
    assert found["kind"] == "SettingsError"
    assert found["message"].startswith("-n fc: is no score")


def test_weights_of_nothing_are_quantized_and_read_back(project: Project) -> None:
    write_weights(project / WEIGHTS, {name: [0 * each for each in blobs] for name, blobs in random_blobs().items()})
    assert calibrator().exit_code == 0
    again = CliRunner().invoke(app, ["evaluate", "net_quantized.prototxt", "--dataset", "net_quantized.prototxt"])
    assert again.exit_code == 0, again.output


def test_more_iterations_than_there_are_samples_begin_anew(project: Project) -> None:
    result = calibrator("--json", i="7", s="900")
    assert result.exit_code == 0
    notes = " ".join(json.loads(result.stdout)["notes"])
    assert "28 samples are more than the 12 of test_lmdb: it begins anew, as Caffe does, and 16 count again" in notes
