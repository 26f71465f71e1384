"""What is published arrives as server-sent events."""

import asyncio
import json
import threading

from calibench.api.sent_events import sent_events
from calibench.things.kept import Event
from calibench.worker.hub import Hub


def heard(hub, while_listening, heartbeat_s=15.0):
    """All that comes until the hub closes."""

    async def listen():
        parts = []
        async for part in sent_events(hub, heartbeat_s):
            parts.append(part)
            if len(parts) == 1:
                await asyncio.to_thread(while_listening)
        return parts

    return asyncio.run(listen())


def test_it_begins_with_ready_and_numbers_the_events():
    hub = Hub()

    def publish():
        hub.publish(Event(topic="job", id=4, change="progress", data={"progress": 0.5, "stage": "statistics\n"}))
        hub.publish(Event(topic="project", id=2))
        hub.close()

    ready, first, second = heard(hub, publish)
    assert ready == "retry: 1000\nid: 0\nevent: ready\ndata: {}\n\n"
    assert first.startswith("id: 1\nevent: job\ndata: ") and first.endswith("\n\n")
    assert first.count("\n") == 4  # a line end inside the data would break the event
    assert json.loads(first.split("data: ")[1])["data"]["progress"] == 0.5
    assert second.startswith("id: 2\nevent: project\n")


def test_silence_is_broken_by_signs_of_life_and_loses_nothing():
    hub = Hub()

    def publish():
        hub.publish(Event(topic="job", id=4))
        hub.close()

    parts = heard(hub, threading.Timer(0.3, publish).start, heartbeat_s=0.01)
    assert ": still here\n\n" in parts
    assert parts[-1].startswith("id: 1\nevent: job\n")
