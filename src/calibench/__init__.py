"""Calibench: FP32 models to INT8 for OpenVINO, with a known accuracy drop and the reasons.

The public names load on first use, so that `calibench --help` answers at once.
"""

import sys
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# `import openvino` would tell its makers over the network that it was imported, and leave a number in ~/intel. Where
# openvino-telemetry cannot be imported it does neither; whoever imported OpenVINO before us has decided already.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]

if TYPE_CHECKING:
    from calibench.caffe_tool.calibrator import calibrate_caffe as calibrate_caffe
    from calibench.caffe_tool.job import CaffeJob as CaffeJob
    from calibench.client.client import Client as Client
    from calibench.comparison import compare_models as compare_models
    from calibench.datasets.dataset import Arrays as Arrays
    from calibench.pipeline import benchmark as benchmark
    from calibench.pipeline import calibrate as calibrate
    from calibench.pipeline import evaluate as evaluate
    from calibench.pipeline import inspect as inspect
    from calibench.remote.hearing import Hearing as Hearing
    from calibench.remote.remote_caffe import resume_caffe_remote as resume_caffe_remote
    from calibench.remote.remote_target import RemoteTarget as RemoteTarget
    from calibench.remote.remote_target import resume_remote as resume_remote
    from calibench.reports.picking import pick as pick
    from calibench.settings import InputSettings as InputSettings
    from calibench.settings import Settings as Settings

_HOMES = {
    "Arrays": "calibench.datasets.dataset",
    "CaffeJob": "calibench.caffe_tool.job",
    "Client": "calibench.client.client",
    "Hearing": "calibench.remote.hearing",
    "InputSettings": "calibench.settings",
    "RemoteTarget": "calibench.remote.remote_target",
    "Settings": "calibench.settings",
    "benchmark": "calibench.pipeline",
    "calibrate": "calibench.pipeline",
    "calibrate_caffe": "calibench.caffe_tool.calibrator",
    "compare_models": "calibench.comparison",
    "evaluate": "calibench.pipeline",
    "inspect": "calibench.pipeline",
    "pick": "calibench.reports.picking",
    "resume_caffe_remote": "calibench.remote.remote_caffe",
    "resume_remote": "calibench.remote.remote_target",
}

__all__ = [
    "Arrays",
    "CaffeJob",
    "Client",
    "Hearing",
    "InputSettings",
    "RemoteTarget",
    "Settings",
    "benchmark",
    "calibrate",
    "calibrate_caffe",
    "compare_models",
    "evaluate",
    "inspect",
    "pick",
    "resume_caffe_remote",
    "resume_remote",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'calibench' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
