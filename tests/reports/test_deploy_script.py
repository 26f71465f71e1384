"""The script runs in a process of its own, in a folder without Calibench, and prepares files as Calibench does."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import openvino as ov
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openvino import opset13 as ops
from PIL import Image
from report_samples import small_report

from calibench.datasets.images import decode
from calibench.datasets.inputs import ImageInput, InputPlan, plan_inputs
from calibench.errors import DatasetError, JobError
from calibench.reports import standalone
from calibench.reports.deploy import certified, deploy_script, prepared_inputs, write_deploy_script
from calibench.reports.report import ClassRow, PreparedInput, Report
from calibench.settings import InputSettings, Settings, make_settings

NETWORK = Path(__file__).parents[1] / "data/networks/fashion-resnet8.onnx"

RESIZES = ("stretch", "crop", "letterbox", "corner")
NORMAL = {"mean": [73.0], "scale": [90.0]}


def report_for(model: ov.Model, plan: InputPlan, given: Settings, is_embedded: bool = False) -> Report:
    inputs = prepared_inputs(plan, model, is_embedded)
    return small_report().model_copy(update={"inputs": inputs, "settings": given})


def run(folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """With `calibench` out of reach: an import of it would fail."""
    (folder / "calibench.py").write_text("raise ImportError('the script must stand alone')")
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    command = [sys.executable, str(folder / "deploy.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=folder)


def pictures(folder: Path) -> list[Path]:
    """Wider, higher, turned by EXIF, 16 bits, with a palette and alpha, and of the right size."""
    draw = np.random.default_rng(3)
    wide, high = (Image.fromarray(draw.integers(0, 256, (*size, 3), np.uint8)) for size in ((41, 77), (90, 33)))
    turned = Image.Exif()
    turned[0x0112] = 6
    saved = {
        "wide.png": (wide, {}),
        "high.jpg": (high, {}),
        "turned.jpg": (wide, {"exif": turned}),
        "deep.png": (Image.fromarray(draw.integers(0, 65536, (30, 40), np.uint16)), {}),
        "palette.png": (high.convert("P"), {"transparency": 3}),
        "alpha.png": (wide.convert("RGBA"), {}),
        "right.png": (Image.fromarray(draw.integers(0, 256, (28, 28), np.uint8)), {}),
    }
    for name, (picture, more) in saved.items():
        picture.save(folder / name, **more)
    return [folder / name for name in saved]


def own_outputs(model: ov.Model, plan: InputPlan, files: list[Path]) -> np.ndarray:
    attached = plan.attach(model)
    compiled = ov.Core().compile_model(attached, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    image = plan.images[0]
    return np.concatenate([compiled({image.name: decode(path, image)})[0] for path in files])


def set_up(folder: Path, given: Settings, is_embedded: bool = False) -> tuple[ov.Model, InputPlan]:
    model = ov.Core().read_model(NETWORK)
    plan = plan_inputs(model, given)
    ov.save_model(plan.attach(model) if is_embedded else model, folder / "model.xml", compress_to_fp16=False)
    write_deploy_script(report_for(model, plan, given, is_embedded), folder / "deploy.py")
    return model, plan


@pytest.mark.parametrize("resize", RESIZES)
def test_a_real_network_gives_the_outputs_of_our_own_preparation(resize: str, tmp_path: Path) -> None:
    given = make_settings({"inputs": {"": {"resize": resize, "pad": 114, **NORMAL}}})
    model, plan = set_up(tmp_path, given)
    files = pictures(tmp_path)
    result = run(tmp_path, "--npz", tmp_path / "out.npz", *files)
    assert result.returncode == 0, result.stderr
    with np.load(tmp_path / "out.npz") as arrays:
        np.testing.assert_allclose(arrays["logits"], own_outputs(model, plan, files), atol=1e-4)


def test_a_model_that_prepares_pictures_itself_gets_them_raw(tmp_path: Path) -> None:
    model, plan = set_up(tmp_path, make_settings({"inputs": {"": NORMAL}}), is_embedded=True)
    files = pictures(tmp_path)
    result = run(tmp_path, "--npz", tmp_path / "out.npz", *files)
    assert result.returncode == 0, result.stderr
    with np.load(tmp_path / "out.npz") as arrays:
        np.testing.assert_allclose(arrays["logits"], own_outputs(model, plan, files), atol=1e-4)


def test_the_best_five_classes_are_printed_with_their_names(tmp_path: Path) -> None:
    model, plan = set_up(tmp_path, make_settings({"inputs": {"": NORMAL}}))
    rows = tuple(ClassRow(label=i, name=f"name {i}") for i in range(10))
    report = report_for(model, plan, make_settings({"inputs": {"": NORMAL}})).model_copy(update={"classes": rows})
    write_deploy_script(report, tmp_path / "deploy.py")
    files = pictures(tmp_path)[:1]
    scores = own_outputs(model, plan, files)[0]
    best = [f"name {i}" for i in np.argsort(-scores)[:5]]
    line = run(tmp_path, *files).stdout.strip()
    assert line.startswith(f"{files[0]}: {best[0]} {scores.max():.4g}, ")
    assert [part.rsplit(" ", 1)[0] for part in line.removeprefix(f"{files[0]}: ").split(", ")] == best


def test_what_cannot_be_read_ends_with_one_sentence(tmp_path: Path) -> None:
    set_up(tmp_path, make_settings({}))
    (tmp_path / "broken.png").write_bytes(b"no picture")
    result = run(tmp_path, tmp_path / "broken.png")
    assert result.returncode == 1
    assert result.stderr.startswith(f"{tmp_path / 'broken.png'}: this picture cannot be read")
    assert "Traceback" not in result.stderr


def two_inputs() -> ov.Model:
    ids, mask = (ops.parameter([-1, 4], np.int64, name=name) for name in ("ids", "mask"))
    for node in (ids, mask):
        node.output(0).tensor.set_names({node.get_friendly_name()})
    total = ops.convert(ops.multiply(ids, mask), "f32")
    total.output(0).tensor.set_names({"total"})
    wide = ops.unsqueeze(total, np.int64(0))
    wide.output(0).tensor.set_names({"wide"})
    return ov.Model([total, wide], [ids, mask], "two")


def test_arrays_enter_by_the_name_of_their_input_one_sample_or_many(tmp_path: Path) -> None:
    model = two_inputs()
    ov.save_model(model, tmp_path / "model.xml")
    plan = plan_inputs(model, make_settings({}), images=False)
    write_deploy_script(report_for(model, plan, make_settings({})), tmp_path / "deploy.py")
    ids = np.arange(12, dtype=np.int32).reshape(3, 4)
    np.savez(tmp_path / "many.npz", ids=ids, mask=np.ones((3, 4), np.int64), labels=np.zeros(3))
    np.savez(tmp_path / "one.npz", ids=ids[2], mask=np.array([1, 1, 0, 0]))
    result = run(tmp_path, "--npz", "out.npz", "many.npz", "one.npz")
    assert result.returncode == 0, result.stderr
    assert [line.split(":")[0] for line in result.stdout.splitlines()] == [
        *(f"many.npz[{i}]" for i in range(3)),
        "one.npz",
    ]
    assert "total [1, 4] min 0, max 9, mean 4.25; wide [1, 1, 4] min 0," in result.stdout
    with np.load(tmp_path / "out.npz") as arrays:
        np.testing.assert_array_equal(arrays["total"], [*ids, [8, 9, 0, 0]])


@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        ({"ids": np.zeros(4, np.int64)}, "no array mask"),
        ({"ids": np.zeros(5, np.int64), "mask": np.zeros(4, np.int64)}, "array ids is [1, 5]"),
        ({"ids": np.zeros(4), "mask": np.zeros(4, np.int64)}, "array ids is float64"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(arrays, sentence, tmp_path: Path) -> None:
    model = two_inputs()
    ov.save_model(model, tmp_path / "model.xml")
    plan = plan_inputs(model, make_settings({}), images=False)
    write_deploy_script(report_for(model, plan, make_settings({})), tmp_path / "deploy.py")
    np.savez(tmp_path / "x.npz", **arrays)
    result = run(tmp_path, "x.npz")
    assert result.returncode == 1
    assert sentence in result.stderr


SIDES = st.integers(1, 60)


@settings(max_examples=60)
@given(
    original=st.tuples(SIDES, SIDES),
    size=st.tuples(SIDES, SIDES),
    resize=st.sampled_from(RESIZES),
    short=st.none() | st.integers(1, 80),
    color=st.sampled_from(("rgb", "bgr", "gray")),
    channels=st.sampled_from((1, 3)),
)
def test_pixels_are_those_of_calibench_at_every_size(
    original, size, resize, short, color, channels, tmp_path_factory
) -> None:
    own = InputSettings(resize=resize, resize_short=short, color=color, pad=77)
    image = ImageInput("x", "NCHW", *size, channels, own)
    spec = prepared(image)
    path = tmp_path_factory.getbasetemp() / "any.png"
    Image.fromarray(np.random.default_rng(1).integers(0, 256, (*original, 3), np.uint8)).save(path)
    np.testing.assert_array_equal(standalone.read_picture(path, spec), decode(path, image))


def prepared(image: ImageInput) -> dict:
    port = ops.parameter([1, image.channels, image.height, image.width], np.float32, name=image.name)
    model = ov.Model([ops.relu(port)], [port], "one")
    return prepared_inputs(InputPlan((image,)), model)[0].model_dump(mode="json")


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.uint8])
@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize("color", ["rgb", "bgr", "gray"])
@pytest.mark.parametrize(
    ("mean", "scale"), [((), ()), ((120.0,), ()), ((), (2.0,)), ((1.0, 20.0, 100.0), (0.5, 3.0, 60.0))]
)
def test_values_are_those_of_the_attached_preparation(dtype, layout, color, mean, scale) -> None:
    own = InputSettings(color=color, mean=mean, scale=scale, size=(5, 7), layout=layout)
    sides = {"N": 1, "C": 3, "H": 5, "W": 7}
    port = ops.parameter([sides[axis] for axis in layout], dtype, name="x")
    port.output(0).tensor.set_names({"x"})
    model = ov.Model([ops.convert(port, "f32")], [port], "one")
    plan = plan_inputs(model, Settings(inputs={"": own}))
    pixels = np.random.default_rng(0).integers(100, 200, (1, 5, 7, 3), np.uint8)
    spec = prepared_inputs(plan, model)[0].model_dump(mode="json")
    compiled = ov.Core().compile_model(plan.attach(model), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    tolerance = {np.float32: 1e-5, np.float16: 2e-3, np.uint8: 0}[dtype]
    wanted = compiled({"x": pixels})[0]
    given = standalone.prepared(pixels, spec).astype(np.float32)
    np.testing.assert_allclose(given, wanted, rtol=tolerance, atol=tolerance / 10)


def test_a_picture_of_another_size_is_refused_where_nothing_may_be_resized(tmp_path: Path) -> None:
    image = ImageInput("x", "NCHW", 8, 8, 3, InputSettings(resize="none"))
    Image.new("RGB", (9, 8)).save(tmp_path / "x.png")
    with pytest.raises(DatasetError):
        decode(tmp_path / "x.png", image)
    with pytest.raises(SystemExit, match="the picture is 8 x 9, the model takes 8 x 8"):
        standalone.read_picture(tmp_path / "x.png", prepared(image))


def test_the_script_needs_only_three_packages() -> None:
    tree = ast.parse(deploy_script(small_report().model_copy(update={"inputs": (PICTURE,)})))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    known = {"numpy", "openvino", "PIL"}
    assert {name.split(".")[0] for name in names} - known <= set(sys.stdlib_module_names)


PICTURE = PreparedInput(name="x", kind="picture", layout="NCHW", height=2, width=2, channels=3)


def test_names_stay_values_whatever_they_hold() -> None:
    evil = "x'''\"\"\"\n__import__('os').abort()\\"
    report = small_report().model_copy(update={"inputs": (PICTURE.model_copy(update={"name": evil}),)})
    report = report.model_copy(update={"model": report.model.model_copy(update={"name": evil})})
    tree = ast.parse(deploy_script(report))
    (value,) = [node.value for node in tree.body if isinstance(node, ast.AnnAssign)]
    assert value is not None
    assert ast.literal_eval(value) == certified(report)


def test_class_names_follow_the_numbers_of_the_model() -> None:
    rows = (ClassRow(label=0, name="cat"), ClassRow(label=1))
    report = small_report().model_copy(
        update={"classes": rows, "settings": make_settings({"task": {"label_offset": 1}})}
    )
    assert certified(report)["classes"] == {1: "cat"}
    assert certified(report.model_copy(update={"task": "embedding"}))["classes"] == {}
    assert certified(report.model_copy(update={"task": "embedding"}))["has_scores"] is False


def test_a_report_without_inputs_has_no_script() -> None:
    with pytest.raises(ValueError, match="how samples enter"):
        deploy_script(small_report())


def test_a_script_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    report = small_report().model_copy(update={"inputs": (PICTURE,)})
    with pytest.raises(JobError, match="cannot be written"):
        write_deploy_script(report, tmp_path / "missing" / "deploy.py")
