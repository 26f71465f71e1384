"""The pages over the fake Workbench: `python tests/web/serve_fake.py [port] [empty|1000]`, to look at and for tests.

Routes below /fake steer it: POST /fake/fill, /fake/job/ID, /fake/event, GET /fake/calls.
Uploads are counted and dropped.
"""

import logging
import sys
import threading
from pathlib import Path
from typing import Any
from urllib.parse import unquote

sys.path.insert(0, str(Path(__file__).parent))

import uvicorn
from fake_workbench import FakeWorkbench
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from calibench.things.kept import Event
from calibench.web.pages import mount


def make_app(bench: FakeWorkbench) -> FastAPI:
    app = FastAPI()

    def in_a_thread(action: Any) -> None:
        thread = threading.Thread(target=action)  # as the worker does: events never come from the server's loop
        thread.start()
        thread.join()

    @app.post("/fake/fill")
    async def fill(is_empty: bool = False, many: int = 0, is_elsewhere: bool = False) -> None:
        bench.fill(is_empty, many, is_elsewhere)

    @app.post("/fake/event")
    async def publish(event: Event) -> None:
        in_a_thread(lambda: bench.hub.publish(event))

    @app.post("/fake/job/{job_id}")
    async def change_job(job_id: int, values: dict[str, Any]) -> None:
        in_a_thread(lambda: bench.jobs.change(job_id, **values))

    @app.get("/fake/jobs")
    async def job_ids() -> list[int]:
        return sorted(bench.jobs.things)

    @app.post("/fake/{kind}/{thing_id}/change")
    async def change_thing(kind: str, thing_id: int, values: dict[str, Any]) -> None:
        in_a_thread(lambda: getattr(bench, kind).change(thing_id, **values))

    @app.get("/fake/calls")
    async def calls() -> list[str]:
        return [repr(call) for call in bench.calls]

    @app.post("/api/v1/uploads/raw", status_code=201)
    async def upload(request: Request) -> Any:
        received = 0
        async for chunk in request.stream():
            received += len(chunk)
        name = unquote(request.headers["x-file-name"])
        if name.startswith("refused"):
            error = {"kind": "SettingsError", "message": f"{name}: the server says no."}
            return JSONResponse({"error": error}, 422)
        return bench.uploads.take(bench.uploads.begin(name, received).id, received).model_dump(mode="json")

    mount(app, bench)  # type: ignore[arg-type]
    return app


def is_fault(record: logging.LogRecord) -> bool:
    """Not that a browser went away in the middle of an answer, which the real server passes over as well."""
    return not (record.exc_info and "No response returned" in str(record.exc_info[1]))


def main() -> None:
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8091
    more = sys.argv[2] if len(sys.argv) > 2 else ""
    bench = FakeWorkbench(is_empty=more == "empty", many=int(more) if more.isdigit() else 0, allowed=(Path("/data"),))
    logging.getLogger("uvicorn.error").addFilter(is_fault)
    uvicorn.run(make_app(bench), host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    main()
