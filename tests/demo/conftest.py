"""Where tests keep what they fetch."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def packages() -> Path:
    """The folder of unpacked packages; kept from one run to the next."""
    default = Path(__file__).parents[2] / ".cache/tests"
    return Path(os.environ.get("CALIBENCH_TEST_CACHE", default)) / "packages"
