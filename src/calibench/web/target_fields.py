"""The fields of a target: which kind has which, what an entry means, and which field a fault belongs to."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from calibench.errors import CalibenchError
from calibench.things.target_spec import QUEUES, TargetKind, TargetSpec
from calibench.web.asking import sentence

Entry = Literal["words", "whole", "path", "minutes", "hosts"]
Way = Literal["scheduler", "hosts", "slurm", "pbs"]
"""How a cluster comes by its workers: they run already, or are started on machines or by a queue."""


@dataclass(frozen=True)
class TargetField:
    """A field; `name` is dotted, as in TargetSpec. `part`: where it stands in the form."""

    name: str
    title: str
    part: Literal["host", "there", "queue", "cluster", "machines", "started"]
    hint: str = ""
    entry: Entry = "words"
    example: str = ""


FIELDS = (
    TargetField("host", "Machine", "host", "name or address; a name of ~/.ssh/config works too", example="lab.example"),
    TargetField("user", "User", "host", "empty: the user that runs this server"),
    TargetField("port", "Port", "host", entry="whole"),
    TargetField("key", "Private key file", "host",
                "on the server, below an allowed folder; empty: ssh-agent and ~/.ssh", "path", "~/.ssh/id_ed25519"),
    TargetField("queue.queue", "Queue", "queue", "partition of Slurm, queue of PBS; empty: the default one"),
    TargetField("queue.node_type", "Node type", "queue", "a feature of the node, such as avx512_vnni"),
    TargetField("queue.walltime_s", "Walltime, minutes", "queue",
                "after which the queue ends a job; empty: as it has it", "minutes"),
    TargetField("queue.cores", "Cores", "queue", "of one node", "whole"),
    TargetField("queue.memory_mb", "Memory, MB", "queue", "of one node; empty: as the queue has it", "whole"),
    TargetField("queue.account", "Account", "queue", "that the time is charged to"),
    TargetField("python", "Python there", "there", "runs Calibench, or makes the environment for it"),
    TargetField("home", "Folder there", "there", "the only one that is written to; from the user's home"),
    TargetField("wheels", "Folder of wheels", "there",
                "on the server, below an allowed folder; where the target has no network", "path", "/srv/wheels"),
    TargetField("scheduler", "Scheduler", "cluster", "of Dask, over TLS", example="tls://head:8786"),
    TargetField("tls_ca", "Certificate that both trust", "cluster", "on the server, below an allowed folder", "path"),
    TargetField("tls_cert", "Own certificate", "cluster", "on the server, below an allowed folder", "path"),
    TargetField("tls_key", "Key of it", "cluster", "on the server, below an allowed folder", "path"),
    TargetField("hosts", "Machines", "machines", "each as ssh://user@host:port, with blanks in between", "hosts",
                "ssh://me@lab1 ssh://me@lab2"),
    TargetField("key", "Private key file", "machines",
                "on the server, below an allowed folder; empty: ssh-agent and ~/.ssh", "path", "~/.ssh/id_ed25519"),
    TargetField("workers", "Workers", "started",
                "on each machine, empty: one a core; by a queue in all, empty: 2", "whole"),
    TargetField("listen", "Address of this server", "started", "that workers reach; empty: found out"),
)  # fmt: skip
TITLES = {f"--{name}": f"“{title}”" for name, title in (
    ("key", "Private key file"), ("python", "Python there"), ("home", "Folder there"), ("wheels", "Folder of wheels"),
    ("walltime", "Walltime"), ("queue", "Queue"), ("node-type", "Node type"), ("account", "Account"),
    ("cores", "Cores"), ("memory", "Memory"),
)}  # fmt: skip
"""Option of the command line -> the field that does the same."""


def way_of(spec: TargetSpec) -> Way:
    """How the cluster of a target comes by its workers."""
    return "hosts" if spec.hosts else spec.worker_queue or "scheduler"


def parts_of(kind: TargetKind, is_behind_host: bool, way: Way = "scheduler") -> tuple[str, ...]:
    """The parts of the form that a kind has."""
    if kind == "dask":
        if way == "scheduler":
            return ("cluster",)
        if way == "hosts":
            return ("machines", "started", "there")
        return ("host", "queue", "started", "there") if is_behind_host else ("queue", "started")
    if kind in QUEUES:
        return ("host", "queue", "there") if is_behind_host else ("queue", "there")
    return ("host", "there")


def entries_of(spec: TargetSpec) -> dict[str, Any]:
    """What stands in the fields of a target."""
    found: dict[str, Any] = {}
    for field in FIELDS:
        value = spec
        for name in field.name.split("."):
            value = getattr(value, name)
        found[field.name] = _shown(field, value)
    return found


def meant(
    kind: TargetKind, is_behind_host: bool, entries: Mapping[str, Any], way: Way = "scheduler"
) -> tuple[TargetSpec | None, dict[str, str]]:
    """The target that the entries mean, all its fields set; or what is wrong, by field."""
    values: dict[str, Any] = {"kind": kind}
    faults: dict[str, str] = {}
    parts = parts_of(kind, is_behind_host, way)
    if kind == "dask":
        values |= {"scheduler": None, "hosts": (), "worker_queue": way if way in QUEUES else None}
    if "host" not in parts:
        values["host"] = None
    for field in FIELDS:
        if field.part in parts:
            try:
                value = _value(field, entries.get(field.name))
            except CalibenchError as error:
                faults[field.name] = str(error)
                continue
            if fault := _fault(field, value):
                faults[field.name] = fault
            _put(values, field.name, value)
    try:
        spec = TargetSpec.model_validate(values)
    except ValidationError as error:
        for each in error.errors():
            name = ".".join(str(part) for part in each["loc"])
            faults.setdefault(name, _sentence(str(each["msg"])))
        return None, faults
    return (None if faults else spec), faults


def field_of(error: CalibenchError | ValidationError) -> tuple[str, str]:
    """The field that a refusal is about, '' where none is named, and its sentence."""
    words = sentence(error)
    name, colon, rest = words.partition(": ")
    if isinstance(error, ValidationError):
        return "name", words
    known = {"name", *(field.name for field in FIELDS)}
    name = name.removeprefix("spec.")
    return (name, rest[:1].upper() + rest[1:]) if colon and name in known else ("", words)


def _value(field: TargetField, entry: Any) -> Any:
    """None: as the default of the setting has it."""
    if isinstance(entry, str):
        entry = entry.strip()
    if entry in (None, ""):
        return None
    if field.entry == "minutes":
        return round(float(entry) * 60)
    if field.entry == "whole":
        return int(entry) if float(entry).is_integer() else entry
    if field.entry == "hosts":
        from calibench.targets.target_address import parse_target

        return parse_target(("dask", entry)).hosts
    if field.entry == "path":
        return Path(entry).expanduser() if entry.startswith("~/") else Path(entry)
    return entry


def _fault(field: TargetField, value: Any) -> str:
    if field.name == "host":
        if value is None:
            return "Name the machine."
        if "@" in value or "/" in value:
            return "Only the name of the machine: user and port have fields of their own."
    if field.entry == "path" and value is not None and not str(value).startswith("/"):
        return f"Give the whole path{f', such as {field.example}' if field.example else ''}."
    if field.name == "hosts" and not value:
        return f"Name the machines, such as {field.example}."
    if field.name == "scheduler":
        return _of_scheduler(value)
    if field.name == "queue.walltime_s" and value is not None and value < 60:
        return "At least 1 minute."
    return ""


def _of_scheduler(value: str | None) -> str:
    from calibench.targets.target_address import parse_target

    if value is None:
        return "Name the scheduler, such as tls://head:8786."
    try:
        parse_target(("dask", value))
    except CalibenchError as error:
        words = str(error).removeprefix(f"{value}: ")
        return words[:1].upper() + words[1:]
    return ""


def _put(values: dict[str, Any], name: str, value: Any) -> None:
    section, _, inner = name.partition(".")
    if value is None and (name in ("port", "python", "home", "queue.cores", "hosts")):
        return  # these have a default that is no None
    if inner:
        values.setdefault(section, {})[inner] = value
    else:
        values[section] = value


def _shown(field: TargetField, value: Any) -> Any:
    if value is None:
        return None if field.entry in ("whole", "minutes") else ""
    if field.entry == "hosts":
        return " ".join(host.address for host in value)
    if field.entry == "minutes":
        return value // 60 if value % 60 == 0 else round(value / 60, 2)
    return value if field.entry == "whole" else str(value)


def _sentence(words: str) -> str:
    words = words.removeprefix("Value error, ").replace("Input should be", "Must be")
    return words[:1].upper() + words[1:] + "."
