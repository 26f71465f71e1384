"""A relay in front of a port: it can cut all connections, at once or after so many bytes, and hold everything back."""

import asyncio
import socket
import threading
from collections.abc import Callable
from contextlib import suppress

READ = 1 << 16


class TcpRelay:
    """Listens on `port` of the loopback and hands on to another port there, from a thread of its own.

    `passed`: bytes so far, to the server (up) and from it (down).
    """

    def __init__(self, to: int) -> None:
        self._to = to
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        self._writers: set[asyncio.StreamWriter] = set()
        self.passed = {"up": 0, "down": 0}
        self._left: dict[str, int | None] = {"up": None, "down": None}
        self._is_refusing = False
        self._loop = asyncio.new_event_loop()
        self._flows = asyncio.Event()
        self._flows.set()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def cut(self) -> None:
        """Drop all connections as a pulled cable does; new ones are let through."""
        self._call(self._drop)

    def cut_after(self, *, up: int | None = None, down: int | None = None) -> None:
        """Drop all connections once so many bytes more went to the server (up) or came from it (down)."""
        self._call(lambda: self._left.update(up=up, down=down))

    def refuse(self, refuses: bool = True) -> None:
        """Drop new connections at once, and those that are there."""

        def _do() -> None:
            self._is_refusing = refuses
            if refuses:
                self._drop()

        self._call(_do)

    def stall(self) -> None:
        """Hold everything back, without a word to either side."""
        self._call(self._flows.clear)

    def go_on(self) -> None:
        """Let everything through again."""

        def _do() -> None:
            self._flows.set()
            self._left.update(up=None, down=None)
            self._is_refusing = False

        self._call(_do)

    def close(self) -> None:
        self._call(self._drop)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._socket.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(asyncio.start_server(self._serve, sock=self._socket))
        self._loop.run_forever()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))

    def _call(self, do: Callable[[], None]) -> None:
        """Do it in the thread of the relay; returns when it is done."""
        done = threading.Event()

        def _do() -> None:
            do()
            done.set()

        self._loop.call_soon_threadsafe(_do)
        done.wait()

    def _drop(self) -> None:
        self._left.update(up=None, down=None)
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_refusing:
            writer.transport.abort()
            return
        try:
            there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._to)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, there_writer}
        await asyncio.gather(
            self._pump(reader, there_writer, "up"), self._pump(there_reader, writer, "down"), return_exceptions=True
        )
        self._writers -= {writer, there_writer}

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: str) -> None:
        with suppress(OSError):
            while data := await reader.read(READ):
                await self._flows.wait()
                self.passed[way] += len(data)
                left = self._left[way]
                if left is not None and len(data) >= left:
                    self._drop()
                    return
                if left is not None:
                    self._left[way] = left - len(data)
                writer.write(data)
                await writer.drain()
        writer.close()
