"""What `--resume OUT` goes on with: everything as it was asked for, but how long to look."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from calibench.cli.accuracy_options import seconds
from calibench.errors import JobError, SettingsError

if TYPE_CHECKING:
    from calibench.reports.run_file import Asked

ALLOWED = ("resume", "time_budget", "max_trials", "no_benchmark", "threads", "workers", "json_", "log_file", "debug")
"""Parameters that change what an interrupted run costs, not what it finds."""


def asked_before(context: typer.Context, out: Path) -> "Asked":
    """What the run in `out` was asked for, with the budget and the threads of now.

    Raises:
        SettingsError: an option is given that would make another search of it.
        JobError: there is no run to go on with.
    """
    from calibench.reports.run_file import read_asked
    from calibench.settings import make_settings

    _check_options(context)
    found = read_asked(out)
    if found.settings.caffe is not None and found.settings.exact_subset:
        raise JobError(f"{out}: was begun by calibench caffe. Give that command again, with --resume.")
    if found.in_memory or found.dataset is None:
        raise JobError(f"{out}: was begun in Python, with samples in memory. Go on there: calibrate(..., resume=True).")
    values, params = found.settings.model_dump(), context.params
    if params["threads"]:
        values["threads"] = params["threads"]
    if params["time_budget"]:
        values["accuracy"]["time_budget_s"] = seconds("--time-budget", params["time_budget"])
    if params["max_trials"]:
        values["accuracy"]["max_trials"] = params["max_trials"]
    benchmark = found.benchmark and not params["no_benchmark"]
    return found.model_copy(update={"settings": make_settings(values), "benchmark": benchmark})


def interrupted_sentence(out: Path, resume: bool = False) -> str:
    """What to say when a run in `out` was stopped; '' where it left nothing.

    Args:
        resume: the run went on with another one, which may have been finished.
    """
    from calibench.reports.run_file import is_unfinished, run_file
    from calibench.search.journal import count_kept

    if not (is_unfinished(out) or (resume and run_file(out).exists())):
        return ""
    kept = count_kept(out)
    said = {0: "the search is kept", 1: "1 trial is kept"}.get(kept, f"{kept} trials are kept")
    return f"Interrupted; {said}: go on with --resume {out}."


def refuse_others(context: typer.Context) -> None:
    """Refuse all options beside --resume that mean the job: one that is on its way from a target goes on as it is.

    Raises:
        SettingsError: names the option.
    """
    _check_options(context, ("resume", "target", "data_dir", "json_", "log_file", "debug"))


def _check_options(context: typer.Context, allowed: tuple[str, ...] = ALLOWED) -> None:
    for param in context.command.params:
        value = context.params.get(param.name or "")
        if param.name in allowed or value is None or value is False or value in ((), []):
            continue
        name = next((option for option in param.opts if option.startswith("--")), "MODEL")
        raise SettingsError(
            f"--resume goes on with what was asked for before, so {name} cannot be given. Leave it out; "
            "--time-budget, --max-trials, --no-benchmark, --threads and --workers may change."
        )
