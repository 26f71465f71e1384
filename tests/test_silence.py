"""Nothing is told to anybody."""

import os
import subprocess
import sys

PROGRAM = """
import calibench.inference.runner
import openvino
import sys
assert sys.modules["openvino_telemetry"] is None
from openvino.tools import ovc
assert ovc.telemetry.__class__.__module__.endswith("telemetry_stub"), ovc.telemetry.__class__
"""


def test_openvino_neither_calls_its_makers_nor_leaves_anything_in_the_home(tmp_path):
    subprocess.run([sys.executable, "-c", PROGRAM], check=True, env=os.environ | {"HOME": str(tmp_path)})
    assert not (tmp_path / "intel").exists()
