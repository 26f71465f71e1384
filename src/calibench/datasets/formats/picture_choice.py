"""Find the one picture that an annotation names, wherever in the folder it lies."""

from collections.abc import Sequence

from calibench.datasets.formats.picture_names import PictureNames, is_picture, stem_of

Found = tuple[str | None, str]


def find_picture(pictures: PictureNames, wanted: str, folders: Sequence[str] = ()) -> Found:
    """The picture that is meant by a file name or a name without its ending, with or without folders in it.

    Where several pictures have the name, its ending decides, then its folders, as many as agree, then `folders`, the
    first that holds one.

    Returns:
        The relative path, or None; and if None, the reason: "is not there", "may be a.jpg or b/a.jpg".
    """
    parts = [part for part in wanted.strip().replace("\\", "/").split("/") if part not in ("", ".")]
    if not parts:
        return None, "is not there"
    found = pictures.by_base.get(stem_of(parts[-1]), [])
    if len(found) > 1 and is_picture(parts[-1]):
        found = _same_ending(found, parts[-1])
    for start in range(len(parts)):
        if len(found) <= 1:
            break
        found = _ending_with(found, stem_of("/".join(parts[start:]))) or found
    for folder in folders:
        if len(found) <= 1:
            break
        found = [name for name in found if name.rpartition("/")[0] == folder] or found
    if len(found) == 1:
        return found[0], ""
    return None, f"may be {' or '.join(found[:3])}" if found else "is not there"


def _same_ending(found: list[str], wanted: str) -> list[str]:
    ending = wanted.rpartition(".")[2]
    exact = [name for name in found if name.endswith(f".{ending}")]
    return exact or [name for name in found if name.lower().endswith(f".{ending.lower()}")] or found


def _ending_with(found: list[str], tail: str) -> list[str]:
    return [name for name in found if stem_of(name) == tail or stem_of(name).endswith(f"/{tail}")]
