"""The link to a target: over SSH where it names a host, else to this machine."""

from calibench.targets.link import Link
from calibench.targets.local_link import LocalLink
from calibench.things.target_spec import TargetSpec


async def open_link(spec: TargetSpec, passphrase: str | None = None) -> Link:
    """Connect to where the jobs of a target are started; of a queue that is its login node.

    Args:
        passphrase: of its key file; never kept.

    Raises:
        TargetError: not reached, not the machine that was meant, or the user was refused.
    """
    if spec.host is None:
        return LocalLink()
    from calibench.targets.ssh_link import connect

    return await connect(spec, passphrase)
