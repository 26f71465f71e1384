"""Hold the sizes that annotations state against some of the pictures: a set may have been resized without its boxes."""

from collections.abc import Callable, Mapping
from pathlib import Path

from calibench.datasets.images import upright_size
from calibench.datasets.listing import Problem
from calibench.errors import DatasetError

LOOKED_AT = 20  # pictures, spread evenly: a look at a header takes 0.1 ms, and 50,000 of them 5 s


def check_sizes(
    folder: Path, stated: Mapping[str, tuple[float, float]], where: Callable[[str], str]
) -> tuple[Problem, ...]:
    """Pictures whose size is another than the annotation says; their boxes are probably wrong.

    Args:
        stated: picture -> height, width.
        where: picture -> what stands before "says 640 x 480, but ...".
    """
    names = sorted(stated)
    problems = []
    for name in names[:: max(1, len(names) // LOOKED_AT)][:LOOKED_AT]:
        try:
            height, width = upright_size(folder / name)
        except DatasetError:
            continue  # reported when all pictures are checked
        if (height, width) != stated[name]:
            said = f"{stated[name][1]:g} x {stated[name][0]:g}"
            what = f"says {said}, but {name} has {width} x {height} pixels: its boxes may be those of another size"
            problems.append(Problem("size that is not that of the picture", where(name), what))
    return tuple(problems)
