"""What every answer tells the browser not to do."""

from collections.abc import Iterable

Header = tuple[bytes, bytes]

PAGES = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
"""For pages. Vue compiles its templates in the browser, which is what 'unsafe-eval' is for; nothing comes from another
host, and nothing goes to one."""

FOREIGN_PAGE = (
    "sandbox allow-scripts allow-downloads; default-src 'none'; script-src 'unsafe-inline'; "
    "style-src 'unsafe-inline'; img-src data: blob:; font-src data:"
)
"""For a file that a job wrote, such as report.html: names of layers and classes in it come from anybody's model, so it
may draw itself and nothing else: no cookie, no request."""

DATA = "default-src 'none'; frame-ancestors 'none'"
"""For answers that are no pages."""

ALWAYS = {
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"referrer-policy": b"no-referrer",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
}


def secured(headers: Iterable[Header], is_data: bool) -> list[Header]:
    """The headers of an answer with ours; what the answer says itself stays.

    Args:
        is_data: an answer of the REST API, which is neither shown as a page nor kept by the browser.
    """
    kept = list(headers)
    names = {name.lower() for name, _ in kept}
    own = {**ALWAYS, b"content-security-policy": (DATA if is_data else PAGES).encode()}
    if is_data:
        own[b"cache-control"] = b"no-store"
    return [*kept, *((name, value) for name, value in own.items() if name not in names)]
