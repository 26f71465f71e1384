"""Accuracy settings in a real browser: tried at once, the likely mistake mended, form and YAML in step, saved."""

from collections.abc import Callable
from typing import Any

import pytest
from page_site import PHONE, Site, becomes, fits

pytestmark = pytest.mark.browser

OpenPage = Callable[..., Any]
FIRST_TRIAL = 13
"""Id of the job that the page starts when it opens."""


def open_tried(open_page: OpenPage, site: Site, path: str = "/models/1/accuracy", **how: Any) -> Any:
    """The page after its first trial."""
    page = open_page(path, **how)
    page.locator(".job-panel").wait_for()
    finish(site, FIRST_TRIAL)
    page.get_by_text("top1 on 20 samples").wait_for()
    return page


def finish(site: Site, job: int) -> None:
    site.post(f"/fake/jobs/{job}/change", {"state": "done", "progress": 1.0})


def test_settings_are_tried_at_once_and_pictures_stand_with_predictions_beside_annotations(
    open_page: OpenPage, site: Site
) -> None:
    page = open_tried(open_page, site)
    assert page.get_by_text("85.00 %", exact=True).is_visible()
    assert page.locator("article").count() == 8
    assert page.locator("article").first.get_by_text("Annotated").is_visible()
    assert len(site.asked("try_settings")) == 1


def test_the_likely_mistake_is_named_and_one_button_mends_it_and_tries_again(open_page: OpenPage, site: Site) -> None:
    page = open_tried(open_page, site)
    page.get_by_text("The model expects BGR pictures").wait_for()
    page.get_by_role("button", name="Mend it").click()
    page.locator(".job-panel").wait_for()
    tried = site.asked("try_settings", 2)
    assert len(tried) == 2
    assert "'color': 'bgr'" in tried[1]
    becomes(lambda: "color: bgr" in page.get_by_label("Accuracy settings as YAML").input_value(), True)


def test_form_and_yaml_are_kept_in_step(open_page: OpenPage, site: Site) -> None:
    page = open_tried(open_page, site)
    yaml = page.get_by_label("Accuracy settings as YAML")
    page.get_by_label("Mean").fill("127.5")
    page.wait_for_function(
        "[...document.querySelectorAll('textarea')].some(box => box.value.includes('mean: [127.5]'))"
    )
    yaml.fill("inputs:\n  '':\n    scale: 255\ntask:\n  label_offset: 1\n")
    page.wait_for_function("[...document.querySelectorAll('input')].some(field => field.value === '255')")
    assert page.get_by_label("Label offset").input_value() == "1"
    assert page.get_by_label("Mean").input_value() == ""


def test_wrong_entries_are_told_at_once_and_cannot_be_saved(open_page: OpenPage, site: Site) -> None:
    page = open_tried(open_page, site)
    page.get_by_label("Scale").fill("0")
    page.get_by_text("A scale of 0 cannot divide.").first.wait_for()
    assert page.get_by_role("button", name="Save").get_attribute("aria-disabled") == "true"
    page.get_by_label("Scale").fill("1")
    page.get_by_label("Accuracy settings as YAML").fill("task: [")
    page.get_by_text("Line 1: this is no valid YAML").first.wait_for()
    page.get_by_label("Accuracy settings as YAML").fill("")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Saved, confirmed.").wait_for()
    assert site.asked("set_settings") == ["('set_settings', 1, {})"]


def test_saving_leads_back_to_where_one_came_from(open_page: OpenPage, site: Site) -> None:
    page = open_tried(open_page, site, "/models/1/accuracy?dataset=1&back=/projects/1")
    page.get_by_role("button", name="Save").click()
    page.wait_for_url("**/projects/1")


def test_an_address_of_another_host_is_not_gone_back_to(open_page: OpenPage, site: Site) -> None:
    page = open_tried(open_page, site, "/models/1/accuracy?back=//example.org")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Saved, confirmed.").wait_for()
    assert "/models/1/accuracy" in page.url


def test_settings_that_somebody_else_saved_meanwhile_are_not_overwritten_in_silence(
    open_page: OpenPage, site: Site
) -> None:
    page = open_tried(open_page, site)
    page.get_by_label("Label offset").fill("1")
    site.post("/fake/models/1/change", {"accuracy_settings": {"metric": "top5"}})
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("was changed meanwhile").wait_for()
    assert site.asked("set_settings", 0) == []
    page.get_by_role("button", name="Save mine over it").click()
    page.get_by_text("Saved, confirmed.").wait_for()
    assert "'label_offset': 1" in site.asked("set_settings")[0]


def test_a_trial_that_fails_says_why_and_can_be_repeated(open_page: OpenPage, site: Site) -> None:
    page = open_page("/models/1/accuracy")
    page.locator(".job-panel").wait_for()
    failure = {"kind": "SettingsError", "message": "No decoder fits the outputs prob."}
    site.post(f"/fake/jobs/{FIRST_TRIAL}/change", {"state": "failed", "failure": failure})
    page.get_by_text("No decoder fits the outputs prob.").wait_for()
    page.get_by_role("button", name="Try", exact=True).click()
    page.locator(".job-panel").wait_for()
    assert len(site.asked("try_settings", 2)) == 2


def test_an_int8_model_leads_to_the_settings_of_its_fp32_model(open_page: OpenPage) -> None:
    page = open_page("/models/2/accuracy")
    link = page.get_by_role("link", name="Go to its settings")
    link.wait_for()
    assert link.get_attribute("href") == "/models/1/accuracy"


def test_the_page_fits_a_phone(open_page: OpenPage, site: Site) -> None:
    page = open_tried(open_page, site, size=PHONE, scheme="dark")
    assert fits(page)
