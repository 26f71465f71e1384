import os
from pathlib import Path

import pytest

from calibench import machine
from calibench.errors import TargetError
from calibench.machine import check_device, default_precision, describe_machine, has_vnni, peak_rss_mb, physical_cores


def test_the_description_names_the_runtime_and_the_cpu() -> None:
    found = describe_machine()
    assert "INT8" in found.devices["CPU"]
    assert set(found.flags) <= set(machine.FLAGS)
    assert found.physical_cores >= 1
    assert found.memory_mb >= found.memory_free_mb > 0


def test_the_default_precision_is_a_float() -> None:
    assert default_precision("CPU") in ("f32", "bf16", "f16")


@pytest.mark.parametrize(
    ("flags", "expected"),
    [({"avx2"}, False), ({"avx512f", "avx512_vnni"}, True), ({"avx2", "avx_vnni"}, True), (set(), False)],
)
def test_vnni_comes_from_the_flags(flags: set[str], expected: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "cpu_flags", lambda: frozenset(flags))
    assert has_vnni() is expected


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="Linux only")
def test_cores_respect_the_affinity() -> None:
    allowed = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(allowed)})
        assert physical_cores() == 1
    finally:
        os.sched_setaffinity(0, allowed)


def test_two_hyper_threads_are_one_core_and_a_quota_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    siblings = {0: "0,4", 4: "0,4", 1: "1,5", 5: "1,5", 2: "2,6"}
    monkeypatch.setattr(machine, "_allowed_cpus", lambda: frozenset(siblings))
    monkeypatch.setattr(machine, "_read", lambda path: siblings[int(path.parts[-3].removeprefix("cpu"))])
    monkeypatch.setattr(machine, "_cpu_quota", lambda: None)
    assert physical_cores() == 3
    monkeypatch.setattr(machine, "_cpu_quota", lambda: 1.5)
    assert physical_cores() == 2
    monkeypatch.setattr(machine, "_cpu_quota", lambda: 0.2)
    assert physical_cores() == 1


def test_what_a_queue_granted_is_the_most(monkeypatch):
    monkeypatch.delenv("CALIBENCH_CORES", raising=False)
    alone = physical_cores()
    for granted, expected in (("1", 1), ("1000", alone), ("0", 1), ("many", alone)):
        monkeypatch.setenv("CALIBENCH_CORES", granted)
        assert physical_cores() == expected


def test_the_smallest_quota_on_the_way_up_counts(tmp_path: Path) -> None:
    inner = tmp_path / "v2" / "a" / "b"
    inner.mkdir(parents=True)
    (inner / "cpu.max").write_text("max 100000\n")
    (inner.parent / "cpu.max").write_text("150000 100000\n")
    own = tmp_path / "cgroup"
    own.write_text("0::/a/b\n")
    assert machine._cpu_quota(tmp_path / "v2", own) == 1.5


def test_the_first_version_of_control_groups_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "cpu" / "box"
    folder.mkdir(parents=True)
    (folder / "cpu.cfs_quota_us").write_text("50000\n")
    (folder / "cpu.cfs_period_us").write_text("100000\n")
    own = tmp_path / "cgroup"
    own.write_text("3:cpu,cpuacct:/box\n2:memory:/other\n")
    assert machine._cpu_quota(tmp_path, own) == 0.5


def test_no_quota_is_none(tmp_path: Path) -> None:
    assert machine._cpu_quota(tmp_path, tmp_path / "missing") is None


@pytest.mark.parametrize("name", ["CPU"])
def test_devices_with_int8_pass(name: str) -> None:
    check_device(name)


@pytest.mark.parametrize("name", ["MYRIAD", "HDDL", "VPU", "MYRIAD.1-ma2480"])
def test_devices_of_former_times_are_refused_with_the_reason(name: str) -> None:
    with pytest.raises(TargetError, match=r"has no INT8: the .* FP16 only\. Calibrate for CPU, GPU or NPU\."):
        check_device(name)


def test_an_unknown_device_answers_with_the_known_ones() -> None:
    with pytest.raises(TargetError, match=r"^TPU: there is no such device here\. Available: .*CPU"):
        check_device("TPU")


def test_a_device_without_int8_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "capabilities", lambda device: ("FP16", "FP32"))
    with pytest.raises(TargetError) as error:
        check_device("CPU")
    assert str(error.value) == "CPU: has no INT8, only FP16, FP32. Choose a device that has it, such as CPU."


def test_the_peak_of_memory_is_more_than_an_interpreter() -> None:
    assert 10 < peak_rss_mb() < 1_000_000


@pytest.mark.parametrize("name", ["AUTO", "AUTO:CPU", "HETERO:CPU", "MULTI"])
def test_a_device_that_only_hands_on_the_work_is_refused(name):
    with pytest.raises(TargetError, match="hands the work to other devices"):
        check_device(name)
