"""The page for an address that none of ours has."""

from typing import TYPE_CHECKING

from fastapi import Request, Response
from fastapi.exception_handlers import http_exception_handler, request_validation_exception_handler
from fastapi.exceptions import RequestValidationError
from nicegui import app, ui
from nicegui.client import Client
from starlette.exceptions import HTTPException

from calibench.web.page_frame import frame
from calibench.web.words import text

if TYPE_CHECKING:
    from calibench.workbench.door import Workbench


def register(workbench: "Workbench") -> None:
    """Every path without a page."""

    @app.exception_handler(404)
    async def not_found(request: Request, error: Exception) -> Response:
        endpoint = request.scope.get("endpoint")
        if endpoint not in (None, app) and isinstance(error, HTTPException):
            return await http_exception_handler(request, error)  # a file or part of a page, not a page
        return page(request)

    @app.exception_handler(RequestValidationError)
    async def no_number(request: Request, error: Exception) -> Response:
        """An address of ours with words where a number belongs."""
        if request.url.path.startswith("/_nicegui") and isinstance(error, RequestValidationError):
            return await request_validation_exception_handler(request, error)
        return page(request)

    def page(request: Request) -> Response:
        with Client(ui.page(""), request=request) as client:
            with frame(workbench, "Not there"):
                text("There is no such page", "h1")
                text(request.url.path, "p").classes("quiet name")
                ui.link("To the projects", "/")
            return client.build_response(request, 404)
