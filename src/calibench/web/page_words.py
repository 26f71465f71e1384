"""Sentences of the calibration in the words of the pages: where one names an option of the command line, a page names
the field that does the same.
"""

import re
import shlex
from collections.abc import Callable, Mapping

from nicegui import ui

from calibench.things.kept import Failure
from calibench.web.accuracy_form import INPUT_FIELDS, MORE_FIELDS, TASK_FIELDS
from calibench.web.optimize_form import EXTRAS
from calibench.web.target_fields import TITLES as TARGET_TITLES
from calibench.web.words import note

FIELDS = {each.name: each.title for each in (*EXTRAS, *INPUT_FIELDS, *TASK_FIELDS, *MORE_FIELDS)}
"""Setting -> what its field says."""
MAX_DROP = "Maximum accuracy drop"
"""A field of Optimize INT8 that has the unit of the metric in its name, too."""

_TITLES = {
    **{"--size": FIELDS["inputs.size"], "--resize": FIELDS["inputs.resize"], "--color": FIELDS["inputs.color"]},
    **{"--mean": FIELDS["inputs.mean"], "--scale": FIELDS["inputs.scale"], "--layout": FIELDS["inputs.layout"]},
    **{"--pad": FIELDS["inputs.pad"], "--task": FIELDS["task.kind"], "--decoder": FIELDS["task.decoder"]},
    **{"--label-offset": FIELDS["task.label_offset"], "--metric": FIELDS["metric"]},
    **{"--ignore-name": FIELDS["ignored.names"], "--ignore-type": FIELDS["ignored.types"]},
    **{"--ignore-pattern": FIELDS["ignored.patterns"], "--overflow-guard": FIELDS["overflow_guard"]},
    **{"--subset-by": FIELDS["subset_by"], "--subset": "Subset size", "--holdout": FIELDS["accuracy.holdout"]},
    **{"--max-trials": FIELDS["accuracy.max_trials"], "--time-budget": FIELDS["accuracy.time_budget_s"]},
    **{"--max-drop": MAX_DROP, "--max-class-drop": FIELDS["accuracy.max_class_drop"]},
    **{"--preset": "Calibration scheme", "--method": "Optimization method", "--batch": "Batches"},
}
_AS_YAML = {
    **{"--limit": "accuracy.limits", "--label-free": "accuracy.label_free", "--timings": "accuracy.timings"},
    **{"--labels": "data.labels", "--split": "data.split", "--format": "data.format", "--tokenizer": "data.tokenizer"},
}
"""Options whose setting has no field of its own."""
OPTIONS: Mapping[str, str] = {
    **{option: f"“{title}”" for option, title in _TITLES.items()},
    **{option: f"“{name}” in the YAML of the settings" for option, name in _AS_YAML.items()},
    **TARGET_TITLES,
    **{"--validation": "another dataset of the project", "--dataset": "dataset"},
}
"""Option -> the field, wherever no phrase below says it better."""

_NAME = r"(?P<name>(?:'[^']*'|\"[^\"]*\"|[^\s'\",])+?)(?=[.,]?(?:\s|$))"
_LARGER = "a larger dataset, in a new project"
_IGNORED = f"“{FIELDS['ignored.names']}” in the advanced settings"


def _kept_in_float(found: re.Match[str]) -> str:
    try:
        name = " ".join(shlex.split(found["name"]))
    except ValueError:
        name = found["name"]
    return f"{name} under {_IGNORED}"


_CHANGE = "on the page of the target, under Change"
PHRASES: tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...] = (
    (r"name another program: --python (\S+[^\s.])", rf"name another program {_CHANGE}: \1"),
    (r"([Ii]t): calibench target add asks, or takes --host-key", r"\1 on the page of the target"),
    (r"with calibench target change --host-key", "on the page of the target"),
    (r"calibench target change NAME --(?:queue|node-type) (\S+)", rf"\1, {_CHANGE}"),
    (r": calibench target change NAME --reset node-type", f" {_CHANGE}"),
    (r"Name the key file with --key", f"Name the private key file {_CHANGE}"),
    (r"run `target clean`", "clean the target on its page"),
    (r"\(calibench target clean\)", "(Clean on the page of the target)"),
    (r"(?:with )?calibench target clean", "Clean on the page of the target"),
    (r"\(--mean, --scale, --color\)", "(Mean, Scale and Colour order in the accuracy settings)"),
    (r"--method accuracy-aware --max-drop (\d+(?:\.\d+)?)",
     r"the method AccuracyAware with a maximum accuracy drop of \1"),
    (r"--preset mixed", "the scheme Mixed"),
    (r"in float with --ignore-name " + _NAME, lambda found: f"in float: {_kept_in_float(found)}"),
    (r": --ignore-name NAME\b", f": {_IGNORED}"),
    (r"--ignore-name " + _NAME, _kept_in_float),
    (r"take --ignore-name, --ignore-type or --ignore-pattern away",
     f"take away what stands under {_IGNORED}"),
    (r"Give more samples with --validation DIR", f"Give more samples: {_LARGER}"),
    (r"--validation DIR", _LARGER),
    (r": --holdout DIR", f": “{FIELDS['accuracy.holdout']}” in the advanced settings"),
    (r"Go on with --resume and a larger --time-budget or --max-trials",
     f"Calibrate again with a larger “{FIELDS['accuracy.time_budget_s']}” or “{FIELDS['accuracy.max_trials']}”"),
    (r"allow what was found: --max-drop (\d+(?:\.\d+)?)", r"allow what was found: a maximum accuracy drop of \1"),
    (r"a smaller --max-drop", "a smaller maximum accuracy drop"),
    (r"judge by --metric agreement", "judge by the metric agreement of the accuracy settings"),
    (r"run larger batches: --batch 8", "run larger batches: “Measure more points” shows their speed"),
    (r"--overflow-guard off", f"“{FIELDS['overflow_guard']}” off in the advanced settings"),
    (r"--inference-precision f32", f"“{FIELDS['inference_precision']}” f32 in the advanced settings"),
    (r"\(calibench doctor shows it\)", "(see Targets)"),
    (r"calibench pick takes another point of it", "the slider takes another point of it"),
    (r"no --mean, no --scale", "no mean, no scale"),
)  # fmt: skip
"""What the rules say -> what a person can do in the pages; the first that fits."""

_OPTION = re.compile(r"(?<![\w-])--[a-z]+(?:-[a-z]+)*")


def in_page(sentence: str) -> str:
    """A sentence with the fields of the pages in place of options; what no page can do stays as it is."""
    if "--" not in sentence and "calibench " not in sentence and "`" not in sentence:
        return sentence
    for pattern, words in PHRASES:
        sentence = re.sub(pattern, words, sentence)
    return _OPTION.sub(_field, sentence)


def _field(found: re.Match[str]) -> str:
    return OPTIONS.get(found[0], found[0])


def failure(what: Failure) -> ui.element:
    """A note why something ended without a result."""
    return note(in_page(what.message), "bad", "error")
