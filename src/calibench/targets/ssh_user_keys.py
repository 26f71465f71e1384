"""By what a user proves who they are to a machine: a key file, or what ssh-agent holds. Nothing secret is kept."""

import os
from pathlib import Path
from typing import Any

from calibench.errors import TargetError
from calibench.things.target_spec import TargetSpec


async def user_keys(spec: TargetSpec, name: str, passphrase: str | None) -> dict[str, Any]:
    """What asyncssh is told of keys: those of the target only, or what ssh itself would try.

    A key file with a passphrase that was not given is left to ssh-agent where it holds that key.

    Raises:
        TargetError: the key file cannot be used.
    """
    if spec.key is None:
        return {"passphrase": passphrase}
    path = spec.key.expanduser()
    public = _public_part(path)
    if _is_locked(path, name, passphrase) and not (public and await _agent_holds(public)):
        raise TargetError(
            f"{name}: the key {path} has a passphrase. Give it, or let ssh-agent hold it (ssh-add {path})."
        )
    # Only this key is asked of ssh-agent: a machine counts every other one as a wrong try.
    return {
        "client_keys": [str(path)],
        "passphrase": passphrase,
        "ignore_encrypted": True,
        "agent_identities": [public] if public else None,
    }


def refused_keys(name: str, key: Path | None) -> TargetError:
    """The machine let nobody in. Passwords are never tried."""
    if key is not None:
        return TargetError(
            f"{name}: refused the key {key}. Add {key}.pub to ~/.ssh/authorized_keys there, or choose another --key."
        )
    agent = "those of ssh-agent" if os.environ.get("SSH_AUTH_SOCK") else "there is no ssh-agent"
    return TargetError(
        f"{name}: no key was accepted (keys in ~/.ssh were tried, {agent}; passwords never are). "
        "Name the key file with --key, or add a public key to ~/.ssh/authorized_keys there."
    )


def _is_locked(path: Path, name: str, passphrase: str | None) -> bool:
    """Whether the private key needs a passphrase and none was given."""
    import asyncssh

    try:
        asyncssh.read_private_key(path, passphrase)
    except OSError as error:
        raise TargetError(f"{name}: the key {path} cannot be read: {error.strerror}.") from None
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
        if str(error).startswith("Passphrase"):
            return True
        if "requires bcrypt" in str(error):
            raise TargetError(
                f"{name}: opening the key {path} needs bcrypt. Install it: pip install 'calibench[targets]'."
            ) from None
        if isinstance(error, asyncssh.KeyEncryptionError) or "decrypt" in str(error):
            raise TargetError(f"{name}: the passphrase does not open the key {path}.") from None
        if _is_public(path):
            private = f"{path.with_suffix('')}" if path.suffix == ".pub" else "the file of its private half"
            raise TargetError(f"{name}: {path} is the public half of a key. Give {private}.") from None
        raise TargetError(f"{name}: {path} is no private key of SSH: {error}.") from None
    return False


def _public_part(path: Path) -> bytes | None:
    import asyncssh

    for place in (Path(f"{path}.pub"), path):
        try:
            return asyncssh.read_public_key(place).public_data
        except (OSError, asyncssh.KeyImportError):
            continue
    return None


def _is_public(path: Path) -> bool:
    import asyncssh

    try:
        asyncssh.read_public_key(path)
    except asyncssh.KeyImportError:
        return False
    return True


async def _agent_holds(public: bytes) -> bool:
    import asyncssh

    try:
        async with asyncssh.connect_agent() as agent:
            return bool(await agent.get_keys([public]))
    except (OSError, ValueError):
        return False
