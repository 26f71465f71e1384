"""What routes take: the Workbench, ids, and the part of a list."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, TypeVar

from fastapi import Depends, Path, Query, Request, Response
from pydantic import AfterValidator

from calibench.workbench.door import Workbench

Thing = TypeVar("Thing")

LARGEST_ID = 2**31 - 1
"""What a key of PostgreSQL holds."""


def _workbench(request: Request) -> Workbench:
    found: Workbench = request.app.state.workbench
    return found


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("a text holds no NUL")
    return text


Door = Annotated[Workbench, Depends(_workbench)]
Id = Annotated[int, Path(ge=1, le=LARGEST_ID, description="number of the thing, from its list", examples=[1])]
IdQuery = Annotated[int, Query(ge=1, le=LARGEST_ID, examples=[1])]
Leave = Annotated[
    bool,
    Query(
        description="delete it also where jobs left something on a target that does not answer; without that, it is "
        "refused (409) then"
    ),
]
Text = Annotated[str, AfterValidator(_without_nul)]


@dataclass(frozen=True)
class Page:
    """Which part of a list is wanted."""

    limit: int
    offset: int
    search: str

    def cut(self, things: Sequence[Thing], response: Response) -> list[Thing]:
        """The wanted part of a whole list; how long the whole is goes into a header."""
        return self.told(list(things[self.offset : self.offset + self.limit]), len(things), response)

    def told(self, part: Sequence[Thing], total: int, response: Response) -> list[Thing]:
        """A part that was cut already, with the length of the whole."""
        response.headers["X-Total-Count"] = str(total)
        return list(part)


def _page(
    limit: Annotated[int, Query(ge=1, le=1000, description="things at most")] = 100,
    offset: Annotated[int, Query(ge=0, le=LARGEST_ID, description="things left out at the start")] = 0,
    search: Annotated[Text, Query(max_length=200, description="part of the name")] = "",
) -> Page:
    return Page(limit, offset, search)


def _stretch(
    limit: Annotated[int, Query(ge=1, le=1000, description="things at most")] = 100,
    offset: Annotated[int, Query(ge=0, le=LARGEST_ID, description="things left out at the start")] = 0,
) -> Page:
    return Page(limit, offset, "")


Listed = Annotated[Page, Depends(_page)]
Stretch = Annotated[Page, Depends(_stretch)]
