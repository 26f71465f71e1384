"""The REST API: routers under /api/v1, errors, the description in OpenAPI, and the page that shows it offline."""

from typing import Any

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Receive, Scope, Send

from calibench.api import (
    dataset_routes,
    job_routes,
    model_routes,
    project_routes,
    result_routes,
    server_routes,
    target_routes,
    upload_routes,
)
from calibench.api.described_api import describe
from calibench.api.error_answers import add_error_answers

ROUTERS = (
    server_routes.router,
    model_routes.router,
    dataset_routes.router,
    upload_routes.router,
    target_routes.router,
    target_routes.host_keys,
    project_routes.router,
    result_routes.router,
    job_routes.router,
)
PREFIX = "/api/v1"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def make_api(**more: Any) -> FastAPI:
    """An application with the API on it and nothing else; `app.state.workbench` must be set before it is called."""
    from fastapi_offline import FastAPIOffline

    app = FastAPIOffline(
        docs_url="/api/docs",
        redoc_url=None,
        static_url="/api/docs-files",
        openapi_url="/api/openapi.json",
        swagger_ui_oauth2_redirect_url="/api/docs/oauth2-redirect",
        title="Calibench",
        version="v1",
        generate_unique_id_function=lambda route: route.name,
        **more,
    )
    for router in ROUTERS:
        app.include_router(router, prefix=PREFIX)
    add_error_answers(app)
    _answer_the_rest(app)
    describe(app)
    return app


def _answer_the_rest(app: FastAPI) -> None:
    """What no route takes: an error of ours, where the pages that are mounted later would answer with a page."""
    known = list(app.router.routes)
    app.router.routes.append(Route("/api/{path:path}", _Unknown(known), include_in_schema=False))


class _Unknown:
    """Answers what no route takes, whatever the method."""

    def __init__(self, known: list[BaseRoute]) -> None:
        self._known = known

    async def __call__(self, scope: Scope, _receive: Receive, _send: Send) -> None:
        taken = [method for method in METHODS if self._takes(scope, method)]
        if taken:
            raise HTTPException(405, headers={"Allow": ", ".join(taken)})
        raise HTTPException(404)

    def _takes(self, scope: Scope, method: str) -> bool:
        asked = {**scope, "method": method}
        return any(route.matches(asked)[0] is Match.FULL for route in self._known)
