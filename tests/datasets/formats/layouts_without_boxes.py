"""Small datasets written to the layouts of their formats, with the quirks that real ones have."""

import gzip
import json
import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

LF = "\n"


def draw(path: Path, height: int = 6, width: int = 8, color: Any = (200, 10, 30), mode: str = "RGB") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, (width, height), color).save(path)
    return path


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode(encoding))
    return path


def write_mask(path: Path, values: Any, palette: Sequence[int] | None = None) -> Path:
    """Gray numbers [H, W], colours [H, W, 3], or with a palette a palette PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    array = np.asarray(values)
    picture = Image.fromarray(array if array.dtype == np.uint16 else array.astype(np.uint8))
    if palette is not None:
        picture = picture.convert("P") if picture.mode != "L" else Image.fromarray(array.astype(np.uint8), mode="P")
        picture.putpalette(list(palette))
    picture.save(path)
    return path


def imagenet_list(
    folder: Path, *, inner: str = "", separator: str = " ", bom: bool = False, words: bool = True
) -> Path:
    """Three pictures, val.txt with their classes 2, 0, 1, and synset_words.txt."""
    for number in range(1, 4):
        draw(folder / inner / f"ILSVRC2012_val_{number:08d}.JPEG")
    lines = [f"ILSVRC2012_val_{number:08d}.JPEG{separator}{label}" for number, label in ((1, 2), (2, 0), (3, 1))]
    write(folder / "val.txt", LF.join(lines) + LF, "utf-8-sig" if bom else "utf-8")
    if words:
        synsets = ("n01440764 tench, Tinca tinca", "n01443537 goldfish", "n01484850 great white shark")
        write(folder / "synset_words.txt", LF.join(synsets))
    return folder


def cifar_pictures(count: int = 3) -> np.ndarray:
    """uint8 [N, 3072]: every picture has red = its number, green 100, blue 200."""
    planes = np.zeros((count, 3, 32, 32), np.uint8)
    planes[:, 0], planes[:, 1], planes[:, 2] = np.arange(count)[:, None, None], 100, 200
    return planes.reshape(count, 3072)


def cifar(folder: Path, *, coarse: bool = False, protocol: int = 2, labels: Sequence[int] = (1, 0, 2)) -> Path:
    """Python pickles: CIFAR-10 with a train and a test batch, or CIFAR-100."""
    folder.mkdir(parents=True, exist_ok=True)
    names = ["airplane", "automobile", "bird"]
    batch = {"data": cifar_pictures(len(labels)), "filenames": [f"{i}.png" for i in range(len(labels))]}
    if coarse:
        batch |= {"fine_labels": list(labels), "coarse_labels": [0] * len(labels)}
        meta = {"fine_label_names": names, "coarse_label_names": ["things"]}
    else:
        batch["labels"] = list(labels)
        meta = {"label_names": names, "num_cases_per_batch": 3, "num_vis": 3072}
    for name, held in {
        ("train" if coarse else "data_batch_1"): batch,
        ("test" if coarse else "test_batch"): batch,
        ("meta" if coarse else "batches.meta"): meta,
    }.items():
        (folder / name).write_bytes(pickle.dumps(held, protocol=protocol))
    return folder


def cifar_binary(folder: Path, *, coarse: bool = False, labels: Sequence[int] = (1, 0, 2)) -> Path:
    """Records of one class byte (two in CIFAR-100: coarse, fine) and 3072 bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures = cifar_pictures(len(labels))
    records = [
        bytes([7, label] if coarse else [label]) + pixels.tobytes()
        for label, pixels in zip(labels, pictures, strict=True)
    ]
    (folder / ("test.bin" if coarse else "test_batch.bin")).write_bytes(b"".join(records))
    names = "fine_label_names.txt" if coarse else "batches.meta.txt"
    write(folder / names, "airplane\nautomobile\nbird\n\n")
    return folder


def idx_bytes(array: np.ndarray) -> bytes:
    head = bytes([0, 0, 8, array.ndim]) + b"".join(size.to_bytes(4, "big") for size in array.shape)
    return head + array.astype(np.uint8).tobytes()


def mnist(folder: Path, *, packed: bool = True, dot: bool = False, splits: Sequence[str] = ("train", "t10k")) -> Path:
    """Three pictures of 28 x 28 a split; the pixels of picture i are all i; classes 4, 0, 9."""
    folder.mkdir(parents=True, exist_ok=True)
    pixels = np.arange(3, dtype=np.uint8)[:, None, None] * np.ones((1, 28, 28), np.uint8)
    mark = "." if dot else "-"
    for split in splits:
        for kind, axes, array in (("images", 3, pixels), ("labels", 1, np.array([4, 0, 9]))):
            name = f"{split}-{kind}{mark}idx{axes}-ubyte"
            data = idx_bytes(array)
            (folder / (name + ".gz" if packed else name)).write_bytes(gzip.compress(data) if packed else data)
    return folder


SEMANTIC_META: Mapping[str, Any] = {
    "label_map": {"0": "background", "1": "cat", "2": "dog"},
    "background_label": "0",
    "segmentation_colors": [[0, 0, 0], [255, 0, 0], [0, 0, 255]],
}
HALVES = np.repeat([[0, 0, 1, 1, 2, 2, 2, 255]], 6, axis=0)


def semantic(
    folder: Path, *, form: str = "index", lower: bool = False, meta: Mapping[str, Any] | None = SEMANTIC_META
) -> Path:
    """Pictures a.jpg, b.jpg and masks of the `form`: index, palette, color, binary."""
    pictures, masks = ("images", "masks") if lower else ("Images", "Masks")
    colors = np.array([*SEMANTIC_META["segmentation_colors"]], np.uint8)
    inside = np.where(HALVES == 255, 0, HALVES)
    for name in ("a", "b"):
        draw(folder / pictures / f"{name}.jpg")
        path = folder / masks / f"{name}.png"
        match form:
            case "index":
                write_mask(path, HALVES)
            case "palette":
                write_mask(path, inside, palette=colors.ravel())
            case "color":
                write_mask(path, colors[inside])
            case "binary":
                write_mask(path, np.where(HALVES > 0, 255, 0))
    if meta is not None:
        write(folder / "dataset_meta.json", json.dumps(meta))
    return folder


def cityscapes(folder: Path, *, outer: bool = True, kind: str = "labelIds", split: str = "val") -> Path:
    """Two pictures of Bonn; rows of the mask: road, sidewalk, person, parking, 0, bicycle, building, licence plate."""
    ids = {
        "labelIds": [7, 8, 24, 9, 0, 33, 11, 255],
        "labelTrainIds": [0, 1, 11, 255, 255, 18, 2, 255],
        "instanceIds": [7, 8, 24017, 9, 0, 33002, 11, 0],
    }[kind]
    top = folder / "imgsFine" if outer else folder
    for number in (19, 21):
        name = f"bonn_000000_{number:06d}"
        draw(top / "leftImg8bit" / split / "bonn" / f"{name}_leftImg8bit.png")
        mask = np.repeat([ids], 6, axis=0)
        path = folder / "gtFine" / split / "bonn" / f"{name}_gtFine_{kind}.png"
        write_mask(path, mask.astype(np.uint16) if kind == "instanceIds" else mask)
    return folder


def lfw(folder: Path, *, landmarks: bool = True, outer: bool = True, header: str = "1\t1") -> Path:
    """Ann with two pictures, Bob with one; one pair that is the same person and one that is not."""
    top = folder / "Images" if outer else folder
    for person, count in (("Ann_Lee", 2), ("Bob_Ray", 1)):
        for number in range(1, count + 1):
            draw(top / person / f"{person}_{number:04d}.jpg")
    notes = folder / "Annotations" if outer else folder
    lines = [header, "Ann_Lee\t1\t2", "Ann_Lee\t2\tBob_Ray\t1"]
    write(notes / "pairs.txt", LF.join(line for line in lines if line) + LF)
    if landmarks:
        rows = [f"{person}/{person}_0001.jpg\t" + "\t".join(map(str, range(10))) for person in ("Ann_Lee", "Bob_Ray")]
        write(notes / "landmarks.txt", LF.join(rows))
    return folder


def vgg_face(folder: Path, *, split: str = "test", quoted: bool = True, inner: str = "Images") -> Path:
    """Two persons with a picture each, boxes and points."""
    names = ("n000001/0001_01", "n000009/0002_01")
    for name in names:
        draw(folder / inner / f"{name}.jpg", 40, 40)
    shown = [f'"{name}"' if quoted else name for name in names]
    boxes = ["NAME_ID,X,Y,W,H", *(f"{name},2,-3,20,{30 + i}" for i, name in enumerate(shown))]
    heads = ",".join(f"P{i}X,P{i}Y" for i in range(1, 6))
    points = [f"NAME_ID,{heads}", *(f"{name},1.5,2,3,4,5,6,7,8,9,10" for name in shown)]
    write(folder / "Annotations" / f"loose_bb_{split}.csv", LF.join(boxes) + LF)
    write(folder / "Annotations" / f"loose_landmark_{split}.csv", LF.join(points) + LF)
    return folder


def super_resolution(folder: Path, *, suffix: str = "", upsampled: bool = False, lower: bool = False) -> Path:
    """Two pictures of 6 x 8 and their large ones of 12 x 16."""
    large, small = ("hr", "lr") if lower else ("HR", "LR")
    for name in ("0801", "0802"):
        draw(folder / large / f"{name}.png", 12, 16, (1, 2, 3))
        draw(folder / small / f"{name}{suffix}.png")
        if upsampled:
            draw(folder / "upsampled" / f"{name}.png", 12, 16)
    return folder


def text_lines(folder: Path, *, form: str = "tab", name: str = "rec_gt.txt") -> Path:
    """Two pictures in crops/ and a list: PaddleOCR's "tab", "space", or ICDAR's "quoted"."""
    for number in (1, 2):
        draw(folder / "crops" / f"word_{number}.png")
    texts = ("Hello, world", 'say "no"')
    match form:
        case "tab":
            lines = [f"crops/word_{i}.png\t{text}" for i, text in enumerate(texts, 1)]
        case "space":
            lines = [f"crops/word_{i}.png {text}" for i, text in enumerate(texts, 1)]
        case _:
            escaped = [text.replace('"', '\\"') for text in texts]
            lines = [f'word_{i}.png, "{text}"' for i, text in enumerate(escaped, 1)]
    write(folder / name, LF.join(lines) + LF)
    return folder
