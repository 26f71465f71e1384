"""What a target may name of the server's own machine, by someone who only holds the token."""

from collections.abc import Callable
from pathlib import Path

from calibench.errors import SettingsError
from calibench.things.target_spec import TargetSpec
from calibench.workbench.import_sources import ImportSources

CheckSpec = Callable[[TargetSpec, TargetSpec | None], None]
"""Refuses a way to reach a target; the second is how it was reached before, which stays allowed."""

FILES = ("key", "wheels", "tls_ca", "tls_cert", "tls_key")
OF_THE_MACHINE = ("python", "home")
"""Of a queue without a login node these are a program and a folder of the server."""


def anything(spec: TargetSpec, before: TargetSpec | None) -> None:
    """For the owner of the data folder, who may name what he can read."""


def only_allowed(sources: ImportSources) -> CheckSpec:
    """Files below the folders that the operator allowed, no program but the usual Python, no folder but the usual home.

    And no cluster on machines that the holder of the token chooses: workers answer with pickles, which are code.

    What is checked raises SettingsError.
    """

    def check(spec: TargetSpec, before: TargetSpec | None) -> None:
        for name in FILES:
            path = getattr(spec, name)
            if path is not None and (before is None or path != getattr(before, name)):
                _refuse_outside(name, path, sources)
        _refuse_cluster(spec, before)
        if not is_queue_here(spec):
            return
        usual = TargetSpec() if before is None or not is_queue_here(before) else before
        for name in OF_THE_MACHINE:
            if getattr(spec, name) not in (getattr(usual, name), getattr(TargetSpec(), name)):
                raise SettingsError(
                    f"spec.{name}: this queue runs on the server's own machine, where only its owner chooses that. "
                    "Leave it out, or add the target there: calibench target add."
                )

    return check


def _refuse_outside(name: str, path: Path, sources: ImportSources) -> None:
    try:
        sources.allowed_path(path)
    except SettingsError as error:
        without = " Without it, ssh-agent and the keys in ~/.ssh of its user are tried." if name == "key" else ""
        raise SettingsError(
            f"spec.{name}: {error} Or add the target on the server itself: calibench target add.{without}"
        ) from None


def _refuse_cluster(spec: TargetSpec, before: TargetSpec | None) -> None:
    is_known = before is not None and (spec.scheduler, spec.hosts) == (before.scheduler, before.hosts)
    if (spec.scheduler or spec.hosts) and not is_known:
        raise SettingsError(
            f"{spec.address}: what workers answer is loaded as code, so that only the owner of the server adds a "
            "cluster on other machines: calibench target add, on the server itself."
        )


def is_queue_here(spec: TargetSpec) -> bool:
    """Whether jobs of a target are started by this machine itself."""
    return spec.host is None and (spec.is_carried or spec.worker_queue is not None)
