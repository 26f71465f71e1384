"""A table of things: sorted by its headings, a page at a time, cards on a phone. Only what is seen is sent."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from nicegui import ui

from calibench.web import looks
from calibench.web.words import text

PER_PAGE = 25
T = TypeVar("T")


@dataclass(frozen=True)
class Column(Generic[T]):
    """One column.

    Attributes:
        draw: puts the cell's content where it is called, or returns its text.
        key: what rows are sorted by; None: not by this column. Rows without a value (None) stand last, either way.
        is_number: right-aligned.
        is_tight: on one line.
        begins_high: the first click shows the largest first.
    """

    name: str
    draw: Callable[[T], str | None]
    key: Callable[[T], Any] | None = None
    is_number: bool = False
    is_tight: bool = False
    begins_high: bool = False


def in_order(rows: Sequence[T], key: Callable[[T], Any], is_descending: bool) -> list[T]:
    """Rows sorted by a key; those without a value last."""
    valued = [row for row in rows if key(row) is not None]
    return sorted(valued, key=key, reverse=is_descending) + [row for row in rows if key(row) is None]


class Listing(Generic[T]):
    """The table on a page.

    Args:
        columns: from left to right.
        read: the rows, filtered, in the order that holds until a heading is clicked.
        title: says what the table holds, for screen readers.
        empty: said where there are no rows.
    """

    def __init__(
        self, columns: Sequence[Column[T]], read: Callable[[], Sequence[T]], title: str, empty: str = "Nothing here."
    ) -> None:
        self.columns, self.read, self.title, self.empty = columns, read, title, empty
        self.sorted_by: str | None = None
        self.is_descending = False
        self.page = 0
        self.place = ui.element("div").classes("listing-place stack")
        self.refresh()

    def refresh(self) -> None:
        """Read the rows anew and draw the page that is shown."""
        rows = self._sorted(list(self.read()))
        self.page = min(self.page, max(len(rows) - 1, 0) // PER_PAGE)
        first = self.page * PER_PAGE
        self.place.clear()
        with self.place:
            if rows:
                self._table(rows[first : first + PER_PAGE])
                self._pager(len(rows), first)
            else:
                text(self.empty, "p").classes("quiet")

    def restart(self) -> None:
        """As refresh, from the first page: what is shown was filtered otherwise."""
        self.page = 0
        self.refresh()

    def _sorted(self, rows: list[T]) -> list[T]:
        key = next((column.key for column in self.columns if column.name == self.sorted_by), None)
        return in_order(rows, key, self.is_descending) if key else rows

    def _table(self, rows: Sequence[T]) -> None:
        with ui.element("div").classes("listing-frame"), ui.element("table").classes("listing") as table:
            table.props["aria-label"] = self.title
            with ui.element("thead"), ui.element("tr"):
                for column in self.columns:
                    self._heading(column)
            with ui.element("tbody"):
                for row in rows:
                    with ui.element("tr"):
                        for column in self.columns:
                            _cell(column, row)

    def _heading(self, column: Column[T]) -> None:
        with ui.element("th").props("scope=col").classes("number" if column.is_number else "") as heading:
            if column.key is None:
                text(column.name)
                return
            is_sorted = column.name == self.sorted_by
            with text(column.name, "button").props("type=button") as button:
                if is_sorted:
                    ui.icon("arrow_downward" if self.is_descending else "arrow_upward").classes("sort-mark")
            if is_sorted:
                heading.props(f"aria-sort={'descending' if self.is_descending else 'ascending'}")
            button.on("click", lambda: self._sort_by(column))

    def _sort_by(self, column: Column[T]) -> None:
        is_again = self.sorted_by == column.name
        self.is_descending = not self.is_descending if is_again else column.begins_high
        self.sorted_by = column.name
        self.restart()

    def _pager(self, total: int, first: int) -> None:
        if total <= PER_PAGE:
            return
        with ui.element("nav").classes("line").props('aria-label="Pages of the table"'):
            previous = ui.button(icon="chevron_left", on_click=lambda: self._turn(-1))
            text(f"{first + 1:,} to {min(first + PER_PAGE, total):,} of {total:,}").props("role=status")
            next_ = ui.button(icon="chevron_right", on_click=lambda: self._turn(1))
        previous.props('flat round dense color=none aria-label="Previous page"').set_enabled(first > 0)
        next_.props('flat round dense color=none aria-label="Next page"').set_enabled(first + PER_PAGE < total)

    def _turn(self, step: int) -> None:
        self.page += step
        self.refresh()


def _cell(column: Column[T], row: T) -> None:
    shape = " ".join(name for name, is_so in (("number", column.is_number), ("tight", column.is_tight)) if is_so)
    with ui.element("td").classes(shape) as cell:
        cell.props["data-label"] = column.name
        content = column.draw(row)
        if content is not None:
            text(content)
        if content == looks.NOTHING:
            cell.classes("missing")
