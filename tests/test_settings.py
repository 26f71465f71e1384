"""Settings from YAML as people write them."""

from pathlib import Path

import pytest

from calibench.errors import SettingsError
from calibench.settings import make_settings, read_settings


def test_yaml_as_people_write_it_is_understood(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text(
        "smoothing: off\nbias_correction: on\nsubset: 300\nignored: {names: abc}\ninputs: {x: {mean: 127}}\n"
    )
    found = make_settings(read_settings(path))
    assert (found.smoothing, found.bias_correction, found.subset) == ("off", "on", "300")
    assert found.ignored.names == ("abc",)
    assert found.inputs["x"].mean == (127.0,)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("5: 1", "a setting has a name that is no text"),
        ("- preset", "expected 'name: value' lines, found list"),
        ("preset: [", "no valid YAML"),
        pytest.param("[" * 10_000, "no valid YAML", id="deep"),
        ("preset: 2026-99-99", "no valid YAML"),
        ("colour: rgb", "there is no such setting. Known"),
        ("subset: 0%", "neither a share such as 25% nor a count"),
        ("task: {colour: rgb}", "task.colour: there is no such setting. Known: kind, decoder"),
        ("inputs: {x: {colour: rgb}}", "inputs.x.colour: there is no such setting. Known: size, resize"),
        ("task: {outputs: {box: b}}", "nothing is read from an output with 'box'. Known: boxes"),
        ("inputs: {x: {scale: 0}}", "a scale of 0 cannot divide"),
        ("inputs: {x: {mean: .nan}}", "mean"),
        ("ignored: {patterns: '('}", "is no regular expression"),
    ],
)
def test_a_mistake_in_the_file_is_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text(text)
    with pytest.raises(SettingsError, match=sentence) as caught:
        make_settings(read_settings(path))
    assert "\n" not in str(caught.value)
