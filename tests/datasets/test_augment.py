"""Many pictures out of a few."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from calibench.datasets.augment import Augmenting, add_noise, erase, relight, variants
from calibench.datasets.augment_folder import augment_folder
from calibench.errors import DatasetError, JobError, SettingsError


@pytest.fixture
def few(tmp_path):
    """A folder with three pictures: a PNG, a JPEG, and one in a folder."""
    folder = tmp_path / "few"
    (folder / "inner").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name in ("a.png", "b.jpg", "inner/a.bmp"):
        Image.fromarray(rng.integers(60, 190, (40, 60, 3), dtype=np.uint8)).save(folder / name)
    return folder


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix != ".json"}


def pixels(path):
    return np.asarray(Image.open(path).convert("RGB"))


@settings(max_examples=80, deadline=None)
@given(
    height=st.integers(4, 60),
    width=st.integers(4, 60),
    share=st.sampled_from([0.01, 0.1, 0.2]),
    seed=st.integers(0, 99),
)
def test_an_erased_rectangle_has_its_share_and_is_all_that_changes(height, width, share, seed):
    before = np.full((height, width, 3), 77, np.uint8)
    after = erase(before, share, np.random.default_rng(seed))
    rows, columns = np.nonzero((after != before).any(axis=2))
    area = share * height * width
    if len(rows):  # a colour may hit the one that was there
        covered = (np.ptp(rows) + 1) * (np.ptp(columns) + 1)
        assert covered <= area + max(height, width)
    assert (before == 77).all()


def test_what_is_erased_is_filled_with_a_colour_or_with_noise_and_not_always_white():
    before = np.full((40, 40, 3), 77, np.uint8)
    fillings = [after[(after != before).any(axis=2)] for after in (erase(before, 0.1, rng) for rng in map(np.random.default_rng, range(30)))]  # noqa: E501  # fmt: skip
    plain = [len(np.unique(filling, axis=0)) == 1 for filling in fillings]
    assert 5 < sum(plain) < 25
    assert len({tuple(filling[0]) for filling in fillings}) > 25


@given(share=st.floats(0.01, 0.05), seed=st.integers(0, 99))
def test_noise_is_salt_and_pepper_on_exactly_its_share(share, seed):
    before = np.full((50, 50, 3), 77, np.uint8)
    after = add_noise(before, share, np.random.default_rng(seed))
    changed = after[(after != before).any(axis=2)]
    assert len(changed) == round(share * 2500)
    assert {tuple(int(v) for v in each) for each in changed} <= {(0, 0, 0), (255, 255, 255)}


def test_light_by_hand():
    before = np.array([[[100, 100, 100], [200, 200, 200]]], np.uint8)
    assert relight(before, 1.2, 1.0)[0, :, 0].tolist() == [120, 240]
    assert relight(before, 1.0, 0.8)[0, :, 0].tolist() == [110, 190]
    assert relight(before, 1.2, 1.2)[0, :, 0].tolist() == [108, 252]
    assert relight(before, 1.0, 1.0).tolist() == before.tolist()


def test_every_change_is_made_to_the_original(few, tmp_path):
    augment_folder(few, tmp_path / "out", Augmenting())
    original = pixels(few / "a.png")
    for brightness, contrast in ((0.8, 0.8), (0.8, 1.2), (1.2, 1.0)):
        made = pixels(tmp_path / "out" / f"a__brightness-{brightness}-contrast-{contrast}.png")
        assert (made == relight(original, brightness, contrast)).all()
    assert (pixels(tmp_path / "out" / "a__flip-vertical.png") == original[::-1]).all()
    assert (pixels(tmp_path / "out" / "a__flip-horizontal.png") == original[:, ::-1]).all()


def test_all_is_counted_and_originals_are_kept(few, tmp_path):
    (few / "a.png").rename(few / "c.png")
    made = augment_folder(few, tmp_path / "out", Augmenting(), threads=2)
    assert made.made == {"original": 3, "flip": 6, "erase": 30, "noise": 30, "brightness": 24}
    assert made.total == len(contents(tmp_path / "out")) == 93
    assert (tmp_path / "out" / "b.jpg").read_bytes() == (few / "b.jpg").read_bytes()
    assert (pixels(tmp_path / "out" / "inner_a.png") == pixels(few / "inner" / "a.bmp")).all()
    assert made.lines[0] == (f"{tmp_path / 'out'}: 93 pictures (3 original, 6 flip, 30 erase, 30 noise, 24 brightness)")
    assert made.notes == ("93 pictures are few: at least 100 are advised, 300-1000 for calibration.",)


def test_the_same_seed_gives_the_same_bytes_with_any_number_of_threads(few, tmp_path):
    for name, seed, threads in (("one", 0, 1), ("two", 0, 2), ("other", 1, 1)):
        augment_folder(few, tmp_path / name, Augmenting(seed=seed), threads=threads)
    one, two, other = (contents(tmp_path / name) for name in ("one", "two", "other"))
    assert one == two
    assert one.keys() == other.keys()
    differing = {name.split("__")[1].split("-")[0] for name in one if one[name] != other[name]}
    assert differing == {"erase", "noise"}


@pytest.mark.parametrize(("count", "total"), [(1, 3), (3, 3), (10, 10), (1000, 93)])
def test_the_count_bounds_what_is_made_but_not_the_originals(few, tmp_path, count, total):
    made = augment_folder(few, tmp_path / "out", Augmenting(count=count))
    assert made.total == total
    assert made.made["original"] == 3


def test_changes_are_spread_evenly_over_the_pictures(few, tmp_path):
    augment_folder(few, tmp_path / "out", Augmenting(count=15))
    stems = [name.split("__")[0] for name in contents(tmp_path / "out") if "__" in name]
    assert sorted(stems.count(stem) for stem in set(stems)) == [4, 4, 4]


def test_changes_can_be_left_out():
    kinds = {each.kind for each in variants(Augmenting(flip_horizontal=False, erase=0, noise=0, brightness=False))}
    assert kinds == {"flip"}
    assert not list(variants(Augmenting(0, 0, False, False, 0, 0, 1, False)))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"erase": 21}, "--erase 21: give a percentage of 1..20, or 0 for none."),
        ({"noise": 0.5}, "--noise 0.5: give a percentage of 1..5, or 0 for none."),
        ({"copies": 0}, "--copies 0: give a number of 1..20."),
    ],
)
def test_impossible_settings_are_refused(values, message):
    with pytest.raises(SettingsError) as error:
        Augmenting(**values)
    assert str(error.value) == message


def test_files_with_one_name_in_two_folders_or_formats_stay_apart(tmp_path, picture):
    for name in ("a.png", "a.jpg", "b/a.png", "b_a.png"):
        picture(tmp_path / "few" / name)
    made = augment_folder(tmp_path / "few", tmp_path / "out", Augmenting(count=4))
    assert made.total == len(contents(tmp_path / "out")) == 4


def test_what_was_augmented_can_be_augmented_again(tmp_path, picture):
    picture(tmp_path / "few" / "a.png")
    once = augment_folder(tmp_path / "few", tmp_path / "once", Augmenting(copies=1))
    twice = augment_folder(tmp_path / "once", tmp_path / "twice", Augmenting(copies=1))
    assert twice.total == len(contents(tmp_path / "twice")) == once.total * 13


def test_a_folder_that_holds_files_is_never_emptied(few, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("x")
    for force in (False, True):
        with pytest.raises(JobError, match=r"out: holds files already\. Give a new folder, or an empty one\."):
            augment_folder(few, out, Augmenting(), force=force)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_force_replaces_only_what_augment_wrote(few, tmp_path):
    out = tmp_path / "out"
    augment_folder(few, out, Augmenting(count=5))
    with pytest.raises(JobError, match=r"out: exists already\. Give another folder, or replace it with --force\."):
        augment_folder(few, out, Augmenting(count=6))
    assert augment_folder(few, out, Augmenting(count=6), force=True).total == 6
    assert len(contents(out)) == 6
    (out / "mine.png").write_bytes(b"x")
    with pytest.raises(JobError, match=r"holds mine\.png, which was not written by augment"):
        augment_folder(few, out, Augmenting(count=6), force=True)


def test_the_marker_says_what_was_asked_for(few, tmp_path):
    augment_folder(few, tmp_path / "out", Augmenting(count=5, noise=2.0))
    marker = json.loads((tmp_path / "out" / "augment.json").read_text())
    assert marker["settings"]["noise"] == 2.0
    assert len(marker["files"]) == 5


def test_broken_pictures_are_left_out_and_told(few, tmp_path):
    (few / "broken.png").write_bytes(b"no")
    made = augment_folder(few, tmp_path / "out", Augmenting())
    assert made.total == 93
    assert made.notes[0].startswith(f"{few / 'broken.png'}: this picture cannot be read (it is no picture)")
    for name in ("a.png", "b.jpg", "inner/a.bmp"):
        (few / name).write_bytes(b"no")
    with pytest.raises(DatasetError, match="all 4 pictures are unreadable"):
        augment_folder(few, tmp_path / "more", Augmenting())
    assert not (tmp_path / "more").exists()


def test_a_folder_without_pictures_is_refused(tmp_path):
    (tmp_path / "none").mkdir()
    with pytest.raises(DatasetError, match="no pictures in this folder"):
        augment_folder(tmp_path / "none", tmp_path / "out", Augmenting())
    with pytest.raises(DatasetError, match="there is no such folder"):
        augment_folder(tmp_path / "missing", tmp_path / "out", Augmenting())


def test_one_pixel_can_be_changed_in_every_way(tmp_path, picture):
    picture(tmp_path / "few" / "a.png", (1, 1))
    assert augment_folder(tmp_path / "few", tmp_path / "out", Augmenting()).total == 31
