"""Uploads: streamed, resumable, hashed, and refused where they would do harm."""

import asyncio
import errno
import hashlib
import os
import shutil
import threading
import time
import tracemalloc
from collections import namedtuple

import pytest

from calibench.errors import JobError, SettingsError
from calibench.store.refused import Conflict, NotThere
from calibench.workbench import uploads as uploads_module
from calibench.workbench.uploads import Uploads

Usage = namedtuple("Usage", "total used free")


async def chunks(*parts):
    for part in parts:
        yield part


async def broken(*parts):
    for part in parts:
        yield part
    raise ConnectionError("gone")


def write(uploads, id, offset, *parts):
    return asyncio.run(uploads.write(id, offset, chunks(*parts)))


def test_a_file_arrives_in_pieces_and_is_whole_at_the_end(bench):
    upload = bench.uploads.begin("net.onnx", 6)
    assert write(bench.uploads, upload.id, 0, b"abc").received == 3
    assert write(bench.uploads, upload.id, 3, b"d", b"ef").received == 6
    whole = bench.uploads.finish(upload.id)
    assert whole.is_whole
    assert whole.sha256 == hashlib.sha256(b"abcdef").hexdigest()
    assert bench.uploads.path(upload.id).read_bytes() == b"abcdef"
    assert bench.uploads.path(upload.id).name == "net.onnx"


def test_a_broken_connection_keeps_what_has_arrived(bench):
    upload = bench.uploads.begin("net.onnx", 6)
    with pytest.raises(ConnectionError):
        asyncio.run(bench.uploads.write(upload.id, 0, broken(b"ab", b"c")))
    assert bench.uploads.get(upload.id).received == 3
    write(bench.uploads, upload.id, 3, b"def")
    assert bench.uploads.finish(upload.id).sha256 == hashlib.sha256(b"abcdef").hexdigest()


def test_an_upload_goes_on_after_a_restart_of_the_server(bench):
    upload = bench.uploads.begin("net.onnx", 6)
    write(bench.uploads, upload.id, 0, b"abc")
    later = Uploads(bench.folder, bench.hub)
    write(later, upload.id, 3, b"def")
    assert later.finish(upload.id).sha256 == hashlib.sha256(b"abcdef").hexdigest()


def test_bytes_at_another_place_are_refused_with_the_right_one(bench):
    upload = bench.uploads.begin("net.onnx", 6)
    write(bench.uploads, upload.id, 0, b"abc")
    for offset in (0, 2, 4):
        with pytest.raises(Conflict, match=f"3 bytes are here, not {offset}"):
            write(bench.uploads, upload.id, offset, b"x")
    assert bench.uploads.get(upload.id).received == 3


def test_more_bytes_than_announced_are_refused_and_not_kept(bench):
    upload = bench.uploads.begin("net.onnx", 3)
    with pytest.raises(SettingsError, match="more bytes came than the 3"):
        write(bench.uploads, upload.id, 0, b"abcd")
    assert bench.uploads.get(upload.id).received == 0


def test_more_bytes_than_are_allowed_are_refused(bench):
    uploads = Uploads(bench.folder, bench.hub, limit_bytes=4)
    with pytest.raises(SettingsError, match="above the limit"):
        uploads.begin("net.onnx", 5)
    upload = uploads.begin("net.onnx")
    with pytest.raises(SettingsError, match="the limit for one file"):
        write(uploads, upload.id, 0, b"abcde")


def test_an_unfinished_file_says_what_is_missing(bench):
    upload = bench.uploads.begin("net.onnx", 6)
    write(bench.uploads, upload.id, 0, b"abc")
    with pytest.raises(Conflict, match="3 of 6 bytes are here"):
        bench.uploads.finish(upload.id)
    with pytest.raises(Conflict, match="not whole yet"):
        bench.uploads.path(upload.id)


def test_an_empty_file_is_refused(bench):
    with pytest.raises(SettingsError, match="empty"):
        bench.uploads.begin("net.onnx", 0)
    upload = bench.uploads.begin("net.onnx")
    with pytest.raises(SettingsError, match="empty"):
        bench.uploads.finish(upload.id)


def test_a_file_of_unknown_size_is_whole_when_its_sender_says_so(bench):
    upload = bench.uploads.begin("net.onnx")
    write(bench.uploads, upload.id, 0, b"abc")
    assert bench.uploads.finish(upload.id).size == 3


def test_a_whole_file_takes_nothing_more(bench):
    id = bench.sent()
    with pytest.raises(Conflict, match="is whole already"):
        write(bench.uploads, id, 5, b"x")
    assert bench.uploads.finish(id).is_whole


def test_two_who_write_to_one_upload_do_not_mix(bench):
    upload = bench.uploads.begin("net.onnx", 4)

    async def both():
        release = asyncio.Event()

        async def slow():
            yield b"ab"
            await release.wait()
            yield b"cd"

        first = asyncio.create_task(bench.uploads.write(upload.id, 0, slow()))
        await asyncio.sleep(0.01)
        try:
            for call in (bench.uploads.finish, bench.uploads.delete):
                with pytest.raises(Conflict, match="somebody else is writing"):
                    call(upload.id)
            with pytest.raises(Conflict, match="somebody else is writing"):
                await bench.uploads.write(upload.id, 0, chunks(b"xx"))
        finally:
            release.set()
            await first

    asyncio.run(both())
    assert bench.uploads.finish(upload.id).sha256 == hashlib.sha256(b"abcd").hexdigest()


def test_a_sender_that_falls_silent_is_let_go_and_may_come_back(bench, monkeypatch):
    """As a laptop that is closed: its line stays open for ever."""
    monkeypatch.setattr(uploads_module, "SILENT_S", 0.2)
    upload = bench.uploads.begin("net.onnx", 4)

    async def silent():
        yield b"ab"
        await asyncio.Event().wait()

    with pytest.raises(Conflict, match=r"net\.onnx: nothing came for"):
        asyncio.run(asyncio.wait_for(bench.uploads.write(upload.id, 0, silent()), 120))
    assert write(bench.uploads, upload.id, 2, b"cd").received == 4


def test_a_slow_disk_is_no_silence(bench, monkeypatch):
    monkeypatch.setattr(uploads_module, "SILENT_S", 0.3)
    real = bench.uploads._append
    monkeypatch.setattr(bench.uploads, "_append", lambda id, piece: (time.sleep(0.4), real(id, piece)))
    upload = bench.uploads.begin("net.onnx")
    assert write(bench.uploads, upload.id, 0, bytes(uploads_module.PIECE_BYTES), b"rest").received > 2**20


def test_no_byte_is_written_where_other_requests_are_answered(bench, monkeypatch):
    """After a restart the file is read again before: of a large one that takes seconds."""
    threads = []
    real = bench.uploads._append
    monkeypatch.setattr(
        bench.uploads, "_append", lambda id, piece: (threads.append(threading.current_thread()), real(id, piece))
    )
    write(bench.uploads, bench.uploads.begin("net.onnx").id, 0, bytes(uploads_module.PIECE_BYTES), b"rest")
    assert len(threads) == 2
    assert threading.main_thread() not in threads


def test_uploads_without_end_are_refused(bench, monkeypatch):
    monkeypatch.setattr(uploads_module, "MOST", 2)
    first, _ = bench.uploads.begin("a.onnx", 4), bench.uploads.begin("b.onnx", 4)
    with pytest.raises(Conflict, match="2 uploads are here already"):
        bench.uploads.begin("c.onnx", 4)
    bench.uploads.delete(first.id)
    assert bench.uploads.begin("c.onnx", 4).received == 0


def test_an_import_does_not_take_what_is_being_deleted(bench, monkeypatch):
    id = bench.sent()
    real = bench.uploads._remove

    def meanwhile(upload):
        with pytest.raises(Conflict, match="in this moment"):
            bench.uploads.claim((id,), "model 7")
        real(upload)

    monkeypatch.setattr(bench.uploads, "_remove", meanwhile)
    bench.uploads.delete(id)
    with pytest.raises(NotThere):
        bench.uploads.claim((id,), "model 7")


def test_what_is_written_to_is_not_swept(bench):
    upload = bench.uploads.begin("net.onnx", 4)

    async def slow():
        yield b"ab"
        assert bench.uploads.sweep(older_than_s=-1) == ()
        yield b"cd"

    assert asyncio.run(bench.uploads.write(upload.id, 0, slow())).received == 4


def test_a_request_that_is_cancelled_ends_when_its_bytes_are_written(bench, monkeypatch):
    upload, size = bench.uploads.begin("net.onnx"), uploads_module.PIECE_BYTES
    writing, may_end = threading.Event(), threading.Event()
    real = bench.uploads._append

    def slowly(id, piece):
        writing.set()
        may_end.wait(120)
        real(id, piece)

    monkeypatch.setattr(bench.uploads, "_append", slowly)

    async def cancelled():
        task = asyncio.create_task(bench.uploads.write(upload.id, 0, chunks(bytes(size), b"more")))
        await asyncio.to_thread(writing.wait, 120)
        task.cancel()
        await asyncio.sleep(0.01)
        with pytest.raises(Conflict, match="somebody else is writing"):
            await bench.uploads.write(upload.id, 0, chunks(b"x"))
        may_end.set()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    assert bench.uploads.get(upload.id).received == size


def test_memory_stays_flat_whatever_is_sent(bench):
    upload = bench.uploads.begin("set.zip")

    async def large():
        for _ in range(480):
            yield bytes(65536)

    tracemalloc.start()
    try:
        asyncio.run(bench.uploads.write(upload.id, 0, large()))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert bench.uploads.get(upload.id).received == 480 * 65536
    assert peak < 8 * 2**20


def test_a_file_that_does_not_fit_on_the_disk_is_refused_at_once(bench, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda place: Usage(10**12, 0, 300 * 2**20))
    with pytest.raises(JobError, match="no room on the disk"):
        bench.uploads.begin("set.zip", 10**9)


def test_a_disk_that_fills_up_stops_the_upload_before_others_suffer_and_it_goes_on_later(bench, monkeypatch):
    upload = bench.uploads.begin("net.onnx", 6)
    write(bench.uploads, upload.id, 0, b"abc")
    with monkeypatch.context() as full:
        full.setattr(shutil, "disk_usage", lambda place: Usage(10**12, 0, 1000))
        with pytest.raises(JobError, match=r"is full after.* free space; then send it again, in steps from where it"):
            write(bench.uploads, upload.id, 3, b"def")
    assert bench.uploads.get(upload.id).received == 3
    write(bench.uploads, upload.id, 3, b"def")
    assert bench.uploads.finish(upload.id).sha256 == hashlib.sha256(b"abcdef").hexdigest()


def test_a_write_that_the_disk_refuses_leaves_no_half_piece(bench, monkeypatch):
    upload = bench.uploads.begin("net.onnx", 6)
    write(bench.uploads, upload.id, 0, b"abc")
    path = bench.folder.uploads / upload.id / "file/net.onnx"
    real = type(path).open

    class Full:
        def __init__(self, file):
            self.file = file

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.file.close()

        def write(self, piece):
            if len(piece) > 1:
                return self.file.write(piece[:1])
            raise OSError(errno.ENOSPC, "No space left on device")

        def __getattr__(self, name):
            return getattr(self.file, name)

    with monkeypatch.context() as full:
        full.setattr(type(path), "open", lambda self, *args, **kwargs: Full(real(self, *args, **kwargs)))
        with pytest.raises(JobError, match="is full after"):
            write(bench.uploads, upload.id, 3, b"def")
    assert path.read_bytes() == b"abc"
    write(bench.uploads, upload.id, 3, b"def")
    assert bench.uploads.finish(upload.id).sha256 == hashlib.sha256(b"abcdef").hexdigest()


@pytest.mark.parametrize("id", ["../../etc", "0" * 16, "", "ZZ", "a/b"])
def test_an_id_that_is_none_is_not_there(bench, id):
    for call in (bench.uploads.get, bench.uploads.finish, bench.uploads.delete, bench.uploads.path):
        with pytest.raises(NotThere, match="There is no upload"):
            call(id)
    with pytest.raises(NotThere):
        write(bench.uploads, id, 0, b"x")


def test_what_is_deleted_is_gone_from_the_disk(bench):
    id = bench.sent()
    bench.uploads.delete(id)
    assert not list(bench.folder.uploads.iterdir())
    with pytest.raises(NotThere):
        bench.uploads.get(id)


def test_an_upload_in_an_import_is_not_deleted(bench):
    id = bench.sent()
    bench.uploads.claim((id,), "model 7")
    with pytest.raises(Conflict, match=r"being imported \(model 7\)"):
        bench.uploads.delete(id)


def age(bench, id, seconds):
    for path in (bench.folder.uploads / id).rglob("*"):
        os.utime(path, (time.time() - seconds,) * 2)


def test_what_was_left_alone_for_a_day_is_removed(bench):
    old, new, used = bench.uploads.begin("old.onnx", 5).id, bench.sent("new.onnx"), bench.sent("used.onnx")
    bench.uploads.claim((used,), "model 7")
    for id in (old, used):
        age(bench, id, uploads_module.FORGOTTEN_S + 60)
    assert bench.uploads.sweep() == (old,)
    assert {upload.id for upload in bench.uploads.all()} == {new, used}


def test_a_folder_that_a_killed_server_left_half_made_is_removed(bench):
    (bench.folder.uploads / "0123456789abcdef/file").mkdir(parents=True)
    os.utime(bench.folder.uploads / "0123456789abcdef/file", (1, 1))
    assert bench.uploads.all() == ()
    assert bench.uploads.sweep() == ("0123456789abcdef",)


def test_uploads_are_told(bench):
    bench.sent()
    assert [event.change for event in bench.events if event.topic == "upload"] == ["created", "changed"]
