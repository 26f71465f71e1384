"""How busy a target is, in words, with the time of it."""

from calibench.things.kept import TargetLoad
from calibench.web import looks
from calibench.web.target_looks import MB

UNREACHABLE = "cannot be reached now"


def busy_words(load: TargetLoad) -> str:
    """A word for a list: '37 %', or of a queue '3 of 12 nodes idle'."""
    if load.nodes is not None:
        return looks.NOTHING if load.idle_nodes is None else f"{load.idle_nodes:,} of {load.nodes:,} nodes idle"
    return percent_words(load.cpu_percent)


def when_words(load: TargetLoad) -> str:
    """Of another machine, how old that is: '10 s ago', 'cannot be reached now, seen 3 min ago'; '' for just now."""
    ago = "" if load.age_s is None else f"{looks.duration(load.age_s)} ago"
    if load.trouble:
        return f"{UNREACHABLE}, seen {ago}" if ago else UNREACHABLE
    if not ago and load.is_being_looked_at:
        return "being looked at"
    return ago


def load_sentences(load: TargetLoad, is_here: bool) -> str:
    """All that is known, for the page of a target."""
    parts = [_load_sentence(load), _nodes_sentence(load), _free_sentence(load, is_here)]
    if load.trouble:
        parts += [f"It cannot be reached now: {load.trouble}"]
    if not is_here and load.age_s is not None:
        parts += [f"Seen {looks.duration(load.age_s)} ago."]
    parts += [f"Jobs of this server: {jobs_words(load)}."]
    return " ".join(part for part in parts if part)


def percent_words(value: float | None) -> str:
    """A share of a machine that is busy."""
    return looks.NOTHING if value is None else f"{value:.0f} %"


def jobs_words(load: TargetLoad) -> str:
    """How many jobs run and wait there."""
    named = ((load.running, "running"), (load.queued, "queued"))
    return ", ".join(f"{count} {word}" for count, word in named if count) or "idle"


def _load_sentence(load: TargetLoad) -> str:
    if load.load is None or load.cores is None:
        return ""
    return f"Load {load.load:.1f} of {looks.count(load.cores, 'core')} in the last minute."


def _nodes_sentence(load: TargetLoad) -> str:
    return "" if load.idle_nodes is None else f"{load.idle_nodes:,} of {looks.count(load.nodes or 0, 'node')} idle."


def _free_sentence(load: TargetLoad, is_here: bool) -> str:
    parts = (
        (load.memory_free_mb, "of memory"),
        (load.disk_free_mb, f"of {'the data folder' if is_here else 'its home'}'s disk"),
    )
    known = [f"{looks.size(value * MB)} {what}" for value, what in parts if value is not None]
    return f"{' and '.join(known)} are free." if known else ""
