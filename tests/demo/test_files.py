"""The whole demo with the real packages; fetches about 220 MB the first time."""

from pathlib import Path

import numpy as np
import openvino as ov
import pytest
from PIL import Image

from calibench.demo import DemoFiles, prepare
from calibench.demo.files import STAMPS, WALLPAPERS
from calibench.demo.stamps import read_materials
from calibench.errors import SettingsError

pytestmark = pytest.mark.packages


@pytest.fixture(scope="module")
def demo(packages: Path, tmp_path_factory: pytest.TempPathFactory) -> DemoFiles:
    return prepare(tmp_path_factory.mktemp("demo"), scenes=120, packages=packages)


def test_the_network_knows_most_of_the_scenes(demo: DemoFiles) -> None:
    compiled = ov.Core().compile_model(demo.model, "CPU")
    paths = sorted(demo.validation.glob("*/*.jpg"))
    answers = [compiled(read_image(path))["logits"].argmax() for path in paths]
    right = np.mean([answer == int(path.parent.name[:4]) for answer, path in zip(answers, paths, strict=True)])
    assert len(paths) == 120
    assert right > 0.5  # a guess is right once in a thousand


def test_what_is_there_is_used_again_without_a_word(demo: DemoFiles, packages: Path) -> None:
    said: list[str] = []
    assert prepare(demo.calibration.parent, 120, said.append, packages) == demo
    assert said == []


def test_no_scenes_at_all_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="scenes: 0"):
        prepare(tmp_path / "demo", scenes=0)
    assert not (tmp_path / "demo").exists()


def test_calibration_and_validation_share_no_wallpaper(demo: DemoFiles, packages: Path) -> None:
    one, other = (
        read_materials("imagenet", packages / STAMPS, (packages / WALLPAPERS,), part)
        for part in ("calibration", "validation")
    )
    assert not set(one.wallpapers) & set(other.wallpapers)


def test_all_cut_outs_with_boxes_are_found(demo: DemoFiles, packages: Path) -> None:
    materials = read_materials("coco", packages / STAMPS, (packages / WALLPAPERS,), "validation")
    assert len(materials.stamps) == 66


def read_image(path: Path) -> np.ndarray:
    pixels = np.asarray(Image.open(path).resize((224, 224), Image.Resampling.BICUBIC), np.float32)
    return ((pixels - 127) / 128).transpose(2, 0, 1)[None]
