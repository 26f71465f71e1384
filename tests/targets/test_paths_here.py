"""A result from elsewhere names the files of this machine."""

import json
from pathlib import Path

from calibench.targets.bundle import Bundle
from calibench.targets.paths_here import name_files_here


def test_paths_there_become_those_here_and_binary_files_stay(tmp_path: Path) -> None:
    there = "/home/me/.cache/calibench/jobs/7"
    said = {
        "model": f"{there}/in/model/net.onnx",
        "dataset": f"{there}/in/dataset/clothes & co/a.png",
        "out": f"{there}/out/model.xml",
        "note": f"found in {there}",
        "mean": f"{there}/in/paths/data/mean.binaryproto",
    }
    (tmp_path / "search").mkdir()
    (tmp_path / "search/run.json").write_text(json.dumps(said))
    (tmp_path / "report.html").write_text(f"<p>{there}/in/dataset/clothes &amp; co")
    (tmp_path / "model.bin").write_bytes(there.encode())
    bundle = Bundle(kind="calibrate", model=Path("/data/net.onnx"), dataset=Path('/da"ta/clothes & co'))
    name_files_here(tmp_path, there, Path("/jobs/3"), bundle)
    assert json.loads((tmp_path / "search/run.json").read_text()) == {
        "model": "/data/net.onnx",
        "dataset": '/da"ta/clothes & co/a.png',
        "out": "/jobs/3/out/model.xml",
        "note": "found in /jobs/3",
        "mean": "/data/mean.binaryproto",
    }
    assert (tmp_path / "report.html").read_text() == "<p>/da&quot;ta/clothes &amp; co"
    assert (tmp_path / "model.bin").read_bytes() == there.encode()
