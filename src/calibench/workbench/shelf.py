"""The things of the store, with everybody who listens told of a change once it is kept."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal

from calibench.store.store import Store
from calibench.store.tables import ThingT
from calibench.store.trees import Trees
from calibench.things.kept import Event, Job, KeptDataset, KeptModel, Project, Target
from calibench.worker.hub import Hub

Topic = Literal["model", "dataset", "target", "project", "job"]
TOPICS: dict[type, Topic] = {
    KeptModel: "model",
    KeptDataset: "dataset",
    Target: "target",
    Project: "project",
    Job: "job",
}


class Shelf:
    """Store, files and hub; what is written through here is told.

    Attributes:
        store: for reading. What is written there directly is not told: the adoption of a result does so, because the
            end of its job tells it (job_news.py).
    """

    def __init__(self, store: Store, trees: Trees, hub: Hub) -> None:
        self.store, self.trees, self.hub = store, trees, hub
        self._held = threading.local()

    def add(self, thing: ThingT) -> ThingT:
        """Keep a new thing; it comes back with its id."""
        kept = self.store.add(thing)
        self.tell(kept, "created")
        return kept

    def change(
        self,
        kind: type[ThingT],
        id: int,
        /,
        *,
        seen: int | None = None,
        only_if: Mapping[str, Any] | None = None,
        **values: Any,
    ) -> ThingT:
        """Change fields of a thing.

        Raises:
            NotThere: it was deleted.
            Conflict: somebody changed it since version `seen`, or `only_if` does not hold.
        """
        kept = self.store.change(kind, id, seen=seen, only_if=only_if, **values)
        self.tell(kept, "changed")
        return kept

    def delete(self, kind: type, id: int) -> None:
        """Remove a thing.

        Raises:
            NotThere: it is gone already.
        """
        self.store.delete(kind, id)
        self._publish(Event(topic=TOPICS[kind], id=id, change="deleted"))

    def change_all(self, kind: type[ThingT], ids: Sequence[int], **values: Any) -> None:
        """Change the same fields of many things, quickly; what is gone is passed over."""
        for thing in self.store.change_all(kind, ids, **values):
            self.tell(thing, "changed")

    def delete_all(self, kind: type, ids: Sequence[int]) -> None:
        """Remove many things, quickly; what is gone already is passed over."""
        self.store.delete_all(kind, ids)
        for id in ids:
            self._publish(Event(topic=TOPICS[kind], id=id, change="deleted"))

    def tell(self, thing: Any, change: Literal["created", "changed"] = "changed") -> None:
        """Tell of a thing as it is now."""
        data = thing.model_dump(mode="json")
        self._publish(Event(topic=TOPICS[type(thing)], id=thing.id, change=change, data=data))

    @contextmanager
    def together(self) -> Iterator[None]:
        """One transaction; what changed in it is told after it, or not at all when it fails."""
        if getattr(self._held, "events", None) is not None:  # inside another one, which tells
            with self.store.together():
                yield
            return
        events: list[Event] = []
        self._held.events = events
        try:
            with self.store.together():
                yield
        finally:
            self._held.events = None
        for event in events:
            self.hub.publish(event)

    def _publish(self, event: Event) -> None:
        held = getattr(self._held, "events", None)
        if held is None:
            self.hub.publish(event)
        else:
            held.append(event)
