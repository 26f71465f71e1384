"""What tests of jobs call."""

from pathlib import Path
from typing import Any

from calibench.targets.bundle_files import read_events

INPUTS = {"inputs": {"": {"color": "gray", "mean": [72.9], "scale": [90.0]}}}
"""Settings under which the network sees the clothes as it should."""


def told(folder: Path, kind: str) -> list[dict[str, Any]]:
    """The events of a type."""
    return [event for event in read_events(folder)[0] if event["type"] == kind]
