"""Two projects of one family side by side: what changed, number by number and layer by layer."""

from collections.abc import Iterator, Mapping
from typing import Any

from calibench.errors import SettingsError
from calibench.settings import InputSettings, Settings, make_settings
from calibench.things.kept import Project
from calibench.workbench.accuracy_settings import SECTIONS
from calibench.workbench.compared_side import Side, numbers, side_of
from calibench.workbench.projects import Projects
from calibench.workbench.ran_layers import precision_shares

Plain = dict[str, Any]

OF_BASELINE = (*SECTIONS, "device", "batch", "threads", "inference_precision", "weights", "diagnose")
"""Settings that a model has which is run as it is, too."""


def compare_projects(projects: Projects, a: int, b: int) -> Plain:
    """Both projects, the numbers that differ, the layers by name, the points of both, the settings that differ.

    They are of one FP32 model and one dataset; the targets, and devices, may differ, and `notes` say so.

    `differences` are rows of what, unit, a, b, difference (b - a), percent (of a) and better ("a", "b", or None).
    An FP32 project beside an INT8 one has the numbers that were taken in the same run as those of INT8, on the same
    samples; `notes` say so.

    Raises:
        NotThere: one of them is not there.
        SettingsError: they are one and the same, or of two families.
    """
    if a == b:
        raise SettingsError("A project was compared with itself. Choose another one of its family.")
    first, second = projects.get(a), projects.get(b)
    if not _are_comparable(projects, first, second):
        raise SettingsError(
            f"{first.name} and {second.name} are of two families. Compare projects of one FP32 model and dataset."
        )
    sides = side_of(projects, first, second), side_of(projects, second, first)
    points_up = all(side.points_up for side in sides)  # only reports of INT8 say it
    return {
        "a": first.model_dump(mode="json"),
        "b": second.model_dump(mode="json"),
        "differences": differences(*(numbers(side, points_up) for side in sides)),
        "layers": side_by_side(*(side.layers for side in sides)),
        "precisions": {name: precision_shares(side.ran) for name, side in zip("ab", sides, strict=True)},
        "points": {"a": projects.points(a), "b": projects.points(b)},
        "settings": changed_settings(first, second),
        "notes": [*_notes(sides), *_places(projects, first, second)],
    }


def compare_partner(projects: Projects, id: int) -> int | None:
    """With what a project is compared where nobody says: the FP32 project of an INT8 one; of that the INT8 project
    with the highest throughput, the newest where none was measured. None: there is nothing to compare with.
    """
    project = projects.get(id)
    if project.parent_id is not None:
        return project.parent_id
    children = [each for each in projects.family(id)[1:] if each.result is not None]
    return max(children, key=lambda each: (each.headline.int8_fps or 0.0, each.id)).id if children else None


def differences(a: Mapping[str, Plain], b: Mapping[str, Plain]) -> list[Plain]:
    """Rows for the numbers that either of the two has."""
    found = []
    for name in dict.fromkeys((*a, *b)):
        left, right = a.get(name), b.get(name)
        row = left or right or {}
        x, y = (each["value"] if each else None for each in (left, right))
        change = y - x if x is not None and y is not None else None
        found.append(
            {
                **{"what": row["what"], "unit": row["unit"], "a": x, "b": y, "difference": change},
                "percent": 100 * change / x if change is not None and x else None,
                "better": None if not change else "b" if (change > 0) == row["higher_is_better"] else "a",
            }
        )
    return found


def side_by_side(a: list[Plain], b: list[Plain]) -> list[Plain]:
    """Layers by name, in the order of `b` with those that only `a` has in their places.

    Each has name, type, a_ms, b_ms, difference_ms, a_precision, b_precision, a_output, b_output, in_a and in_b (whether
    the layer ran there), and is_changed (another precision, or in one of them only). A layer is found by its name in
    the model too: fusing gives it another name in the runtime.
    """
    left = _by_names(a)
    rows: list[tuple[str | None, Plain]] = []  # with the name that the layer has in `a`
    used: set[str] = set()
    for layer in b:
        same = next((left[name] for name in _names(layer) if name in left and left[name]["name"] not in used), None)
        if same is not None:
            used.add(same["name"])
        rows.append((same["name"] if same else None, _pair(same, layer)))
    before: set[str] = set()
    for layer in a:
        if layer["name"] not in used:
            rows.insert(_place(rows, before), (layer["name"], _pair(layer, None)))
        before.add(layer["name"])
    return [row for _, row in rows]


def changed_settings(a: Project, b: Project) -> list[Plain]:
    """Settings in which two projects differ, by their dotted names.

    An FP32 project has those of its baseline, which say how samples enter and answers are read: what only a calibration
    has, such as the method, is None there.
    """
    known = _flat({**Settings().model_dump(mode="json"), "inputs": {"": InputSettings().model_dump(mode="json")}})
    left, right = (
        _flat(make_settings(each.settings).model_dump(mode="json", exclude_defaults=True)) for each in (a, b)
    )

    def value(project: Project, own: Plain, name: str) -> Any:
        return own.get(name, known.get(name)) if project.parent_id or name.partition(".")[0] in OF_BASELINE else None

    rows = [(name, value(a, left, name), value(b, right, name)) for name in {**left, **right}]
    return [{"name": name, "a": x, "b": y} for name, x, y in rows if x != y]


def _pair(a: Plain | None, b: Plain | None) -> Plain:
    row = b or a or {}
    a_ms, b_ms = (_time(each) for each in (a, b))
    ran = [each is not None and bool(each.get("ran", True)) for each in (a, b)]
    precisions = [(each or {}).get("runtime_precision") or None for each in (a, b)]
    return {
        **{"name": row.get("layer") or row["name"], "type": row["type"], "a_ms": a_ms, "b_ms": b_ms},
        "difference_ms": b_ms - a_ms if a_ms is not None and b_ms is not None else None,
        **{"a_precision": precisions[0], "b_precision": precisions[1]},
        **{"a_output": (a or {}).get("output_precisions"), "b_output": (b or {}).get("output_precisions")},
        **{"in_a": ran[0], "in_b": ran[1]},
        "is_changed": ran[0] != ran[1] or precisions[0] != precisions[1],
    }


def _time(layer: Plain | None) -> float | None:
    """In the model of the project: of a baseline the default precision, which is what would be deployed."""
    if layer is None:
        return None
    time: float | None = layer.get("default_ms") if layer.get("default_ms") is not None else layer.get("time_ms")
    return time


def _names(layer: Plain) -> tuple[str, ...]:
    own = (layer["layer"],) if layer.get("layer") else ()
    return (layer["name"], *own, *layer.get("originals", ()))


def _by_names(layers: list[Plain]) -> dict[str, Plain]:
    """By every name; the layer's own goes first."""
    others = {name: layer for layer in layers for name in _names(layer)[1:]}
    return others | {layer["name"]: layer for layer in layers}


def _place(rows: list[tuple[str | None, Plain]], before: set[str]) -> int:
    """Behind the last row of a layer that stands before it."""
    return 1 + max((place for place, (name, _) in enumerate(rows) if name in before), default=-1)


def _are_comparable(projects: Projects, a: Project, b: Project) -> bool:
    """Of one family, or of families that differ in target and device only."""
    roots = [projects.family(each.id)[0] for each in (a, b)]
    return roots[0].id == roots[1].id or len({(root.model_id, root.dataset_id) for root in roots}) == 1


def _places(projects: Projects, a: Project, b: Project) -> Iterator[str]:
    """Where each was measured, where that is not the same."""
    if (a.target_id, a.device) != (b.target_id, b.device):
        sides = (f"{name} on {projects.target(each.id).name}, {each.device}" for name, each in (("A", a), ("B", b)))
        yield f"They were measured on different machines or devices: {'; '.join(sides)}."


def _notes(sides: tuple[Side, Side]) -> Iterator[str]:
    for side in sides:
        if side.is_beside:
            yield (
                f"{side.project.name} has the numbers that were measured beside INT8: in the same run, on the same "
                f"{side.headline.evaluated} samples."
            )
    if sides[0].headline.evaluated != sides[1].headline.evaluated:
        yield "The scores are of different samples: differences of accuracy are not only those of the models."


def _flat(values: Mapping[str, Any], begin: str = "") -> Plain:
    """By dotted names; the settings for every input, whose name is empty, without it."""
    found: Plain = {}
    for name, value in values.items():
        if isinstance(value, dict):
            found |= _flat(value, f"{begin}{name}." if name else begin)
        else:
            found[f"{begin}{name}"] = value
    return found
