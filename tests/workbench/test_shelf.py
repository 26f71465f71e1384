"""What is written is told, once it can be read."""

import threading

import pytest
from kept_things import NOW

from calibench.things.kept import KeptModel


def test_a_change_is_told_with_the_thing(bench):
    model = bench.shelf.add(KeptModel(created=NOW, name="net"))
    bench.shelf.change(KeptModel, model.id, name="other")
    bench.shelf.delete(KeptModel, model.id)
    assert [(event.change, event.data.get("name")) for event in bench.events] == [
        ("created", "net"),
        ("changed", "other"),
        ("deleted", None),
    ]


def test_together_is_told_at_the_end_in_order(bench):
    with bench.shelf.together():
        one = bench.shelf.add(KeptModel(created=NOW, name="one"))
        with bench.shelf.together():
            bench.shelf.change(KeptModel, one.id, name="two")
        assert bench.events == []
    assert [event.change for event in bench.events] == ["created", "changed"]


def test_what_was_undone_is_not_told(bench):
    with pytest.raises(RuntimeError), bench.shelf.together():
        bench.shelf.add(KeptModel(created=NOW, name="one"))
        raise RuntimeError
    assert bench.events == []
    assert bench.models.all() == ()


def test_other_threads_are_told_at_once(bench):
    with bench.shelf.together():
        thread = threading.Thread(target=lambda: bench.shelf.tell(KeptModel(created=NOW, name="x")))
        thread.start()
        thread.join()
        assert len(bench.events) == 1
