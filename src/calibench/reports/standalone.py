"""Run the INT8 model that stands beside this file just as it was certified.

    python deploy.py PICTURE ...           the answer for each picture (or .npz, .npy file)
    python deploy.py --npz OUT FILE ...    and the raw outputs in one .npz file

Needs openvino, numpy and pillow, and nothing else: no part of Calibench. Size, colours, mean, scale, precision and
device are those with which the accuracy in report.json was measured; other values give another accuracy.
"""

import argparse
import math
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
from PIL import Image, ImageOps

# What was certified, begin
CERTIFIED: dict[str, Any] = {
    "model": "",
    "device": "CPU",
    "precision": "f32",
    "inputs": [],
    "has_scores": True,
    "classes": {},
}
# What was certified, end

MODEL = Path(__file__).with_name("model.xml")
ARRAY_FILES = (".npz", ".npy")
SHORT_SIDE = 0.875  # of the short side is kept by a crop, where no length is set
TOP = 5

Array = Any
Feeds = dict[str, Array]


def main(arguments: Sequence[str]) -> int:
    """Run every file; 0 when all went well."""
    parser = argparse.ArgumentParser(description=f"Run {CERTIFIED['model']} in INT8 as it was certified.")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="a picture, or arrays in .npz or .npy")
    parser.add_argument("--npz", type=Path, metavar="OUT", help="write the raw outputs into this file")
    options = parser.parse_args(arguments)
    compiled = compiled_model()
    names = [port_name(port) for port in compiled.outputs]
    answers: list[dict[str, Array]] = []
    for path in options.files:
        for title, feeds in samples(path):
            outputs = compiled(feeds)
            answers.append({name: np.array(outputs[i]) for i, name in enumerate(names)})
            print(f"{title}: {shown(answers[-1])}", flush=True)
    if options.npz:
        np.savez(options.npz, **joined(answers))
    return 0


def compiled_model() -> Any:
    """The model at the certified size, on the certified device, with float layers in the certified precision."""
    core = ov.Core()
    model = core.read_model(MODEL)
    shapes = {}
    for port in model.inputs:
        spec = next(each for each in CERTIFIED["inputs"] if each["name"] == port_name(port))
        if is_prepared_here(spec) and has_free_sides(port.partial_shape, spec["layout"]):
            shapes[port] = certified_shape(port.partial_shape, spec)
    if shapes:
        model.reshape(shapes)
    return core.compile_model(model, CERTIFIED["device"], {"INFERENCE_PRECISION_HINT": CERTIFIED["precision"]})


def is_prepared_here(spec: dict[str, Any]) -> bool:
    """Whether this script prepares a picture for the input, so that the model does not."""
    return spec["kind"] == "picture" and not spec["is_embedded"]


def has_free_sides(shape: Any, layout: str) -> bool:
    """Whether the model leaves open how large a picture is."""
    return bool(shape.rank.is_dynamic) or any(shape[layout.index(axis)].is_dynamic for axis in "CHW")


def certified_shape(own: Any, spec: dict[str, Any]) -> Any:
    """The shape of the input with the sides that were certified; its batch stays as it is."""
    batch = ov.Dimension() if own.rank.is_dynamic else own[spec["layout"].index("N")]
    sides = {"C": spec["channels"], "H": spec["height"], "W": spec["width"]}
    return ov.PartialShape([batch if axis == "N" else ov.Dimension(sides[axis]) for axis in spec["layout"]])


def port_name(port: Any) -> str:
    """The name of an input or output, as it stands in the report."""
    own = str(port.node.get_friendly_name())
    return own if own in port.names or not port.names else str(min(port.names))


def samples(path: Path) -> Iterator[tuple[str, Feeds]]:
    """The samples in a file: one in a picture, one or more in a file of arrays."""
    if path.suffix.lower() in ARRAY_FILES:
        yield from samples_of_arrays(path)
        return
    pictures = [spec for spec in CERTIFIED["inputs"] if spec["kind"] == "picture"]
    if len(pictures) != 1 or len(CERTIFIED["inputs"]) != 1:
        wanted = ", ".join(spec["name"] for spec in CERTIFIED["inputs"])
        stop(f"{path}: the model takes {wanted}. Give an .npz file with an array for each.")
    spec = pictures[0]
    yield str(path), {spec["name"]: prepared(read_picture(path, spec), spec)}


def samples_of_arrays(path: Path) -> Iterator[tuple[str, Feeds]]:
    """Arrays without a batch axis are one sample; with one, they are as many as it is long."""
    found = named_arrays(path)
    arrays = {spec["name"]: with_batch(found[spec["name"]], spec, path) for spec in CERTIFIED["inputs"]}
    counts = {len(array) for array in arrays.values()}
    if len(counts) != 1:
        stop(f"{path}: the arrays hold different numbers of samples: {sorted(counts)}.")
    for i in range(counts.pop()):
        feeds = {spec["name"]: arrays[spec["name"]][i : i + 1] for spec in CERTIFIED["inputs"]}
        for spec in CERTIFIED["inputs"]:
            if spec["kind"] == "picture":
                feeds[spec["name"]] = prepared(feeds[spec["name"]], spec)
        yield (f"{path}[{i}]" if max(map(len, arrays.values())) > 1 else str(path)), feeds


def named_arrays(path: Path) -> dict[str, Array]:
    """The arrays of a file by the name of the input; one array alone needs no name."""
    try:
        loaded = np.load(path, allow_pickle=False)
        arrays = {name: loaded[name] for name in loaded.files} if hasattr(loaded, "files") else {"": loaded}
    except (OSError, ValueError, EOFError) as error:
        stop(f"{path}: cannot be read ({error}).")
    names = [spec["name"] for spec in CERTIFIED["inputs"]]
    others = [name for name in arrays if name not in names and name != "labels"]
    if len(names) == 1 and names[0] not in arrays and len(others) == 1:
        return {names[0]: arrays[others[0]]}
    missing = [name for name in names if name not in arrays]
    if missing:
        stop(f"{path}: no array {missing[0]}. The model takes {', '.join(names)}; the file holds {', '.join(arrays)}.")
    return arrays


def with_batch(array: Array, spec: dict[str, Any], path: Path) -> Array:
    """The array with a batch axis, in the type that the model takes."""
    is_picture = spec["kind"] == "picture"
    shape = [1, spec["height"], spec["width"], spec["channels"]] if is_picture else spec["shape"]
    wanted = np.dtype("uint8" if is_picture else spec["dtype"])
    if shape is None or array.ndim == len(shape) - 1:
        array = array[np.newaxis]
    sides = () if shape is None else zip(array.shape[1:], shape[1:], strict=False)
    if (shape is not None and array.ndim != len(shape)) or any(want not in (-1, side) for side, want in sides):
        stop(f"{path}: array {spec['name']} is {list(array.shape)}, the model takes {shape}.")
    if array.dtype != wanted and not (array.dtype.kind == wanted.kind or np.can_cast(array.dtype, wanted, "safe")):
        stop(f"{path}: array {spec['name']} is {array.dtype}, the model takes {wanted}.")
    return np.ascontiguousarray(array.astype(wanted))


def read_picture(path: Path, spec: dict[str, Any]) -> Array:
    """uint8 [1, height, width, channels], RGB or gray: upright by EXIF, 16 bits to 8, without alpha, resized."""
    is_gray = spec["channels"] == 1 or spec["color"] == "gray"
    try:
        with Image.open(path) as opened:
            picture = upright(opened, is_gray)
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        stop(f"{path}: this picture cannot be read ({error}).")
    picture = placed(picture, spec, path)
    if is_gray and spec["channels"] == 3:
        picture = picture.convert("RGB")
    return np.array(picture, np.uint8).reshape(1, spec["height"], spec["width"], spec["channels"])


def upright(opened: Image.Image, is_gray: bool) -> Image.Image:
    """The picture as a person sees it, RGB or gray."""
    ImageOps.exif_transpose(opened, in_place=True)
    picture = opened
    if picture.mode.startswith("I;16") or picture.mode in ("I", "F"):
        picture = Image.fromarray(eight_bits(np.asarray(picture)))
    if picture.mode in ("P", "PA", "CMYK", "YCbCr") or "a" in picture.mode:
        picture = picture.convert("RGBA" if picture.mode in ("P", "PA", "La", "RGBa") else "RGB")
    return picture.convert("L" if is_gray else "RGB")


def eight_bits(values: Array) -> Array:
    """Gray values of 16 bits, or of floats in 0..1, or of 0..255 already, as uint8."""
    wide = np.asarray(values, dtype=np.float64)
    top = float(wide.max(initial=0.0))
    if values.dtype.kind == "f" and top <= 1.0:
        wide = wide * 255.0
    elif values.dtype == np.uint16 or top > 255.0:
        wide = np.floor(wide / 256.0)
    return np.clip(np.nan_to_num(wide), 0, 255).astype(np.uint8)


def placed(picture: Image.Image, spec: dict[str, Any], path: Path) -> Image.Image:
    """The picture at the size of the model: stretched, cropped or padded."""
    size = (spec["width"], spec["height"])
    if picture.size == size:
        return picture
    if spec["resize"] == "none":
        stop(f"{path}: the picture is {picture.height} x {picture.width}, the model takes {size[1]} x {size[0]}.")
    width, height, left, top = place(picture.size, spec)
    resized = picture if picture.size == (width, height) else picture.resize((width, height), Image.Resampling.BILINEAR)
    if resized.size == size:
        return resized
    if spec["resize"] == "crop":
        return resized.crop((-left, -top, size[0] - left, size[1] - top))
    pad = spec["pad"]
    whole = Image.new(picture.mode, size, pad if picture.mode == "L" else (pad, pad, pad))
    whole.paste(resized, (left, top))
    return whole


def place(size: tuple[int, int], spec: dict[str, Any]) -> tuple[int, int, int, int]:
    """Width and height of the resized picture, and where its upper left corner goes."""
    width, height = size
    wide, high = spec["width"], spec["height"]
    if spec["resize"] == "stretch":
        return wide, high, 0, 0
    if spec["resize"] == "crop":
        short = spec["resize_short"]
        target = round(min(high, wide) / SHORT_SIDE) if short is None else short
        factor = max(target / min(height, width), wide / width, high / height)
        new_width = max(math.floor(width * factor + 1e-6), wide)
        new_height = max(math.floor(height * factor + 1e-6), high)
        return new_width, new_height, -round((new_width - wide) / 2), -round((new_height - high) / 2)
    factor = min(wide / width, high / height)
    inner_width = min(max(round(width * factor), 1), wide)
    inner_height = min(max(round(height * factor), 1), high)
    if spec["resize"] == "corner":
        return inner_width, inner_height, 0, 0
    return inner_width, inner_height, (wide - inner_width) // 2, (high - inner_height) // 2


def prepared(pixels: Array, spec: dict[str, Any]) -> Array:
    """What the model takes: colour order, mean, scale, type and layout. `pixels`: uint8 [1, H, W, C]."""
    if spec["is_embedded"]:
        return pixels
    values, wanted = pixels, np.dtype(spec["dtype"])
    if spec["color"] == "bgr" and spec["channels"] == 3:
        values = values[..., ::-1]
    if spec["mean"] or spec["scale"] or wanted != np.uint8:
        values = values.astype(np.float32)
    if spec["mean"]:
        values = values - np.array(spec["mean"], np.float32)
    if spec["scale"]:
        values = values / np.array(spec["scale"], np.float32)
    if wanted.kind in "iu" and values.dtype.kind == "f":
        values = values.astype(np.int64)  # what does not fit wraps around, as in the runtime
    values = values.astype(wanted)
    return np.ascontiguousarray(np.transpose(values, ["NHWC".index(axis) for axis in spec["layout"]]))


def shown(outputs: dict[str, Array]) -> str:
    """The best classes where the output is one score per class, else a few facts of every output."""
    first = next(iter(outputs.values()))
    if CERTIFIED["has_scores"] and len(outputs) == 1 and first.ndim in (2, 4) and 1 < first.size == first.shape[1]:
        scores = first.reshape(-1)
        best = np.argsort(-scores, kind="stable")[:TOP]
        return ", ".join(f"{CERTIFIED['classes'].get(int(i), f'class {i}')} {scores[i]:.4g}" for i in best)
    return "; ".join(f"{name} {list(array.shape)} {facts(array)}" for name, array in outputs.items())


def facts(array: Array) -> str:
    """Smallest, largest and mean value."""
    if array.size == 0 or array.dtype.kind not in "biuf":
        return str(array.dtype)
    values = array.astype(np.float64)
    return f"min {values.min():.4g}, max {values.max():.4g}, mean {values.mean():.4g}"


def joined(answers: Sequence[dict[str, Array]]) -> dict[str, Array]:
    """Every output with all samples along its first axis; one array a sample (name/0, name/1) where shapes differ."""
    arrays: dict[str, Array] = {}
    for name in answers[0] if answers else ():
        each = [answer[name] for answer in answers]
        if all(array.ndim and array.shape[1:] == each[0].shape[1:] for array in each) and each[0].ndim:
            arrays[name] = np.concatenate(each)
        else:
            arrays.update({f"{name}/{i}": array for i, array in enumerate(each)})
    return arrays


def stop(sentence: str) -> Any:
    """End with one sentence."""
    sys.exit(sentence)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
