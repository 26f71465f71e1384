"""Clean or remove a target: what goes is said first, what prevents it too."""

from typing import TYPE_CHECKING

from nicegui import run, ui

from calibench.errors import CalibenchError
from calibench.things.kept import Target, jobs_go_on
from calibench.web import looks
from calibench.web.asking import buttons, dialog
from calibench.web.page_words import in_page
from calibench.web.words import said, tell, text

if TYPE_CHECKING:
    from calibench.workbench.door import Workbench


def ask_clean(workbench: "Workbench", target: Target) -> None:
    """Say what a cleaning removes there, do it when that is confirmed, and say how much it freed."""
    client = ui.context.client

    async def go() -> None:
        button.set_enabled(False)
        words.set_text(f"{target.name} is being cleaned ...")
        try:
            cleaned = await run.io_bound(workbench.targets.clean, target.id)
        except CalibenchError as error:
            words.set_text(in_page(str(error)))
            words.classes("bad")
            return
        if client.is_deleted or cleaned is None:  # nobody is there any more
            return
        if not opened.is_deleted:
            opened.close()
        freed = f"{target.name}: {looks.size(cleaned.freed_bytes)} are free again. The next job brings what it needs."
        with client:
            said(f"{freed} {jobs_go_on(cleaned.jobs_kept)}".rstrip())

    async def look() -> None:
        try:
            cache = await run.io_bound(workbench.targets.cache, target.id)
        except CalibenchError as error:
            kept.set_text(in_page(str(error)))
            button.set_enabled(False)
            return
        if cache is not None:
            kept.set_text(f"It keeps {cache.told(looks.size)}")

    with dialog(f"Clean {target.name}?") as opened:
        what = (
            f"Removes below {target.spec.home} there: environments, models and pictures that were sent, and what is "
            "left of jobs. Results are here and stay. The next job sends again what it needs."
        )
        text(what, "p").classes("name")
        kept = text("Looking how much it keeps ...", "p").props("role=status")
        ui.timer(0, look, once=True)
        words = text("", "p").props("role=status")
        button = buttons(opened, "Clean", go)


def ask_removal(workbench: "Workbench", target: Target) -> None:
    """Say what prevents it, or forget the target when that is confirmed."""
    hindrance = workbench.targets.removal_hindrance(target.id)

    def go() -> None:
        try:
            workbench.targets.remove(target.id)
        except CalibenchError as error:
            tell(error)
        else:
            opened.close()
            ui.navigate.to("/targets")

    with dialog(f"Remove {target.name}?") as opened:
        if hindrance is None:
            stays = (
                " What it keeps there stays: clean it first, if nobody needs that." if target.spec.keeps_files else ""
            )
            text(f"It is forgotten here.{stays}", "p")
        else:
            text(hindrance.sentence, "p").classes("name")
            if hindrance.link:
                ui.link(hindrance.action, hindrance.link)
        buttons(opened, "Remove", go, "negative").set_enabled(hindrance is None)
