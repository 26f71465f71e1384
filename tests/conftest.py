"""What all tests share: hypothesis without a stop-watch, and no tests for root where nobody is root."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# A loaded machine is no fault of the code. In CI the examples are the same in every run: a failure there can be had
# again; new ones are found at home.
settings.register_profile("home", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "home")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs root, for whoever calls pytest directly; `make test` leaves it out with one line."""
    if os.geteuid() == 0:
        return
    for item in items:
        if item.get_closest_marker("root"):
            item.add_marker(pytest.mark.skip(reason="needs root"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Iterator[None]:
    """Reports travel between processes as UTF-8; what a test logged of names that are no text is written out."""
    report: pytest.TestReport = yield
    report.sections = [(name, text.encode(errors="backslashreplace").decode()) for name, text in report.sections]
    return report


@pytest.fixture(scope="session")
def packages() -> Path:
    """The folder of unpacked packages; kept from one run to the next."""
    default = Path(__file__).parents[1] / ".cache/tests"
    return Path(os.environ.get("CALIBENCH_TEST_CACHE", default)) / "packages"
