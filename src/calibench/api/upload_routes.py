"""/uploads: files on their way to the server, streamed to its disk.

Either in steps, which can go on after a break: POST, PUT with `offset` as often as needed, POST .../finish. Or at once:
POST /uploads/raw with the file as the body.
"""

from typing import Annotated
from urllib.parse import unquote

from fastapi import APIRouter, Header, Path, Query, Request, Response
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.convertors import Convertor, register_url_convertor

from calibench.api.checked_json import CheckedRoute
from calibench.api.parameters import Door, Stretch, Text
from calibench.errors import SettingsError
from calibench.settings import Frozen
from calibench.things.asked import Whole
from calibench.things.kept import Upload

LARGEST_FILE = 2**53 - 1
NAME_BYTES = 1000
"""Of a file's name as it is sent; the Workbench shortens it to what a disk takes."""


class _IdConvertor(Convertor[str]):
    """An id in a path, which tells `/uploads/raw` from `/uploads/{id}`."""

    regex = "[0-9a-f]{16}"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("upload_id", _IdConvertor())
router = APIRouter(prefix="/uploads", tags=["uploads"], route_class=CheckedRoute)
UploadId = Annotated[str, Path(description="as the beginning of the upload gave it", examples=["5d41402abc4b2a76"])]
BINARY = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


class NewUpload(Frozen):
    """Announce a file."""

    name: Text = Field(min_length=1, max_length=NAME_BYTES, description="of the file; its ending says what it is")
    size: Whole | None = Field(None, ge=0, le=LARGEST_FILE, description="bytes; refused at once where there is no room")


@router.post("", summary="Begin an upload", status_code=201)
def begin_upload(door: Door, body: NewUpload, response: Response) -> Upload:
    """Then send the bytes with PUT. At most 1,000 uploads are there at a time (409)."""
    upload = door.uploads.begin(body.name, body.size)
    response.headers["Location"] = f"/api/v1/uploads/{upload.id}"
    return upload


@router.get("", summary="List uploads")
def list_uploads(door: Door, page: Stretch, response: Response) -> list[Upload]:
    """Files that were sent and are not imported yet, whole or not; what is left alone for a day is removed."""
    return page.cut(door.uploads.all(), response)


@router.get("/{id:upload_id}", summary="Show an upload")
def show_upload(door: Door, id: UploadId) -> Upload:
    """How much is there: `received` is the offset to go on from after a break."""
    return door.uploads.get(id)


@router.put("/{id:upload_id}", summary="Send bytes", openapi_extra=BINARY)
async def send_upload(
    door: Door,
    id: UploadId,
    request: Request,
    offset: Annotated[int, Query(ge=0, le=LARGEST_FILE, description="bytes that are there already")] = 0,
) -> Upload:
    """The body is the file from `offset` on, all of it or a part; refused (409) where `offset` is not `received`.

    When nothing comes for 30 s the line is closed, and another one may go on.
    """
    return await door.uploads.write(id, offset, request.stream())


@router.post("/{id:upload_id}/finish", summary="End an upload")
def finish_upload(door: Door, id: UploadId) -> Upload:
    """The file is whole: it gets its hash and can be imported."""
    return door.uploads.finish(id)


@router.delete("/{id:upload_id}", summary="Delete an upload", status_code=204)
def delete_upload(door: Door, id: UploadId) -> None:
    """Removes what was sent; what was imported from it stays."""
    door.uploads.delete(id)


@router.post("/raw", summary="Upload a file at once", status_code=201, openapi_extra=BINARY)
async def upload_raw(
    door: Door,
    request: Request,
    name: Annotated[Text | None, Query(max_length=NAME_BYTES, description="of the file")] = None,
    x_file_name: Annotated[
        str | None,
        Header(max_length=3 * NAME_BYTES, description="the same, percent-encoded, for who cannot set `name`"),
    ] = None,
) -> Upload:
    """The body is the file. When the connection breaks, what was sent is removed."""
    called = name or unquote(x_file_name or "")
    if not called or "\0" in called:
        raise SettingsError("name: is missing. Say how the file is called, such as ?name=model.onnx.")
    upload = await run_in_threadpool(door.uploads.begin, called, _announced(request))
    is_whole = False
    try:
        await door.uploads.write(upload.id, 0, request.stream())
        upload = await run_in_threadpool(door.uploads.finish, upload.id)
        is_whole = True
    finally:
        if not is_whole:
            await run_in_threadpool(door.uploads.delete, upload.id)
    return upload


def _announced(request: Request) -> int | None:
    """Bytes that the sender says it sends."""
    length = request.headers.get("content-length", "")
    return int(length) if length.isascii() and length.isdecimal() and len(length) < 16 else None
