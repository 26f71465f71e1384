"""The server watches jobs; what it needs for that brings nothing heavy."""

import subprocess
import sys

HEAVY = ("openvino", "numpy", "cv2", "datumaro", "PIL", "plotly")


def test_what_the_server_needs_of_targets_is_light() -> None:
    code = (
        "import sys; import calibench.targets.bundle, calibench.targets.bundle_files, calibench.targets.local_process, "
        f"calibench.targets.overall; print([name for name in {HEAVY} if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
