"""What the benchmarks of other machines found is said as it was found."""

from benchmarks.targets_table import spread_section, ssh_section

MEASURED = {
    "commit": "abc",
    "command": "python -m benchmarks.x",
    "machine": {"cpu": "a CPU", "physical_cores": 2, "flags": ["avx2"], "openvino": "1"},
    "versions": {"openvino": "1"},
}


def test_a_machine_over_ssh_stands_beside_what_is_wanted() -> None:
    rows = {
        "calibration": {"here_s": [20.0, 21.0, 22.0], "there_s": [21.0, 27.0, 24.0], "sent_bytes": [25_000, 26_500, 1]},
        "followed": {"seconds": 30.0, "sent_bytes": 200, "fetched_bytes": 1},
        "upload": {"mb": 300, "ours_mb_s": [50.0, 90.0, 80.0], "scp_mb_s": [100.0, 100.0, 100.0]},
    }
    text = "\n".join(ssh_section({**MEASURED, "rows": rows}))
    assert "Longer there than here, s | 2.0 (1.0 to 6.0, 3 rounds) | 5 |" in text
    assert "Sent by a second run of the same, kB | 26.5 | 100 |" in text
    assert "Sent in a minute by a job that tells nothing, kB | 0.4 | - |" in text
    assert "Upload, times the speed of scp | 0.80 (0.50 to 0.90, 3 rounds) | 0.8 |" in text


def test_workers_stand_beside_one_process_and_the_error_of_the_model_is_said() -> None:
    computing = {
        "seconds": {"1 process, 1 core": [10.0, 12.0], "2 workers": [5.0, 8.0]},
        "work": {"samples": 1000},
    }
    waiting = {"seconds": {"4 workers": [3.0, 4.0]}, "predicted_4": 2.8, "error_4": -0.2, "cores": 2}
    text = "\n".join(
        spread_section({**MEASURED, "command": ["a", "b"], "rows": {"computing": computing, "waiting": waiting}})
    )
    assert "| 2 workers | 6.5 (5.0 to 8.0, 2 rounds) | 1.75 (1.50 to 2.00, 2 rounds) | 1.7 |" in text
    assert "says 2.8 s for four, and 3.5 were measured (-20 %)" in text
