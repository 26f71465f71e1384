"""Names that another model or dataset has: said before they are refused, and numbered where one is suggested."""

from collections.abc import Iterable

from calibench.web.opened_project import OpenedProject
from calibench.workbench.calibrations import free_name


def taken_words(name: str | None, opened: OpenedProject) -> str:
    """Why the INT8 model of a calibration cannot have a name; '': it can. A repeated one may keep its own."""
    wanted = (name or "").strip()
    own = opened.project.model_id if opened.is_int8 else None
    taken = {each.name for each in opened.workbench.models.all() if each.id != own}
    return f"There is a model {wanted!r} already. Choose another name." if wanted in taken else ""


def free_from(name: str, taken: Iterable[str]) -> str:
    """A name as it is, or with the next number that is free: 'clothes', 'clothes 2'."""
    return free_name(name, "", set(taken))


def field_and_words(refusal: str, fields: Iterable[str]) -> tuple[str, str]:
    """The field that a refusal begins with, and what is wrong with it; ('', refusal) where it names none."""
    field, _, words = refusal.partition(": ")
    return (field, words[:1].upper() + words[1:]) if words and field in fields else ("", refusal)
