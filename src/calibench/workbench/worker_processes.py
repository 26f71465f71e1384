"""Whether a calibration may be shared among processes of the server's machine."""

from importlib.util import find_spec

from calibench.things.kept import Target

NEEDED = ("dask", "distributed")


def why_no_workers(target: Target) -> str:
    """Why a calibration on a target takes no worker processes, in a sentence; '': it does."""
    if target.kind == "dask":
        return f"{target.name} has workers of its own."
    if not target.spec.is_here:
        return f"Only on the server's own machine; this runs on {target.name}."
    if any(find_spec(name) is None for name in NEEDED):
        return "Needs Dask on the server: pip install 'calibench[targets]'."
    return ""
