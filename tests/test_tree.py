"""The documentation says what the tree holds, and the tree keeps its own rules."""

import importlib.util
import re
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
MODULES = sorted((ROOT / "src/calibench").rglob("*.py"))
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)\s]*)?\)")
# `src/calibench/...` as it is, `models/graph.py` as a part of the package
MENTIONED = re.compile(r"`((?:[a-z_]+/)+[a-z0-9_]+\.(?:py|csv|json))`")


def test_generated_pages_are_up_to_date():
    checked = subprocess.run(
        [sys.executable, "-m", "tools.write_reference", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    links = [link for link in LINK.findall(page.read_text()) if not link.startswith(("http:", "https:", "mailto:"))]
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_files_that_a_page_names_are_there(page):
    places = (ROOT, ROOT / "src/calibench", ROOT / "src")
    named = set(MENTIONED.findall(page.read_text()))
    made_by_a_run = {"benchmarks/results/default-ptq.json", "out/report.json"}
    assert [name for name in named - made_by_a_run if not any((place / name).exists() for place in places)] == []


def test_the_start_page_of_the_documentation_links_every_page():
    listed = (ROOT / "docs/README.md").read_text()
    pages = [path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").glob("*/*.md")]
    assert [page for page in pages if not page.startswith("decisions/0") and f"({page})" not in listed] == []


def test_every_picture_of_the_documentation_is_small_and_shown():
    shown = "".join(page.read_text() for page in PAGES)
    pictures = list((ROOT / "docs/images").iterdir())
    assert pictures
    assert [path.name for path in pictures if path.stat().st_size > 300_000 or f"images/{path.name}" not in shown] == []


def test_every_decision_is_in_the_list():
    listed = (ROOT / "docs/decisions/README.md").read_text()
    notes = [note.name for note in (ROOT / "docs/decisions").glob("0*.md")]
    assert notes
    assert [name for name in notes if name not in listed] == []


def test_the_tests_that_the_seeds_name_exist():
    named = re.findall(r"`(tests/[a-z0-9_/]+\.py)::(test_\w+)`", (ROOT / "docs/reference/seeds.md").read_text())
    assert named
    texts = {path: (ROOT / path).read_text() if (ROOT / path).is_file() else "" for path, _ in named}
    assert [f"{path}::{name}" for path, name in named if f"def {name}(" not in texts[path]] == []


def test_every_sentence_of_both_seeds_has_its_row():
    text = (ROOT / "docs/reference/seeds.md").read_text()
    for letter in "AB":
        numbers = [int(number) for number in re.findall(rf"^\| {letter}(\d+) \|", text, re.MULTILINE)]
        assert numbers == list(range(1, len(numbers) + 1))
        assert numbers


def test_the_lock_holds_versions_and_no_addresses():
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    assert [line for line in lines if not re.match(r"[a-z0-9.\-]+==[\w.]+( ;|$)", line) or "://" in line] == []


def test_the_lock_holds_every_dependency_but_torch():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"]]
    for extra, requirements in project["optional-dependencies"].items():
        wanted += requirements if extra != "torch" else []
    names = {re.split(r"[\[<>=~!; ]", requirement)[0].lower() for requirement in wanted}
    locked = {line.split("==")[0] for line in (ROOT / "requirements.lock").read_text().splitlines()}
    assert names <= locked


# the same step for two things; commands are named like what they command
TWICE = {"__init__.py"}


def test_a_file_name_occurs_once_in_the_package():
    names = Counter(path.name for path in MODULES if path.name not in TWICE and path.parent.name != "cli")
    assert [name for name, count in names.items() if count > 1] == []


def test_no_file_has_a_name_that_says_nothing():
    empty = {"utils", "util", "common", "base", "helpers", "misc", "manager"}
    assert [path for path in MODULES if path.stem in empty] == []


def test_every_package_that_code_fetches_has_its_licence_listed():
    listed = (ROOT / "docs/reference/third-party.md").read_text()
    sources = [
        path.read_text() for path in [*ROOT.glob("benchmarks/zoo/**/*.py"), *ROOT.glob("src/calibench/demo/*.py")]
    ]
    fetched = {name for text in sources for name in re.findall(r'"([a-z][\w{}-]+)==[\d.]+"', text)}
    fetched |= {name for text in sources for name in re.findall(r'"(@[\w/-]+)@[\d.]+"', text)}
    fetched |= {name for text in sources for name in re.findall(r'fetch_deb\("([\w-]+)"', text)}
    assert fetched
    assert [name for name in fetched if f"`{name.format(variant='lite0')}`" not in listed] == []


def test_the_base_stays_light():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    heavy = ("torch", "nncf", "tensorflow", "onnxruntime", "opencv", "pandas", "scipy", "nicegui", "fastapi")
    assert [each for each in project["dependencies"] if each.startswith(heavy)] == []


@pytest.fixture
def runner(monkeypatch):
    """`tools/run_tests.py` with one group of tests in a folder of its own."""
    spec = importlib.util.spec_from_file_location("run_tests", ROOT / "tools/run_tests.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "run_tests", module)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("body", "line", "is_good"),
    [
        ("def test_a(): pass", "1 passed, 0 failed in 2.0s", True),
        ("def test_a(): assert 0\ndef test_b(): pass", "1 passed, 1 failed in 2.0s", False),
        ("def test_a(: pass", "0 passed, 0 failed, 1 error in 2.0s", False),
        ("import os\ndef test_a(): os._exit(3)", "0 passed, 0 failed, 2 errors in 2.0s", False),
        ("", "0 passed, 0 failed in 2.0s", False),
    ],
)
def test_the_run_of_tests_ends_with_one_line_of_counts(runner, tmp_path, body, line, is_good):
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers =\n    models\n    packages\n    root\n")
    (tmp_path / "test_it.py").write_text(body)
    counts = runner.run_group("unit", [str(tmp_path), f"--rootdir={tmp_path}"], is_root=False)
    assert (counts.line(2.0), counts.is_good) == (line, is_good)
