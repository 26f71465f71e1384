"""The page of the datasets names every format that there is, and no other."""

import re
from pathlib import Path

import pytest

from calibench.datasets.detect import NO_PICTURES
from calibench.datasets.formats.any_datumaro import PREFIX
from calibench.datasets.formats.format import Format
from calibench.datasets.formats.formats import FORMATS

PAGE = (Path(__file__).parents[2] / "docs/reference/datasets.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `([^`]+)` \| ([^|]+) \| ([^|]+) \| \[[^\]]+\]\(#([\w-]+)\) \|$", re.MULTILINE)
ROWS = {name: (title, anchor) for name, title, _, anchor in ROW.findall(PAGE)}


def anchors() -> set[str]:
    """What the headings can be linked by."""
    headings = re.findall(r"^#+ (.+)$", PAGE, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_table_lists_the_formats_in_the_order_in_which_they_are_tried() -> None:
    assert list(ROWS) == [*(each.name for each in FORMATS), *NO_PICTURES, f"{PREFIX}NAME"]


@pytest.mark.parametrize("each", FORMATS, ids=lambda each: each.name)
def test_a_format_has_its_own_title_and_a_section_that_names_it(each: Format) -> None:
    title, anchor = ROWS[each.name]
    assert title == each.title
    assert anchor in anchors()
    assert f"\n`--format {each.name}`" in PAGE


def test_the_rows_that_are_no_folder_formats_lead_to_a_section() -> None:
    assert {anchor for _, anchor in ROWS.values()} <= anchors()
