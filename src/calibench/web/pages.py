"""All pages, mounted beside the REST routes of one application."""

from pathlib import Path
from typing import TYPE_CHECKING

import nicegui
from fastapi import FastAPI
from fastapi.middleware.gzip import GZipMiddleware
from nicegui import binding, ui

from calibench.web import (
    accuracy_page,
    compare_page,
    dataset_list,
    dataset_page,
    found_page,
    help_page,
    import_page,
    job_list,
    job_page,
    model_list,
    model_page,
    new_project,
    not_found,
    optimize_page,
    project_list,
    project_page,
    target_form,
    target_list,
    target_page,
)

if TYPE_CHECKING:
    from calibench.workbench.door import Workbench

PAGES = (
    not_found,
    project_list,
    new_project,
    import_page,
    model_list,
    model_page,
    dataset_list,
    dataset_page,
    target_list,
    target_form,
    target_page,
    job_list,
    job_page,
    found_page,
    help_page,
    project_page,
    optimize_page,
    accuracy_page,
    compare_page,
)
"""Modules with `register(workbench)`, which names the paths of their pages. The first path that fits serves: a fixed
one, such as /models/import, stands before /models/{id}."""

ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#1f66d0"/>'
    '<path d="M7 23V15M13 23V9M19 23v-6M25 23V12" stroke="#fff" stroke-width="3.4" stroke-linecap="round"/></svg>'
)


COMPRESSION = 4
"""Of what is sent: 1 MB of scripts and styles in 26 ms, where level 9 takes 68 ms and saves 13 kB."""


PROPAGATION_S = 1.0
"""That NiceGUI may take to carry values between fields before it complains in the terminal: a busy machine is no fault
that whoever started the server could mend."""


def mount(app: FastAPI, workbench: "Workbench") -> None:
    """Put the pages onto `app`, below its own routes. One application a process: NiceGUI keeps its routes globally."""
    binding.MAX_PROPAGATION_TIME = PROPAGATION_S
    ui.add_css((Path(__file__).parent / "calibench.css").read_text(encoding="utf-8"), shared=True)
    # a page needs it before it shows anything, and would ask for it only after all others have come
    cleaner = f"/_nicegui/{nicegui.__version__}/static/dompurify.mjs"
    ui.add_head_html(f'<link rel="modulepreload" href="{cleaner}">', shared=True)
    for page in PAGES:
        page.register(workbench)
    ui.run_with(
        app,
        mount_path="/",
        title="Calibench",
        favicon=ICON,
        dark=None,
        language="en-US",
        tailwind=False,
        reconnect_timeout=30,
        show_welcome_message=False,
        gzip_middleware_factory=lambda app: GZipMiddleware(app, compresslevel=COMPRESSION),
    )
