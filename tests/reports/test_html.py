import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from report_samples import comparison_report, full_report, rich_report, small_report

from calibench.errors import JobError
from calibench.reports.html import embedded, render_html, write_html
from calibench.reports.page import figures, glance, shown_samples, time_spent
from calibench.reports.page.class_table import class_table
from calibench.reports.page.layer_table import layer_details
from calibench.reports.page.verdict import verdict
from calibench.reports.report import ClassRow, LayerRow, Report, SampleRow, Shown, TimedLayer, WeightChannels

HARM = "</script><b>bold</b>\u2028'\"&"
VOID = {"meta", "input", "br", "link", "img"}


class Page(HTMLParser):
    """Tags in their order, the text of cells, and what is not closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.cells: list[str] = []
        self.headings: list[str] = []
        self.scripts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in ("td", "h2", "script"):
            {"td": self.cells, "h2": self.headings, "script": self.scripts}[tag].append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, self.getpos()

    def handle_data(self, data: str) -> None:
        for tag, texts in (("td", self.cells), ("h2", self.headings), ("script", self.scripts)):
            if tag in self.open:
                texts[-1] += data


def harmful(report: Report) -> Report:
    """Every name in the report tries to leave its place."""
    shown = Shown(text=HARM, boxes=((0.1, 0.1, 0.2, 0.2),), box_labels=(HARM,))
    sample = SampleRow(
        name=HARM, baseline_value=1, int8_value=0, worse=1, truth=shown, picture="https://example.org/x.png"
    )
    return report.model_copy(
        update={
            "model": report.model.model_copy(update={"name": HARM, "path": HARM}),
            "layers": (LayerRow(name=HARM, type=HARM, precision="float", reason=HARM, fp32_ms=1.0, int8_ms=1.0),),
            "classes": (ClassRow(label=0, name=HARM, count=1, baseline=1.0, int8=1.0, drop=0.0),),
            "samples": (sample,),
            "notes": (HARM,),
            "runtime_layers": {"int8": (TimedLayer(name=HARM, type=HARM, time_ms=1.0, original_names=(HARM,)),)},
            "details": {HARM: (1.0, 1.0)},
            "metric": HARM,
        }
    )


@pytest.mark.parametrize("make", [small_report, full_report, rich_report, comparison_report])
def test_the_page_is_whole_and_asks_for_nothing_outside(make) -> None:
    page = Page(render_html(make()))
    assert page.open == []
    addresses = [value for _, attrs in page.tags for key, value in attrs.items() if key in ("src", "href", "action")]
    assert [each for each in addresses if not (each or "").startswith(("#", "data:"))] == []
    policy = next(attrs["content"] for _, attrs in page.tags if "http-equiv" in attrs)
    assert policy and policy.startswith("default-src 'none'")


def test_names_cannot_leave_their_place() -> None:
    text = render_html(harmful(rich_report()))
    page = Page(text)
    assert page.open == []
    assert "<b>bold" not in text
    assert "example.org" not in text
    data = json.loads(next(script for script in page.scripts if script.startswith("{")))
    assert data["layers"][0]["name"] == HARM
    assert HARM in page.cells


def test_embedded_json_holds_no_sign_that_ends_a_script() -> None:
    text = embedded({"</script>": "<!-- &\u2029"})
    assert not set("<>&\u2029") & set(text)
    assert json.loads(text) == {"</script>": "<!-- &\u2029"}


def test_tables_and_headline_stand_in_the_page_without_a_script() -> None:
    report = rich_report()
    text = render_html(report)
    cells = Page(text).cells
    assert {row.name for row in report.layers} <= set(cells)
    assert {row.name for row in report.classes} <= set(cells)
    assert verdict(report) in text


def test_sections_without_data_are_left_out() -> None:
    assert Page(render_html(small_report())).headings == ["How it was made"]
    assert Page(render_html(comparison_report())).headings == ["At a glance", "How it was made"]
    assert Page(render_html(rich_report())).headings == [
        "At a glance",
        "What to do next",
        "Where the models differ",
        "Where the time goes",
        "Classes",
        "Layers",
        "How it was made",
        "",
    ]


def test_a_comparison_tells_of_no_recipe_and_names_both_models() -> None:
    text = render_html(comparison_report())
    assert "Recipe" not in text
    assert "in/lite0-int8.xml" in text


def test_the_library_of_charts_is_in_the_page_only_where_there_are_charts() -> None:
    assert len(render_html(comparison_report())) < 100_000 < len(render_html(full_report())) < 2_500_000


def test_the_same_report_gives_the_same_page() -> None:
    assert render_html(rich_report()) == render_html(rich_report())


def test_a_page_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    with pytest.raises(JobError, match="cannot be written"):
        write_html(small_report(), tmp_path / "missing" / "report.html")


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        (
            {"speedup_fp32": 2.71, "drop_points": 0.31, "metric": "top1", "evaluated": 300},
            "INT8 runs 2.7 times as fast as exact FP32 and loses 0.31 points of top1 on 300 samples.",
        ),
        (
            {"speedup_fp32": 2.6, "speedup": 1.45, "default_precision": "bf16", "default_fps": 5.0, "fp32_fps": 2.0},
            "INT8 runs 2.6 times as fast as exact FP32 (1.45 times the bf16 that this device runs by default).",
        ),
        (
            {"drop_points": -0.2, "metric": "cer", "higher_is_better": False},
            "INT8 is 0.20 points better in cer (lower is better).",
        ),
        (
            {"drop_points": 0.62, "metric": "psnr", "unit": "dB", "evaluated": 5},
            "INT8 loses 0.62 dB of psnr on 5 samples.",
        ),
        (
            {"drop_points": 0.62, "drop_interval": (-0.1, 1.3), "metric": "top1", "evaluated": 50},
            "INT8 loses 0.62 points of top1 on 50 samples, a difference that can be chance.",
        ),
        (
            {"drop_points": 0.62, "drop_interval": (0.1, 1.3), "metric": "top1", "evaluated": 50},
            "INT8 loses 0.62 points of top1 on 50 samples.",
        ),
        ({"drop_points": 0.001, "metric": "top1"}, "INT8 loses nothing of top1."),
        ({"drop_points": -1.0, "metric": "top1"}, "INT8 gains 1.00 points of top1."),
        ({"speedup_fp32": 0.84}, "INT8 runs at 84 % of the speed of exact FP32."),
        ({}, "Neither speed nor accuracy of the INT8 model was measured."),
    ],
)
def test_the_verdict_is_a_plain_sentence(fields, sentence) -> None:
    said = verdict(small_report().model_copy(update=fields))
    assert said.replace("\N{NO-BREAK SPACE}", " ") == sentence


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (figures.number(-0.001, 2), "0.00"),
        (figures.number(-1.5, 2), "\N{MINUS SIGN}1.50"),
        (figures.score(41.274, "%"), "41.27\N{NO-BREAK SPACE}%"),
        (figures.score(31.2, "dB"), "31.2\N{NO-BREAK SPACE}dB"),
        (figures.drop_unit("%"), "points"),
        (figures.drop_unit("dB"), "dB"),
        (figures.number(float("nan"), 2), "no number"),
        (figures.number(float("-inf")), "\N{MINUS SIGN}\N{INFINITY}"),
        (figures.decibels(200.0), "no noise"),
        (figures.decibels(23.04), "23.0"),
        (figures.fps(3.14159), "3.14"),
        (figures.fps(812.4), "812"),
        (figures.megabytes(4_990_000), "5.0"),
        (figures.megabytes(87_000), "0.087"),
        (figures.milliseconds(0.03896), "0.039"),
    ],
)
def test_numbers_are_written_with_the_digits_that_tell(text, wanted) -> None:
    assert text == wanted


def test_a_metric_states_unit_and_direction_and_a_drop_is_positive_when_worse() -> None:
    report = comparison_report().model_copy(update={"details": {"words": (10.0, 12.5)}})
    assert glance.quantities(report).rows[0][0].text == "cer, %, lower is better"
    assert glance.details(report).rows[0][3].text == "2.50"
    assert class_table(rich_report()).columns[-1].note == "points, positive is worse"


def test_bars_of_speed_share_one_scale_and_show_the_spread() -> None:
    bars = glance.speed_bars(full_report())
    assert [bar.tone for bar in bars] == ["fp32", "default", "int8"]
    assert bars[2].high == 100
    assert bars[0].share == pytest.approx(100 * 312.2 / (811 * 1.02), abs=0.01)


def test_how_sure_the_drop_is_stands_beside_it() -> None:
    minus = "\N{MINUS SIGN}"
    assert glance.tiles(rich_report())[0].note.endswith(f"95 % confidence {minus}0.12 to 0.74")
    assert glance.quantities(rich_report()).rows[2][3].text == f"{minus}0.12 to 0.74"


def test_a_device_whose_default_is_fp32_has_two_bars() -> None:
    assert [column.title for column in glance.quantities(comparison_report()).columns] == ["", "FP32, exact", "INT8"]
    assert [bar.tone for bar in glance.speed_bars(comparison_report())] == ["fp32", "int8"]


def test_time_is_summed_by_type_and_precision_for_both_models() -> None:
    def layer(name: str, kind: str, ms: float, precision: str) -> TimedLayer:
        return TimedLayer(name=name, type=kind, time_ms=ms, precision=precision)

    before = (layer("a", "Convolution", 2, "F32"), layer("b", "Convolution", 1, "F32"), layer("c", "MatMul", 1, "F32"))
    after = (layer("a", "Convolution", 1, "I8"), layer("r", "Reorder", 0.5, "F32"), layer("c", "MatMul", 0.4, "I8"))
    report = small_report().model_copy(update={"runtime_layers": {"fp32": before, "int8": after}})
    assert time_spent.by_type(report) == [
        time_spent.Spent("Convolution", 3, 1),
        time_spent.Spent("MatMul", 1, 0.4),
        time_spent.Spent("Reorder", 0, 0.5),
    ]
    assert time_spent.by_precision(report) == [time_spent.Spent("F32", 4, 0.5), time_spent.Spent("I8", 0, 1.4)]
    slow = time_spent.slowest(report)
    assert [row[0].text for row in slow.rows] == ["a", "r", "c"]
    assert [cell.text for cell in slow.rows[0]][-3:] == ["2.00", "1.00", "52.6"]


def test_without_a_profile_the_times_of_the_layers_serve() -> None:
    row = LayerRow(name="a", type="MatMul", precision="int8", fp32_ms=2.0, int8_ms=0.5, runtime_precision="I8")
    report = small_report().model_copy(update={"layers": (row,)})
    assert time_spent.by_type(report) == [time_spent.Spent("MatMul", 2.0, 0.5)]
    assert time_spent.totals(report) == (2.0, 0.5)


def test_a_layer_has_its_range_step_histogram_weights_and_reason() -> None:
    detail = layer_details(rich_report())[0]
    assert detail["ranges"][0]["low"] == -2.0
    assert detail["ranges"][0]["step"] == [pytest.approx(6 / 255, rel=1e-3)] * 2
    assert len(detail["ranges"][0]["seen"]["counts"]) == 128
    assert len(detail["weights"]["largest"]) == 64
    assert detail["kernels"] == {"fp32": "brgconv_avx512_F32", "int8": "brgconv_avx512_I8"}
    assert layer_details(rich_report())[5]["reason"].startswith("its predicted output is poor")


def test_of_many_channels_every_second_is_drawn() -> None:
    row = rich_report().layers[0]
    many = WeightChannels(channels=4096, largest=tuple(range(1024)), error_db=tuple(range(1024)))
    report = small_report().model_copy(update={"layers": (row.model_copy(update={"weights": many}),)})
    weights = layer_details(report)[0]["weights"]
    assert weights["largest"][:3] == weights["error_db"][:3] == [0, 2, 4]
    assert (len(weights["largest"]), weights["channels"]) == (512, 4096)


def test_what_is_no_number_does_not_stop_the_page() -> None:
    nan = float("nan")
    row = rich_report().layers[0].model_copy(update={"output_db": nan, "int8_ms": nan})
    report = rich_report().model_copy(update={"layers": (row,), "drop_points": nan, "int8": nan, "runtime_layers": {}})
    text = render_html(report)
    assert "no number" in text
    assert 'data-value="nan"' not in text


@pytest.mark.parametrize(
    ("path", "title"),
    [("nets/lite0.onnx", "lite0.onnx"), ("lite0/model.xml", "lite0/model.xml"), ("model.xml", "model.xml")],
)
def test_the_page_is_headed_by_the_name_of_the_file(path, title) -> None:
    report = small_report()
    named = report.model_copy(update={"model": report.model.model_copy(update={"path": path})})
    assert f"<h1>{title}</h1>" in render_html(named)


def test_the_licence_of_the_charts_is_in_the_page() -> None:
    assert re.search(
        r"Charts: plotly\.js v[\d.]+\. Copyright .* Plotly, Inc\..* MIT license", render_html(rich_report())
    )


def test_the_step_is_made_from_the_range_where_the_report_does_not_hold_it() -> None:
    detail = layer_details(full_report())[0]
    assert detail["ranges"][0]["step"] == pytest.approx([0.5 / 254, 1.0 / 254], rel=1e-3)


def test_boxes_are_drawn_where_they_are() -> None:
    card = shown_samples.cards(rich_report())[0]
    assert [panel.title for panel in card.panels] == ["Truth", "FP32", "INT8"]
    box = card.panels[2].boxes[0]
    assert (box.x, box.y, box.width, box.height) == pytest.approx((19.2, 31.36, 49.6, 64.96))
    assert box.label == "person 0.88"
    text = render_html(rich_report())
    assert f'<rect class="line" x="{box.x}" y="{box.y}" width="{box.width}" height="{box.height}"/>' in text


def test_pictures_made_by_the_model_stand_beside_the_input() -> None:
    card = shown_samples.cards(rich_report())[6]
    assert [panel.title for panel in card.panels] == ["Input", "Truth", "FP32", "INT8"]


def test_a_sample_without_a_picture_shows_its_texts() -> None:
    card = shown_samples.cards(rich_report())[7]
    assert [(panel.text, panel.has_picture) for panel in card.panels][2] == ("negative 0.55", False)


@pytest.mark.parametrize(
    "uri", [None, "https://example.org/a.png", "data:text/html;base64,AAAA", 'data:image/png;base64,AA"onload=']
)
def test_only_pictures_inside_the_report_are_drawn(uri) -> None:
    assert shown_samples.safe_picture(uri) is None


def test_every_word_of_the_style_sheet_that_marks_a_model_has_a_colour() -> None:
    css = (Path(shown_samples.__file__).parent / "report.css").read_text(encoding="utf-8")
    script = (Path(shown_samples.__file__).parent / "report.js").read_text(encoding="utf-8")
    for tone in glance.TONES:
        (colour,) = re.findall(rf"--{tone}: (#\w+);", css)
        assert f'{tone}: "{colour}"' in script
