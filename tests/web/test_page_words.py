"""What a page says where the calibration names an option of the command line."""

import ast
import re
from pathlib import Path

import pytest

pytest.importorskip("nicegui", reason="needs the extra serve")

import calibench
from calibench.web.page_words import in_page

RULES = ("accuracy_rules", "search_rules", "time_rules", "option_words")
OPTION = re.compile(r"(?<![\w-])--[a-z]")


def said_by(name: str) -> list[str]:
    """The texts of a module with the rules of advice, without docstrings."""
    path = Path(calibench.__file__).parent / "reports" / f"{name}.py"
    tree = ast.parse(path.read_text(encoding="utf-8"))
    words = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return [node.value for node in words if id(node) not in docs]


@pytest.mark.parametrize("name", RULES)
def test_every_option_that_advice_can_name_has_its_place_in_the_pages(name: str) -> None:
    said = [each for each in said_by(name) if OPTION.search(each) or "calibench " in each]
    assert said
    assert [each for each in said if OPTION.search(in_page(each)) or "calibench " in in_page(each)] == []


@pytest.mark.parametrize(
    ("sentence", "words"),
    [
        ("Check the input settings first (--mean, --scale, --color). Then give more samples, try --preset mixed.",
         "Check the input settings first (Mean, Scale and Colour order in the accuracy settings). Then give more "
         "samples, try the scheme Mixed."),
        ("To win it back, --method accuracy-aware --max-drop 0.5 mends what it can.",
         "To win it back, the method AccuracyAware with a maximum accuracy drop of 0.5 mends what it can."),
        ("Or calibrate with more samples, or keep the first in float with --ignore-name 'block 1/conv'.",
         "Or calibrate with more samples, or keep the first in float: block 1/conv under “Layers to keep in float” in "
         "the advanced settings."),
        ("Leave them in float, so that they need no conversion: --ignore-name features.0.",
         "Leave them in float, so that they need no conversion: features.0 under “Layers to keep in float” in the "
         "advanced settings."),
        ("About 900 annotated samples would tell it: --validation DIR.",
         "About 900 annotated samples would tell it: a larger dataset, in a new project."),
        ("Calibrate with more samples, or allow what was found: --max-drop 1.20.",
         "Calibrate with more samples, or allow what was found: a maximum accuracy drop of 1.20."),
        ("for one with VNNI, calibrate with --overflow-guard off.",
         "for one with VNNI, calibrate with “Overflow guard” off in the advanced settings."),
        ("Its queues are batch, quick. Choose one: calibench target change NAME --queue batch",
         "Its queues are batch, quick. Choose one: batch, on the page of the target, under Change"),
        ("It tells of no node types. Leave it out: calibench target change NAME --reset node-type",
         "It tells of no node types. Leave it out on the page of the target, under Change"),
        ("before you confirm the new key with calibench target change --host-key.",
         "before you confirm the new key on the page of the target."),
        ("colour order: --color bgr", "colour order: “Colour order” bgr"),
        ("Reorders take 14 % of the time.", "Reorders take 14 % of the time."),
    ],
)  # fmt: skip
def test_a_page_names_what_a_person_can_do_there(sentence: str, words: str) -> None:
    assert in_page(sentence) == words


def test_a_name_that_looks_like_an_option_stays_as_it_is() -> None:
    assert in_page("my--scale.onnx: is empty. Use --no-such.") == "my--scale.onnx: is empty. Use --no-such."
