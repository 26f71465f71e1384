"""`calibench benchmark --target A --target B`: one model, a table; a machine that fails stops no other."""

import json
from contextlib import contextmanager
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from types import SimpleNamespace

import pytest

from calibench.cli.machines_compared import Compared, compare_on_server
from calibench.reports.machine_table import render_machines
from calibench.settings import Settings
from calibench.targets.bundle import End
from calibench.targets.bundle_files import EventLog, read_bundle, write_end
from calibench.things.asked import Points
from calibench.things.kept import Failure, Job, KeptDataset, KeptModel, Project, Target
from calibench.things.machine_row import MachineRow

NOW = datetime(2026, 1, 2, tzinfo=UTC)
SLOW = {"cpu": "AMD EPYC 7B13", "flags": ["avx2"], "cores": 4, "fp32_fps": 1210.0, "default_fps": 1210.0,
        "int8_fps": 1290.0, "speedup": 1.066, "speedup_low": 1.01, "speedup_high": 1.12, "latency_ms": 0.912,
        "why": ["conversions take 25 % of the INT8 time", "this CPU has no VNNI"]}  # fmt: skip
FAST = {"cpu": "Intel Xeon Platinum 8480+", "flags": ["avx512_vnni", "amx_int8"], "cores": 56, "fp32_fps": 9000.0,
        "default_fps": 21000.0, "int8_fps": 48300.0, "speedup": 2.3, "speedup_low": 2.21, "speedup_high": 2.38,
        "latency_ms": 0.21}  # fmt: skip
LOST = Failure(kind="TargetError", message="cluster: no node answers. Check it: calibench target check cluster.")


@pytest.fixture
def compare(monkeypatch, run, tmp_path):
    """Run the command on files that are there; each target ends as a test says, and its bundle is kept."""
    (tmp_path / "m.xml").write_bytes(b"int8")
    (tmp_path / "f.xml").write_bytes(b"fp32")
    (tmp_path / "set").mkdir()
    (tmp_path / "set/1.png").write_bytes(b"picture")
    for name, address in (("lab", "ssh://me@lab"), ("cluster", "slurm"), ("farm", "dask tls://farm:8786")):
        key = ("--host-key", "ssh-ed25519 AAAA") if name == "lab" else ()
        done = run("target", "add", name, *address.split(), *key, "--data-dir", tmp_path / "data")
        assert done.exit_code == 0, done.stderr

    class Compare:
        ends: list[End] = []
        bundles = []

        def run(self, *words):
            return run(*words)

        def __call__(self, *words, models=("m.xml",)):
            given = [tmp_path / name for name in models]
            return run("benchmark", *given, "--dataset", tmp_path / "set", *words, "--data-dir", tmp_path / "data")

    def run_bundle(folder: Path) -> End:
        Compare.bundles.append(read_bundle(folder))
        EventLog(folder).write("progress", {"step": "points", "done": 1, "total": 2})
        write_end(end := Compare.ends.pop(0), folder)
        return end

    Compare.ends, Compare.bundles = [], []
    monkeypatch.setattr("calibench.targets.run_bundle.run_bundle", run_bundle)
    return Compare()


def done(measured) -> End:
    return End(state="done", result={"points": [], "measured": measured})


def test_targets_are_measured_one_after_the_other_and_one_that_fails_is_told(compare, tmp_path) -> None:
    compare.ends += [done(SLOW), End(state="failed", failure=LOST), done(FAST)]
    found = compare("--baseline", tmp_path / "f.xml", "--target", "lab", "--target", "cluster", "--target",
                    "This machine")  # fmt: skip
    assert found.exit_code == 1, found.stderr
    first, second, third = compare.bundles
    assert [each and each.kind for each in (first.target, second.target, third.target)] == ["ssh", "slurm", None]
    assert {(each.model, each.baseline, each.is_compared) for each in compare.bundles} == {
        (tmp_path / "m.xml", tmp_path / "f.xml", True)
    }
    assert "lab: points 1/2" in found.stderr and "This machine: points 1/2" in found.stderr
    words = " ".join(found.stdout.split())
    assert "lab neither 4 1210 1210 1290 1.07x 1.01..1.12 0.912" in words
    assert "This machine VNNI+AMX 56 9000 21000 48300 2.30x 2.21..2.38 0.21" in words
    assert (
        "lab (AMD EPYC 7B13): INT8 does not pay here: conversions take 25 % of the INT8 time; this CPU has no VNNI."
        in words
    )
    assert "cluster: not measured. cluster: no node answers." in words
    assert "This machine (Intel Xeon Platinum 8480+): INT8 pays here." in words


def test_the_same_is_told_as_json(compare, tmp_path) -> None:
    compare.ends += [done(SLOW), done(FAST)]
    found = compare("--baseline", tmp_path / "f.xml", "--target", "lab", "--target", "cluster", "--json")
    assert found.exit_code == 0, found.stderr
    told = json.loads(found.stdout)
    assert (told["model"], told["baseline"]) == (str(tmp_path / "m.xml"), str(tmp_path / "f.xml"))
    assert [row["target"] for row in told["machines"]] == ["lab", "cluster"]
    assert {**told["machines"][0], **SLOW} == told["machines"][0]


def test_one_target_answers_as_before_and_with_a_baseline_as_a_table(compare, tmp_path) -> None:
    point = {"series": "fp32", "batch": 1, "streams": 1, "fps": 100.0, "fps_low": 99.0, "fps_high": 101.0,
             "latency_ms": 1.0, "latency_p95_ms": 1.1}  # fmt: skip
    compare.ends += [End(state="done", result={"points": [point]}), done(SLOW)]
    plain = json.loads(compare("--target", "lab", "--json").stdout)
    assert plain["points"] == {str(tmp_path / "m.xml"): [point]}
    table = compare("--target", "lab", "--baseline", tmp_path / "f.xml")
    assert (table.exit_code, "INT8 does not pay here" in table.stdout) == (0, True), table.stderr


def test_a_cluster_is_no_machine(compare) -> None:
    compare.ends.append(done(FAST))
    found = compare("--target", "farm", "--target", "lab", "--json")
    farm, lab = json.loads(found.stdout)["machines"]
    assert (found.exit_code, "is a cluster of workers" in farm["failure"], lab["speedup"]) == (1, True, 2.3)


@pytest.mark.parametrize(
    ("words", "models", "said"),
    [
        (("--target", "lab", "--target", "nobody"), ("m.xml",), "Known: This machine, lab"),
        (("--target", "lab", "--target", "lab"), ("m.xml",), "named twice"),
        (("--target", "lab", "--target", "cluster"), ("f.xml", "m.xml"), "Give one MODEL"),
        (("--target", "lab", "--target", "cluster", "--baseline", "no.xml"), ("m.xml",), "no such file"),
        (("--target", "lab", "--target", "cluster", "--shape", "1,3,8,8"), ("m.xml",), "with --target"),
    ],
)
def test_what_cannot_be_compared_is_refused_before_anything_runs(compare, words, models, said) -> None:
    refused = compare(*words, models=models)
    assert (refused.exit_code, said in refused.stderr, compare.bundles) == (2, True, []), refused.stderr


def test_an_interrupted_comparison_ends_whole(compare) -> None:
    compare.ends += [End(state="cancelled")]
    stopped = compare("--target", "lab", "--target", "cluster")
    assert (stopped.exit_code, len(compare.bundles), stopped.stdout) == (130, 1, "")


def test_the_default_precision_has_a_column_only_where_it_is_another() -> None:
    from rich.console import Console

    console = Console(width=80, record=True, file=StringIO())
    console.print(render_machines([MachineRow(target="lab", **SLOW)]))
    assert "default" not in console.export_text()
    console.print(render_machines([MachineRow(target="This machine", **SLOW), MachineRow(target="b", **FAST)]))
    both = console.export_text()
    assert "default" in both and "This machine" in both
    assert "latency ms" in both.splitlines()[1]


def test_a_server_keeps_an_int8_file_by_a_name_that_says_what_it_is_and_no_project_but_those_measured(
    monkeypatch, tmp_path
) -> None:
    kept = {"fp32": KeptModel(id=1, created=NOW, name="fashion"), "int8": KeptModel(id=2, created=NOW, name="x")}
    sent, made = [], []

    class Client:
        targets = [Target(id=1, created=NOW, name="This machine"), Target(id=7, created=NOW, name="rack")]

    class Targets:
        named = staticmethod(lambda name: next(each for each in Client.targets if each.name == name))

    class Projects:
        @staticmethod
        def create(model_id, dataset_id, device, run_baseline, target_id):
            made.append((model_id, dataset_id, run_baseline, target_id))
            return Project(id=9, created=NOW, name="p", model_id=model_id, dataset_id=dataset_id, target_id=target_id)

        @staticmethod
        def benchmark(id, ask):
            return ask.baseline_model_id

    @contextmanager
    def opened(url):
        yield SimpleNamespace(targets=Targets, projects=Projects)

    def send_model(client, path, settings, progress, name=None):
        sent.append(name)
        return kept[path.stem]

    dataset = KeptDataset(id=3, created=NOW, name="set")
    monkeypatch.setattr("calibench.cli.on_server.opened", opened)
    monkeypatch.setattr("calibench.cli.on_server.send_model", send_model)
    monkeypatch.setattr("calibench.cli.on_server.send_dataset", lambda *_: dataset)
    job = Job(created=NOW, kind="benchmark", title="b", result={"measured": FAST})
    monkeypatch.setattr("calibench.cli.on_server.run", lambda client, job_, before: job)
    what = Compared(tmp_path / "out/int8.xml", tmp_path / "fp32.onnx", tmp_path, Settings(), Points())
    (row,) = compare_on_server(what, ["rack"], "http://x:1")
    assert (row.target, row.target_id, row.project_id) == ("rack", 7, 9)
    assert sent == [None, "out/int8 beside fashion"]
    assert made == [(2, 3, False, 7)]


def test_a_server_is_asked_for_its_targets_and_takes_no_options_of_this_machine(compare, tmp_path, monkeypatch) -> None:
    asked = []

    def compare_on_server(what, names, url):
        asked.append((what.models, list(names), url))
        return (MachineRow(target="lab", **FAST), MachineRow(target="rack", failure="rack: does not answer."))

    monkeypatch.setattr("calibench.cli.machines_compared.compare_on_server", compare_on_server)
    words = ("benchmark", tmp_path / "m.xml", "--dataset", tmp_path / "set", "--server", "http://x:1")
    fp32 = ("--baseline", tmp_path / "f.xml")
    found = compare.run(*words, *fp32, "--target", "lab", "--target", "rack")
    assert (found.exit_code, "rack: not measured. rack: does not answer." in found.stdout) == (1, True), found.stderr
    compare.run(*words, *fp32)
    assert asked == [((tmp_path / "f.xml", tmp_path / "m.xml"), names, "http://x:1") for names in (["lab", "rack"], [])]
    for more, said in (
        (("--shape", "1,3"), "--shape with --server"),
        (("--data-dir", "d"), "--data-dir with --server"),
    ):
        refused = compare.run(*words, *fp32, *more)
        assert (refused.exit_code, said in refused.stderr) == (2, True), refused.stderr
