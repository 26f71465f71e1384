"""The page Optimize INT8 in a real browser: checked as it is typed, nothing lost, one click to the new project."""

from collections.abc import Callable
from typing import Any

import pytest
from page_site import PHONE, Site, fits, go

pytestmark = pytest.mark.browser

OpenPage = Callable[..., Any]


def open_form(open_page: OpenPage, project: int = 1, **how: Any) -> Any:
    page = open_page(f"/projects/{project}/optimize", **how)
    page.get_by_role("heading", name="Calibration dataset").wait_for()
    return page


def calibration(site: Site) -> str:
    return next(call for call in site.calls() if call.startswith("('calibrate'"))


def test_the_defaults_calibrate_all_images_by_the_default_method_and_lead_to_the_new_project(
    open_page: OpenPage, site: Site
) -> None:
    page = open_form(open_page)
    page.get_by_text("1,020 images of 1,020.").wait_for()
    page.get_by_role("button", name="Calibrate", exact=True).click()
    page.wait_for_url("**/projects/9*")
    asked = calibration(site)
    for words in ("subset_percent=100", "method='default'", "preset='performance'", "calibration_dataset_id=None"):
        assert words in asked
    page.locator(".job-panel").get_by_text("Queued").wait_for()


def test_a_double_click_calibrates_once(open_page: OpenPage, site: Site) -> None:
    page = open_form(open_page)
    page.get_by_text("1,020 images of 1,020.").wait_for()
    page.get_by_role("button", name="Calibrate", exact=True).dblclick()
    page.wait_for_url("**/projects/9*")
    page.locator(".job-panel").get_by_text("Queued").wait_for()
    assert sum(call.startswith("('calibrate'") for call in site.calls()) == 1


def test_accuracy_aware_has_a_maximum_drop_of_half_a_point_unless_it_is_changed(
    open_page: OpenPage, site: Site
) -> None:
    page = open_form(open_page)
    page.get_by_role("radio", name="AccuracyAware").click()
    field = page.get_by_label("Maximum accuracy drop, points")
    assert field.input_value() == "0.5"
    field.fill("0.2")
    page.get_by_label("Summary").get_by_text("at most 0.20 points").wait_for()
    page.get_by_role("radio", name="Mixed").click()
    page.get_by_label("Subset size, %").first.fill("25")
    page.get_by_text("255 images of 1,020.").wait_for()
    page.get_by_role("button", name="Calibrate", exact=True).click()
    page.wait_for_url("**/projects/9*")
    asked = calibration(site)
    for words in ("max_drop=0.2", "method='accuracy-aware'", "preset='mixed'", "subset_percent=25"):
        assert words in asked


def test_wrong_values_are_told_beside_the_field_and_calibrate_is_greyed_out_with_the_reason(
    open_page: OpenPage, site: Site
) -> None:
    page = open_form(open_page)
    page.get_by_label("Subset size, %").first.fill("140")
    page.locator(".limit-line").get_by_text("Must be less than or equal to 100.").wait_for()
    button = page.get_by_role("button", name="Calibrate", exact=True)
    assert button.get_attribute("aria-disabled") == "true"
    page.get_by_text("Advanced settings").click()
    page.get_by_label("Further settings as YAML").fill("range_rule: best")
    page.get_by_role("alert").filter(has_text="range_rule: Input should be").wait_for()
    page.get_by_label("Further settings as YAML").fill("range_rule: mse")
    page.get_by_label("Subset size, %").first.fill("10")
    page.get_by_text("102 images").wait_for()
    button.click()
    page.wait_for_url("**/projects/9*")
    assert "'range_rule': 'mse'" in calibration(site)


def test_what_was_entered_is_still_there_after_a_reload(open_page: OpenPage) -> None:
    page = open_form(open_page)
    page.get_by_label("Subset size, %").first.fill("30")
    page.get_by_role("radio", name="AccuracyAware").click()
    page.get_by_label("Name of the INT8 model").fill("my model")
    page.get_by_text("306 images").wait_for()
    page.reload()
    page.get_by_text("306 images").wait_for()
    assert page.get_by_role("radio", name="AccuracyAware").get_attribute("aria-checked") == "true"
    assert page.get_by_label("Name of the INT8 model").input_value() == "my model"


def test_an_import_leads_back_with_all_entries_and_the_new_dataset_selected(open_page: OpenPage, site: Site) -> None:
    page = open_form(open_page)
    page.get_by_label("Subset size, %").first.fill("30")
    page.get_by_text("306 images").wait_for()
    page.get_by_role("link", name="Import").click()
    page.wait_for_url("**/datasets/import?back=*")
    go(page, f"{site.address}/projects/1/optimize?calibration=4")
    page.get_by_text("is being imported. Go on here").wait_for()
    assert page.get_by_label("Subset size, %").first.input_value() == "30"
    button = page.get_by_role("button", name="Calibrate", exact=True)
    assert button.get_attribute("aria-disabled") == "true"
    site.post("/fake/datasets/4/change", {"state": "ready", "samples": 500, "has_pictures": True})
    page.get_by_text("150 images of 500.").wait_for()
    assert button.get_attribute("aria-disabled") == "false"


def test_accuracy_aware_is_greyed_out_with_its_reason_where_settings_are_missing(
    open_page: OpenPage, site: Site
) -> None:
    site.post("/fake/models/1/change", {"accuracy_settings": {}})
    page = open_form(open_page)
    page.get_by_text("Accuracy settings are missing.").wait_for()
    assert page.get_by_role("radio", name="AccuracyAware").get_attribute("aria-disabled") == "true"
    assert page.get_by_role("link", name="Set them").get_attribute("href") == "/models/1/accuracy"
    site.post("/fake/models/1/change", {"accuracy_settings": {"metric": "top1"}})
    page.get_by_text("Accuracy settings are missing.").wait_for(state="detached")


def test_what_cannot_be_calibrated_says_so_above_the_form(open_page: OpenPage) -> None:
    page = open_form(open_page, 2)
    page.get_by_text("This model is INT8 already.").wait_for()
    assert page.get_by_role("button", name="Calibrate", exact=True).get_attribute("aria-disabled") == "true"


def test_the_form_fits_a_phone_with_its_advanced_settings_open(open_page: OpenPage) -> None:
    page = open_form(open_page, size=PHONE, scheme="dark")
    page.get_by_text("Advanced settings").click()
    page.get_by_label("Further settings as YAML").wait_for()
    assert fits(page)


def test_arrows_go_round_the_cards_and_keep_their_meaning_in_a_field(open_page: OpenPage) -> None:
    page = open_form(open_page)
    page.get_by_role("radio", name="Default").focus()
    page.keyboard.press("ArrowRight")
    drop = page.get_by_label("Maximum accuracy drop, points")
    drop.wait_for()
    page.wait_for_function("document.activeElement.ariaLabel === 'AccuracyAware'")
    drop.focus()
    page.keyboard.press("ArrowUp")
    assert drop.input_value() == "0.6"
    page.get_by_role("radio", name="AccuracyAware").focus()
    page.keyboard.press("ArrowDown")
    drop.wait_for(state="hidden")


def test_the_whole_form_is_filled_by_the_keyboard(open_page: OpenPage, site: Site) -> None:
    page = open_form(open_page)
    page.get_by_role("radio", name="AccuracyAware").focus()
    page.keyboard.press("Space")
    page.get_by_label("Summary").get_by_text("at most 0.50 points").wait_for()
    page.keyboard.press("Tab")
    page.keyboard.type("1")
    page.get_by_role("button", name="Calibrate", exact=True).focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/projects/9*")
    assert "method='accuracy-aware'" in calibration(site)


def test_a_taken_name_is_told_beside_its_field_before_anything_is_calibrated(open_page: OpenPage, site: Site) -> None:
    page = open_form(open_page)
    page.get_by_label("Name of the INT8 model").fill("resnet18-flowers")
    said = page.get_by_role("alert").filter(has_text="There is a model 'resnet18-flowers' already.")
    said.wait_for()
    assert "name:" not in said.inner_text()
    assert page.get_by_role("button", name="Calibrate", exact=True).get_attribute("aria-disabled") == "true"
    page.get_by_label("Name of the INT8 model").fill("another")
    page.locator("button[aria-disabled=false]", has_text="Calibrate").wait_for()
