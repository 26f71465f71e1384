"""Tests of the hub: who hears of what, and who may be slow."""

import asyncio
import gc
import threading

import pytest

from calibench.things.kept import Event
from calibench.worker import hub as hub_module
from calibench.worker.hub import EventStream, Hub


def progress(number: int) -> Event:
    return Event(topic="job", id=1, change="progress", data={"number": number})


def changed(number: int) -> Event:
    return Event(topic="job", id=number)


async def read(stream: EventStream, count: int) -> list[Event]:
    return [await asyncio.wait_for(anext(stream), 5) for _ in range(count)]


def test_every_subscriber_hears_every_event_until_it_unsubscribes():
    hub, first, second = Hub(), [], []
    end = hub.subscribe(first.append)
    hub.subscribe(second.append)
    hub.publish(changed(1))
    end()
    end()
    hub.publish(changed(2))
    assert [event.id for event in first] == [1]
    assert [event.id for event in second] == [1, 2]


def test_a_subscriber_that_fails_hurts_nobody(caplog):
    hub, heard = Hub(), []
    hub.subscribe(lambda event: 1 / 0)
    hub.subscribe(heard.append)
    hub.publish(changed(1))
    assert len(heard) == 1
    assert "A subscriber failed on job 1 changed" in caplog.text


def test_a_subscriber_may_unsubscribe_while_it_is_called():
    hub, heard = Hub(), []

    def once(event):
        heard.append(event)
        end()

    end = hub.subscribe(once)
    hub.publish(changed(1))
    hub.publish(changed(2))
    assert len(heard) == 1


def test_a_stream_gives_events_of_other_threads_in_order():
    async def listen():
        hub = Hub()
        stream = hub.stream()
        thread = threading.Thread(target=lambda: [hub.publish(progress(n)) for n in range(200)])
        thread.start()
        events = await read(stream, 200)
        thread.join()
        return [event.data["number"] for event in events]

    assert asyncio.run(listen()) == list(range(200))


def test_fifty_streams_hear_the_same():
    async def listen():
        hub = Hub()
        streams = [hub.stream() for _ in range(50)]
        for number in range(20):
            hub.publish(changed(number))
        return [[event.id for event in await read(stream, 20)] for stream in streams]

    assert asyncio.run(listen()) == [list(range(20))] * 50


def test_a_slow_listener_loses_progress_but_no_change(monkeypatch):
    monkeypatch.setattr(hub_module, "WAITING", 10)

    async def listen():
        hub = Hub()
        stream = hub.stream()
        for number in range(100):
            hub.publish(progress(number))
            if number % 20 == 0:
                hub.publish(changed(number))
        hub.close()
        return [event async for event in stream]

    events = asyncio.run(listen())
    assert [event.id for event in events if event.change == "changed"] == [0, 20, 40, 60, 80]
    assert [event.data["number"] for event in events if event.change == "progress"] == [95, 96, 97, 98, 99]


def test_changes_are_kept_even_when_only_changes_wait(monkeypatch):
    monkeypatch.setattr(hub_module, "WAITING", 3)

    async def listen():
        hub = Hub()
        stream = hub.stream()
        for number in range(8):
            hub.publish(changed(number))
            hub.publish(progress(number))
        hub.close()
        return [(event.id, event.change) async for event in stream if event.change == "changed"]

    assert asyncio.run(listen()) == [(number, "changed") for number in range(8)]


def test_a_listener_that_never_reads_is_given_up(monkeypatch):
    monkeypatch.setattr(hub_module, "LOST", 30)

    async def listen():
        hub = Hub()
        stream = hub.stream()
        for number in range(100):
            hub.publish(changed(number))
        return len([event async for event in stream])

    assert asyncio.run(listen()) == 0  # it must read anew, so that nothing is kept for it


def test_waiting_for_an_event_may_be_given_up_and_taken_up_again():
    async def listen():
        hub = Hub()
        stream = hub.stream()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(stream), 0.02)
        hub.publish(changed(7))
        return (await read(stream, 1))[0].id

    assert asyncio.run(listen()) == 7


def test_a_stream_that_is_closed_or_forgotten_is_no_burden():
    async def listen():
        hub = Hub()
        closed, forgotten = hub.stream(), hub.stream()
        await closed.aclose()
        del forgotten
        gc.collect()
        hub.publish(changed(1))
        return [event async for event in closed], len(hub._streams)

    assert asyncio.run(listen()) == ([], 1)


def test_a_stream_whose_loop_is_closed_does_not_stop_the_publisher():
    hub, streams = Hub(), []

    async def listen():
        streams.append(hub.stream())

    asyncio.run(listen())
    hub.publish(changed(1))
    hub.publish(changed(2))
