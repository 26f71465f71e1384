"""How much Calibench keeps on a target, before somebody removes it."""

from calibench.errors import TargetError
from calibench.targets.remote_machine import RemoteMachine
from calibench.targets.target_check import in_queue, machines_of, opened
from calibench.things.kept import TargetCache
from calibench.things.target_spec import TargetSpec


async def cache_of(spec: TargetSpec, passphrase: str | None = None) -> TargetCache:
    """What `clean_target` would remove.

    Raises:
        TargetError: it cannot be reached, or has no home of ours.
    """
    if not spec.keeps_files:
        raise TargetError(f"{spec.address}: keeps nothing of Calibench, so there is nothing to clean.")
    found = dict.fromkeys(("environments", "files", "jobs", "kept"), 0)
    for each in machines_of(spec):
        async with opened(each, passphrase) as link:
            machine = RemoteMachine(link, each)
            for kind, size in (await machine.would_clean(*await in_queue(machine, each, link))).items():
                found[kind] += size
    kept = found.pop("kept")
    return TargetCache.model_validate({f"{kind}_bytes": size for kind, size in found.items()} | {"jobs_kept": kept})
