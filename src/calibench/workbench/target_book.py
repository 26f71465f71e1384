"""The rows of targets: added, changed, found by name, removed, with what their last check found."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from calibench.errors import SettingsError, TargetError
from calibench.settings import explain
from calibench.targets.target_check import as_host_key
from calibench.things.asked import AskHost, AskTarget, ChangeTarget
from calibench.things.kept import Hindrance, Job, Project, Target
from calibench.things.target_spec import QUEUES, QueueSettings, TargetSpec
from calibench.workbench.refusals import NotPossible
from calibench.workbench.shelf import Shelf
from calibench.workbench.target_files import CheckSpec, anything
from calibench.worker.job_rows import GOING

LOCAL = "This machine"
PLACE = ("host", "user", "port", "scheduler", "hosts", "worker_queue")
"""Fields of a target that an address sets, all of them."""
UNCHECKED: Mapping[str, Any] = {"state": "unchecked", "faults": (), "machine": None, "checked": None}


class TargetBook:
    """What is kept of targets. Each method with an id raises NotThere for a target that is not there."""

    def __init__(self, shelf: Shelf, check_spec: CheckSpec = anything) -> None:
        self._shelf, self._check_spec = shelf, check_spec

    def all(self) -> tuple[Target, ...]:
        """Every target, this machine first."""
        return self._shelf.store.all(Target, newest_first=False)

    def get(self, id: int) -> Target:
        """One target."""
        return self._shelf.store.get(Target, id)

    def named(self, name: str) -> Target:
        """One target, by its name.

        Raises:
            TargetError: none has it; the known ones are named.
        """
        for target in self.all():
            if target.name.casefold() == name.strip().casefold():
                return target
        known = ", ".join(target.name for target in self.all())
        raise TargetError(
            f"{name}: there is no such target. Known: {known}. Add it: calibench target add {name} ADDRESS"
        )

    def local(self) -> Target:
        """This machine; made when the Workbench starts for the first time."""
        found = self._shelf.store.all(Target, where={"kind": "local"}, newest_first=False, limit=1)
        return found[0] if found else self._shelf.add(Target(created=datetime.now(UTC), name=LOCAL))

    def add(self, asked: AskTarget) -> Target:
        """Keep a new target; nothing is looked at yet.

        Raises:
            SettingsError: the name is taken, the address is none, or it names what is not allowed.
        """
        spec = self.spec_of(asked)
        with self._shelf.together():
            self._check_name(asked.name)
            return self._shelf.add(Target(created=datetime.now(UTC), name=asked.name, kind=spec.kind, spec=spec))

    def change(self, id: int, asked: ChangeTarget) -> Target:
        """Give another name, or another way to reach it, which is unchecked then.

        Raises:
            SettingsError: the name is taken, the address is none, or it names what is not allowed.
            Conflict: somebody changed the target since it was read.
            NotPossible: this machine is always reached in the same way.
        """
        values: dict[str, Any] = {}
        with self._shelf.together():
            target = self.get(id)
            if asked.name is not None:
                self._check_name(asked.name, but_for=id)
                values["name"] = asked.name
            if asked.address or asked.spec.model_fields_set:
                self._refuse_local(target, "is reached without an address")
                spec = self.spec_of(asked, target.spec)
                if spec != target.spec:
                    values |= {"spec": spec, "kind": spec.kind, **UNCHECKED}
            if not values and asked.version in (None, target.version):
                return target
            return self._shelf.change(Target, id, seen=asked.version, **values)

    def spec_of(self, asked: AskHost, before: TargetSpec | None = None) -> TargetSpec:
        """As `spec_of`, where it names nothing that is not allowed."""
        spec = spec_of(asked, before)
        self._check_spec(spec, before)
        return spec

    def remove(self, id: int) -> None:
        """Forget a target; nothing is done there.

        Raises:
            NotPossible: it is this machine, projects are of it, or a job of it goes on.
        """
        with self._shelf.together():
            self._refuse_remove(self.get(id))
            self._shelf.delete(Target, id)

    def removal_hindrance(self, id: int) -> Hindrance | None:
        """Why a target cannot be removed now; None: it can."""
        try:
            self._refuse_remove(self.get(id))
        except NotPossible as error:
            return error.hindrance
        return None

    def _refuse_remove(self, target: Target) -> None:
        self._refuse_local(target, "is always there")
        self._refuse_used(target)
        self.refuse_going(target, "remove it")

    def refuse_going(self, target: Target, what: str) -> None:
        """Stop where a job of the target goes on.

        Raises:
            NotPossible: one does.
        """
        going = self._shelf.store.all(Job, where={"state": GOING, "target_id": target.id}, limit=1)
        if going:
            sentence = f"{target.name}: {going[0].title!r} has not ended. Wait for it or cancel it, then {what}."
            hindrance = Hindrance(
                code="target-busy", sentence=sentence, action="See the job", link=f"/jobs/{going[0].id}"
            )
            raise NotPossible(hindrance)

    def refuse_clean(self, target: Target) -> None:
        """Stop where nothing can be cleaned now.

        Raises:
            NotPossible: it is this machine, or a job of it goes on.
        """
        self._refuse_local(target, "keeps nothing of its own: delete models, datasets and projects instead")
        self.refuse_going(target, "clean it")

    def keep_check(self, id: int, found: Mapping[str, Any]) -> Target:
        """Keep what a check found: `faults`, and `machine` where the target told what it is."""
        return self._shelf.change(Target, id, **checked_values(found))

    def _check_name(self, name: str, but_for: int = 0) -> None:
        for target in self.all():
            if target.id != but_for and target.name.casefold() == name.casefold():
                raise SettingsError(f"name: there is a target {target.name!r} already. Choose another name.")

    def _refuse_local(self, target: Target, why: str) -> None:
        if target.spec.is_here:
            raise NotPossible(Hindrance(code="target-local", sentence=f"{target.name} {why}."))

    def _refuse_used(self, target: Target) -> None:
        projects = self._shelf.store.all(Project, where={"target_id": target.id})
        if projects:
            which = f"{projects[0].name!r}" + (f" and {len(projects) - 1} more" if len(projects) > 1 else "")
            sentence = f"{target.name}: was used by the project {which}. Delete what was measured there first."
            raise NotPossible(
                Hindrance(code="target-used", sentence=sentence, action="Go to the projects", link="/projects")
            )


def spec_of(asked: AskHost, before: TargetSpec | None = None) -> TargetSpec:
    """How a target is reached, out of an address and fields.

    Args:
        before: of a target that is changed; what is not asked stays.

    Raises:
        SettingsError: it is no address, or something is missing.
    """
    values: dict[str, Any] = before.model_dump() if before else {}
    if asked.address:
        from calibench.targets.target_address import parse_target

        parsed = parse_target(asked.address.split())
        values |= {name: TargetSpec.model_fields[name].default for name in PLACE}  # another address is another host
        values |= parsed.model_dump(exclude_unset=True)
        _forget_other_kinds(values)
    said = asked.spec.model_dump(exclude_unset=True)
    place = ("host", "port")
    if before is not None and any({**values, **said}[name] != getattr(before, name) for name in place):
        said = {"host_key": None, **said}  # it was that of the host before
    queue = {**values.get("queue", {}), **said.pop("queue", {})}
    try:
        spec = TargetSpec.model_validate({**values, **said, "queue": queue})
    except ValidationError as error:
        raise SettingsError(explain(error)) from None
    _check_whole(spec)
    return spec


def _forget_other_kinds(values: dict[str, Any]) -> None:
    """Drop what was set for a queue or for started workers where the address is of neither any more."""
    if values["kind"] not in QUEUES and values["worker_queue"] is None:
        values.pop("queue", None)
    if values["kind"] != "dask" or values["scheduler"] is not None:
        values |= {"workers": None, "listen": None}


def _check_whole(spec: TargetSpec) -> None:
    example = "Give an address such as ssh://me@lab, slurm, 'pbs ssh://me@login' or 'dask ssh://me@a ssh://me@b'."
    if spec.is_here:
        raise SettingsError(f"spec.kind: this machine is a target already. {example}")
    if spec.kind == "ssh" and not spec.host:
        raise SettingsError(f"spec.host: no host is named. {example}")
    if spec.kind == "dask":
        _check_cluster(spec, example)
    for key in (spec.host_key, *(host.host_key for host in spec.hosts)):
        if key is not None:
            as_host_key(key)
    if spec.kind not in QUEUES and spec.worker_queue is None and spec.queue != QueueSettings():
        raise SettingsError(f"spec.queue: a target of kind {spec.kind} has no queue. Leave it out.")


def _check_cluster(spec: TargetSpec, example: str) -> None:
    ways = [name for name in ("scheduler", "hosts", "worker_queue") if getattr(spec, name)]
    if not ways:
        raise SettingsError(f"spec.scheduler: no scheduler is named, and nothing that starts workers. {example}")
    if len(ways) > 1:
        raise SettingsError(f"spec.{ways[1]}: goes not with {ways[0]}. Leave one of them out.")
    if spec.host is not None and spec.worker_queue is None:
        raise SettingsError(f"spec.host: is the login node of a queue, and goes not with {ways[0]}. Leave it out.")
    if spec.scheduler and (spec.workers is not None or spec.listen is not None):
        raise SettingsError("spec.workers: the workers of a scheduler that runs already are its own. Leave it out.")


def checked_values(found: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a target after a check.

    Args:
        found: `machine` (None: it could not be asked; what was known stays) and `faults`; or, of this machine, what it
            is.
    """
    faults = found.get("faults", ())
    machine = found["machine"] if "faults" in found else dict(found)
    known = {} if machine is None else {"machine": machine}
    state = "faulty" if faults else "good"
    return {**known, "faults": tuple(faults), "state": state, "checked": datetime.now(UTC)}
