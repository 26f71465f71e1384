from benchmarks.caffe_table import caffe_section

RATIO = {"median": 1.5, "lowest": 1.25, "highest": 2.0}
ROW = {
    "network": "net",
    "read_seconds": {"ours": [0.3, 0.1, 0.2], "opencv": [0.05, 0.04, 0.06]},
    "calibration_seconds": {"caffe": [1.0, 3.0, 2.0], "nncf": [9.0, 8.0, 10.0]},
    "metric": "accuracy",
    "scores": {"fp32": 90.0, "caffe": 89.5, "nncf": 89.0},
    "speed": {way: {"of_fp32": RATIO, "of_default": RATIO} for way in ("fp32", "caffe", "nncf")},
}
RESULT = {
    "machine": {"cpu": "A CPU", "physical_cores": 2, "flags": ["avx2"]},
    "versions": {"openvino": "1"},
    "rows": [ROW],
}


def test_medians_stand_in_the_table_with_their_spread() -> None:
    lines = caffe_section(RESULT)
    assert "Reading, seconds, ours (OpenCV's importer): net 0.20 (0.05)." in lines
    assert "| net | Caffe's rules | 2.0 | accuracy 90.00, 89.50 | 1.50 (1.25 to 2.00) | 1.50 (1.25 to 2.00) |" in lines
    assert "| net | NNCF | 9.0 | accuracy 90.00, 89.00 | 1.50 (1.25 to 2.00) | 1.50 (1.25 to 2.00) |" in lines


def test_what_was_not_measured_is_left_out() -> None:
    row = {**ROW, "read_seconds": {"ours": [0.2]}, "scores": {}}
    lines = caffe_section({**RESULT, "rows": [row]})
    assert "Reading, seconds, ours (OpenCV's importer): net 0.20 (-)." in lines
    assert not any("default method |" in line for line in lines)
    assert any(line.startswith("| net | Caffe's rules | 2.0 | accuracy - |") for line in lines)
