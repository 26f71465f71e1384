"""Going to an import and back: the address to come back to travels in the query, with all that was entered there."""

from urllib.parse import parse_qsl, quote, urlencode, urlsplit


def import_address(what: str, back: str, choose: str) -> str:
    """The page that imports a thing and leads back.

    Args:
        what: 'models' or 'datasets'.
        back: path and query of the page to come back to, with its entries in the query.
        choose: the name in that query that takes the id of the new thing.
    """
    return f"/{what}/import?back={quote(back, safe='')}&choose={quote(choose, safe='')}"


def address_with(path: str, **values: object) -> str:
    """A path with a query; what is None or empty is left out."""
    query = urlencode({name: value for name, value in values.items() if value not in (None, "", False)})
    return f"{path}?{query}" if query else path


def return_address(back: str, choose: str, thing_id: int, otherwise: str) -> str:
    """Where to go after an import, with the new thing chosen.

    Args:
        otherwise: the page to go to when `back` names none of ours.
    """
    if not is_own(back):
        return otherwise
    parts = urlsplit(back)
    kept = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name != choose]
    query = urlencode([*kept, *([(choose, str(thing_id))] if choose else [])])
    return f"{parts.path}?{query}" if query else parts.path


def is_own(back: str) -> bool:
    """Does an address lead to one of our own pages, and to no other host?"""
    return back.startswith("/") and not back.startswith(("//", "/\\")) and not any(ord(each) < 32 for each in back)
