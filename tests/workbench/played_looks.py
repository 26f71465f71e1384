"""Looks at other machines without machines: each ends when the test says so."""

import asyncio
import queue


class PlayedLook:
    def __init__(self, spec, ends):
        self.spec, self.closed, self._ends = spec, 0, ends

    async def look(self):
        while True:
            try:
                found = self._ends.get_nowait()
            except queue.Empty:
                await asyncio.sleep(0.005)
                continue
            if isinstance(found, Exception):
                raise found
            return found

    async def close(self):
        self.closed += 1


class PlayedLooks:
    """`made`: a look for each target that is watched, in their order."""

    def __init__(self):
        self.made, self._ends = [], queue.Queue()

    def make(self, spec, passphrase):
        self.made.append(PlayedLook(spec, self._ends))
        return self.made[-1]

    def ends(self, found):
        """The look that goes on, or the next one, finds this, or raises it."""
        self._ends.put(found)
