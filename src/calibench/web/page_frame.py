"""What stands around every page: the rail, where one is, the search, the theme and the running job."""

import functools
import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from nicegui import app, context, ui

from calibench.errors import CalibenchError
from calibench.store.refused import NotThere
from calibench.web.job_strip import job_strip
from calibench.web.live import follow, gathered
from calibench.web.words import tell as tell
from calibench.web.words import text as text

if TYPE_CHECKING:
    from calibench.workbench.door import Workbench

RAIL = (
    ("Projects", "/", "dashboard"),
    ("Models", "/models", "hub"),
    ("Datasets", "/datasets", "photo_library"),
    ("Targets", "/targets", "memory"),
    ("Jobs", "/jobs", "list_alt"),
)
HELP = (("Help", "/help", "help_outline"), ("API", "/api/docs", "code"))
THEME_COOKIE = "calibench_theme"
SHORT_NAME = 12
"""Letters of a breadcrumb that is never cut."""
ON_A_PHONE = "() => { if (window.innerWidth <= 900) emit(); }"
"""Where the rail lies over the page, Escape closes it."""
HERE = "here"
"""Where a browser's own storage keeps the last of its breadcrumbs."""

Crumbs = Sequence[tuple[str, str]]
"""The way to a page: text and path of each page above it."""


@contextmanager
def frame(workbench: "Workbench", title: str, crumbs: Crumbs = ()) -> Iterator[None]:
    """A page: what stands inside `with` is its content, below a heading with `title`.

    Args:
        crumbs: the pages above this one, such as [("Models", "/models")].
    """
    ui.page_title(f"{title} · Calibench")
    drawer = _rail(workbench)
    _head(workbench, title, crumbs, drawer)
    content = ui.element("div").classes("page")  # inside the <main> of the layout
    ui.skip_link("Skip to content", target=content)
    with content:
        yield


def rename_page(title: str) -> None:
    """What the page shows has got another name, here or elsewhere."""
    here = app.storage.client.get(HERE)
    if here is not None and here.text != title:
        here.set_text(title)
        here.props["title"] = title
        ui.page_title(f"{title} · Calibench")


def page(workbench: "Workbench", path: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """As `ui.page(path)`; what the Workbench refuses while the page is built becomes a page that says so."""

    def decorate(build: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(build)
        def plain(*args: Any, **kwargs: Any) -> Any:
            try:
                return build(*args, **kwargs)
            except CalibenchError as error:
                return _refused(workbench, error)

        @functools.wraps(build)
        async def waiting(*args: Any, **kwargs: Any) -> Any:
            try:
                return await build(*args, **kwargs)
            except CalibenchError as error:
                return _refused(workbench, error)

        return ui.page(path)(waiting if inspect.iscoroutinefunction(build) else plain)

    return decorate


def _refused(workbench: "Workbench", error: CalibenchError) -> None:
    client = context.client
    client.content.clear()
    for child in list(client.layout.default_slot.children):
        if child is not client.page_container:
            child.delete()
    is_missing = isinstance(error, NotThere)
    client.status_code = 404 if is_missing else 409
    with frame(workbench, "Not there" if is_missing else "Not possible"):
        text("This is not here (any more)" if is_missing else "This is not possible", "h1")
        text(str(error), "p")
        ui.link("To the projects", "/")


def _rail(workbench: "Workbench") -> ui.left_drawer:
    here = "/" + context.client.request.url.path.strip("/").partition("/")[0]
    # Closed, and opened by the browser where there is room: NiceGUI's way of asking the browser fails when it leaves.
    drawer = ui.left_drawer(value=False, bordered=True).props("width=196 breakpoint=900 show-if-above").classes("rail")
    drawer.on("keydown.escape", drawer.hide, [], js_handler=ON_A_PHONE)
    with drawer, ui.element("nav").props('aria-label="Main"'):
        ui.link("Calibench", "/").classes("brand")
        for name, path, icon in RAIL:
            is_here = path == here or (path == "/" and here == "/projects")
            with _rail_link(name, path, icon, is_here):
                if name == "Jobs":
                    _badge(workbench)
        ui.separator()
        for name, path, icon in HELP:
            _rail_link(name, path, icon, path == here)
    return drawer


def _rail_link(name: str, path: str, icon: str, is_here: bool) -> ui.link:
    with ui.link(target=path).classes("rail-link") as link:
        ui.icon(icon)
        text(name)
    if is_here:
        link.props('aria-current="page"')
    return link


def _badge(workbench: "Workbench") -> None:
    badge = text("").classes("badge")

    def show() -> None:
        running = len(workbench.jobs.running())
        badge.set_text(str(running))
        badge.props(f'aria-label="{running} running"')
        badge.set_visibility(running > 0)

    show_soon = gathered(show)
    follow(workbench, lambda event: show_soon() if event.change != "progress" else None, "job")
    show()


def _head(workbench: "Workbench", title: str, crumbs: Crumbs, drawer: ui.left_drawer) -> None:
    with ui.header(bordered=True).classes("head"):
        with ui.element("div").classes("head-line"):
            menu = ui.button(icon="menu", on_click=drawer.toggle).classes("menu-button")
            menu.props('flat round dense color=none aria-label="Menu"')
            menu.on("keydown.escape", drawer.hide, [], js_handler=ON_A_PHONE)  # the focus stays on it
            _breadcrumbs(title, crumbs)
            _search()
            _theme_switch()
        job_strip(workbench)


def _breadcrumbs(title: str, crumbs: Crumbs) -> None:
    with ui.element("nav").props('aria-label="Breadcrumbs"').classes("crumbs"), ui.element("ol"):
        for name, path in crumbs:
            with ui.element("li").classes("crumb-above" + (" crumb-short" if len(name) <= SHORT_NAME else "")):
                ui.link(name, path).props["title"] = name
        with ui.element("li").classes("crumb-last"):
            here = text(title).props('aria-current="page"').classes("crumb-here")
            here.props["title"] = title
    app.storage.client[HERE] = here


def _search() -> None:
    field = ui.input(placeholder="Search").props('dense outlined clearable type=search aria-label="Search everything"')
    field.classes("search")
    with field.add_slot("prepend"):
        ui.icon("search").props("size=18px")
    field.on("keydown.enter", lambda: ui.navigate.to(f"/search?words={quote(field.value or '')}"))


def _theme_switch() -> None:
    chosen = context.client.request.cookies.get(THEME_COOKIE)
    theme = ui.dark_mode({"dark": True, "light": False}.get(chosen or ""))

    def switch(is_dark: bool) -> None:
        theme.value = not is_dark
        name = "light" if is_dark else "dark"
        ui.run_javascript(f"document.cookie = '{THEME_COOKIE}={name}; path=/; max-age=31536000; SameSite=Strict'")

    ui.button(icon="contrast").props('flat round dense color=none aria-label="Light or dark"').on(
        "click", lambda event: switch(bool(event.args)), js_handler="() => emit(Quasar.Dark.isActive)"
    ).tooltip("Light or dark")
