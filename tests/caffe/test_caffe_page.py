"""The page of the Caffe calibrator names every option and every type of layer, and no other."""

import re
from pathlib import Path
from typing import Any

import typer

from calibench.caffe.folding import FOLDABLE
from calibench.caffe.layers.handlers import HANDLERS
from calibench.caffe.stripping import DATA, SCORES, SINKS
from calibench.cli.app import app
from calibench.cli.caffe import MEANT
from calibench.cli.caffe_asked import CHANNELS, STATISTICS
from calibench.datasets.caffe.data_layer import READERS

FOLDER = Path(__file__).parents[2] / "docs/reference"
PAGE = (FOLDER / "caffe.md").read_text(encoding="utf-8")
NAME = re.compile(r"`([^`]+)`")
COMMAND: Any = typer.main.get_command(app)
OPTIONS = {param.name: param.opts for param in COMMAND.commands["caffe"].params}


def section(title: str) -> str:
    """What stands below a heading, up to the next."""
    return re.split(r"^#+ ", PAGE.split(f"# {title}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]


def first_cells(text: str) -> list[str]:
    """The names in the first column of all tables."""
    cells = (line.split("|")[1] for line in text.splitlines() if line.startswith("| "))
    return [name for cell in cells for name in NAME.findall(cell)]


def test_every_option_has_its_place_in_a_table_and_there_is_no_other() -> None:
    named = first_cells(section("Options"))
    assert sorted(named) == sorted(name for names in OPTIONS.values() for name in names)


def test_options_that_mean_nothing_any_more_stand_in_the_table_that_says_why() -> None:
    old = section("Options").split("| Option | Why |", 1)[1]
    told = {*first_cells(old), *OPTIONS["root"]}
    assert told == {name for option in MEANT for name in OPTIONS[option]}


def test_the_values_of_an_option_are_named() -> None:
    named = set(NAME.findall(section("Options")))
    assert {*STATISTICS, *CHANNELS} <= named


def test_the_table_of_types_names_each_type_once() -> None:
    assert sorted(first_cells(section("Layer types"))) == sorted(HANDLERS)


def test_what_is_folded_and_taken_off_is_named() -> None:
    assert set(NAME.findall(section("What is folded"))) == set(FOLDABLE)
    assert sorted(name for name in first_cells(section("What is taken off")) if name != "Loss") == sorted(
        (*DATA, *SCORES, *SINKS)
    )


def test_every_data_layer_that_is_read_is_named_here_and_among_the_datasets() -> None:
    datasets = (FOLDER / "datasets.md").read_text(encoding="utf-8").split("## Caffe data layers\n", 1)[1]
    assert set(READERS) <= set(NAME.findall(section("Data layers")))
    assert set(READERS) == set(first_cells(datasets.split("\n## ", 1)[0]))
