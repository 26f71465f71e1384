"""Where the paths of a prototxt lead, here and where its files have travelled."""

from pathlib import Path

import pytest

from calibench.caffe.written_paths import Origin, origin, whole_path, written_for


def test_by_hand_paths_are_those_of_the_current_folder_then_beside_the_prototxt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    places = origin().places("a/lmdb", Path("nets/net.prototxt"), (Path("/lists"),))
    assert places == (tmp_path / "a/lmdb", tmp_path / "nets/a/lmdb", Path("/lists/a/lmdb"))
    assert origin().places("/data/lmdb", Path("nets/net.prototxt")) == (Path("/data/lmdb"),)


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("lmdb", ["home/me/work/lmdb", "home/me/nets/lmdb"]),
        ("../data/./lmdb", ["home/me/data/lmdb"]),
        ("/data/lmdb", ["data/lmdb"]),
        ("../../../../../etc/x", ["etc/x"]),
        ("/../x//y", ["x/y"]),
    ],
)
def test_by_hand_where_files_have_travelled_all_paths_lead_below_one_folder(written: str, found: list[str]) -> None:
    root = Path("/jobs/7/in/paths")
    given = Origin(root / "home/me/work", root)
    with written_for(given):
        assert origin() == given
        assert origin().places(written, root / "home/me/nets/net.prototxt") == tuple(root / each for each in found)
    assert origin() == Origin(Path.cwd())


def test_a_prototxt_that_did_not_travel_with_the_others_keeps_its_own_folder() -> None:
    root = Path("/jobs/7/in/paths")
    places = Origin(root / "work", root).places("lmdb", Path("/jobs/7/in/model/net.prototxt"))
    assert places == (root / "work/lmdb", Path("/jobs/7/in/model/lmdb"))


def test_a_whole_path_has_no_way_up() -> None:
    assert whole_path(Path("/home/me/../you/./a b")) == "home/you/a b"
