"""One model on several targets: a row for each, why INT8 does not pay there, and what is missing is made at once."""

import pytest
from project_bench import ProjectBench, point, report_values

from calibench.store.refused import NotThere
from calibench.things.asked import AskBenchmark, NewProject, Points
from calibench.things.kept import Job, Project, Target
from calibench.things.machine_row import Measured
from calibench.things.target_spec import TargetSpec
from calibench.workbench.measured_machines import machine_rows, measure_elsewhere
from calibench.workbench.refusals import NotPossible

SLOW = {"cpu": "AMD EPYC 7B13", "flags": ["avx2"], "physical_cores": 4}
BESIDE = Measured(cpu="Intel Xeon", flags=("avx512_vnni",), cores=8, fp32_fps=400, default_fps=410, int8_fps=900,
                  speedup=2.2, speedup_low=2.1, speedup_high=2.3, latency_ms=3)  # fmt: skip


@pytest.fixture
def bench(tmp_path):
    bench = ProjectBench(tmp_path / "data")
    yield bench
    bench.close()


@pytest.fixture
def lab(bench, project):  # after the local one, which is the default
    return bench.store.add(Target(created=project.created, name="lab", kind="ssh", spec=TargetSpec(kind="ssh")))


@pytest.fixture
def project(bench):
    return bench.ready()


def rows(bench, model_id):
    return machine_rows(bench.models, bench.projects, bench.store.all(Target), model_id)


def elsewhere(bench, model_id, *targets):
    return measure_elsewhere(bench.models, bench.projects, model_id, targets)


def test_only_the_fastest_int8_model_of_a_target_has_a_row(bench, project):
    assert [(row.int8_fps, row.fp32_fps, row.why) for row in rows(bench, project.model_id)] == [(None, 100.0, ())]
    slow = report_values(int8_fps=160.0, speedup=1.07, machine=SLOW)
    bench.calibrated(project, slow)
    (row,) = rows(bench, project.model_id)
    assert (row.target, row.cpu, row.flags, row.cores) == ("This machine", "AMD EPYC 7B13", ("avx2",), 4)
    assert (row.fp32_fps, row.default_fps, row.int8_fps, row.speedup, row.latency_ms) == (100, 150, 160, 1.07, 4)
    assert row.speedup_low is None  # the rounds of this report are of another measurement
    assert row.why == (
        "conversions take 25 % of the INT8 time",
        "50 % of the time is spent in layers without INT8 kernels",
        "this CPU has no VNNI",
    )
    fast = bench.calibrated(project, report_values(machine=SLOW), preset="mixed")
    (row,) = rows(bench, fast.model_id)
    assert (row.project_id, row.int8_fps, row.why) == (fast.id, 300, ())
    assert (row.speedup_low, row.speedup_high) == (pytest.approx(303 / 153), pytest.approx(299 / 149))


def test_what_is_missing_elsewhere_is_made_once_and_int8_runs_beside_fp32(bench, project, lab):
    made = bench.calibrated(project)
    fp32, int8 = elsewhere(bench, project.model_id, lab)
    assert (fp32.model_id, fp32.target_id, fp32.parent_id) == (project.model_id, lab.id, None)
    assert (int8.model_id, int8.target_id, int8.parent_id) == (made.model_id, lab.id, fp32.id)
    bundle = bench.bundle(int8)
    assert (bundle.kind, bundle.is_compared) == ("benchmark", True)
    assert bundle.baseline == bench.bundle(project).model
    assert [each.job_id for each in elsewhere(bench, made.model_id, lab)] == [fp32.job_id, int8.job_id]

    points = [point("fp32", fps=400.0), point("int8", fps=900.0)]
    measured = BESIDE.model_dump(mode="json")
    files = {"points.json": "[]", "beside.json": BESIDE.model_dump_json()}
    bench.done(int8.job_id, files, {"points": points, "measured": measured})
    after = bench.store.get(Project, int8.id)
    assert (after.headline.int8_fps, after.headline.speedup, after.headline.latency_ms) == (900, 2.2, 3)
    assert bench.projects.points(int8.id) == points
    first, second = rows(bench, project.model_id)
    assert (first.target, first.cpu, first.speedup_low, first.project_id) == ("lab", "Intel Xeon", 2.1, int8.id)
    assert (second.target, second.project_id) == ("This machine", made.id)


def test_int8_that_was_calibrated_without_speed_is_measured_where_it_is(bench, project):
    without = dict.fromkeys(("fp32_fps", "default_fps", "int8_fps", "speedup"))
    made = bench.calibrated(project, report_values(**without, speeds={}, runtime_layers={}))
    assert rows(bench, project.model_id)[0].int8_fps is None
    _, int8 = elsewhere(bench, project.model_id, bench.target)
    assert (int8.id, int8.state, bench.bundle(int8).kind) == (made.id, "queued", "benchmark")
    assert elsewhere(bench, project.model_id, bench.target)[1].job_id == int8.job_id  # it waits already
    bench.done(int8.job_id, {"beside.json": BESIDE.model_dump_json()},
               {"points": [point("int8", fps=900.0)], "measured": BESIDE.model_dump(mode="json")})  # fmt: skip
    (row,) = rows(bench, project.model_id)
    assert (row.int8_fps, row.speedup, row.cpu, row.project_id) == (900, 2.2, "Intel Xeon", made.id)
    assert bench.store.get(Project, made.id).headline.drop_points == 0.5


def test_further_points_leave_what_was_measured_beside_fp32(bench, project, lab):
    bench.calibrated(project)
    _, int8 = elsewhere(bench, project.model_id, lab)
    bench.done(int8.job_id, {"beside.json": BESIDE.model_dump_json()},
               {"points": [point("int8", fps=900.0)], "measured": BESIDE.model_dump(mode="json")})  # fmt: skip
    more = bench.projects.benchmark(int8.id, Points(batches=(8,)))
    bench.done(more.id, {}, {"points": [point("int8", batch=8, fps=1200.0)]})
    assert bench.projects.beside(int8.id) == BESIDE.model_dump(mode="json")
    assert bench.store.get(Project, int8.id).headline.int8_fps == 900
    assert rows(bench, project.model_id)[0].speedup == 2.2


def test_a_measurement_that_failed_does_not_let_a_calibration_overwrite_the_model(bench, project, lab):
    made = bench.calibrated(project)
    _, int8 = elsewhere(bench, project.model_id, lab)
    bench.broken(int8.job_id)
    assert [each.code for each in bench.projects.hindrances(int8.id)][:1] == ["int8-child"]
    assert bench.model_of(made).state == "ready"


def test_a_cluster_and_a_model_without_a_project_are_refused(bench, project):
    farm = bench.store.add(Target(created=project.created, name="farm", kind="dask", spec=TargetSpec(kind="dask")))
    with pytest.raises(NotPossible, match="measured one by one"):
        elsewhere(bench, project.model_id, farm)
    other = bench.model("other", "other")
    with pytest.raises(NotPossible, match="with which samples"):
        elsewhere(bench, other.id, bench.target)
    assert bench.store.count(Project) == 1


def test_a_benchmark_names_an_fp32_model_to_run_beside(bench, project):
    int8 = bench.model("given INT8", "given", is_quantized=True)
    there = bench.projects.create(NewProject(model_id=int8.id, dataset_id=project.dataset_id, run_baseline=False))
    ask = AskBenchmark(batches=(4,), baseline_model_id=project.model_id)
    job = bench.projects.benchmark(there.id, ask)
    bundle = bench.bundle(bench.store.get(Project, there.id))
    assert (bundle.points, bundle.is_compared) == (Points(batches=(4,)), True)
    assert bundle.baseline == bench.bundle(project).model
    assert bench.store.get(Job, job.id).state == "queued"
    with pytest.raises(NotThere):
        bench.projects.benchmark(there.id, AskBenchmark(baseline_model_id=99))
