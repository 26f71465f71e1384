"""Examples for the description of the API: one for each body and each answer."""

from typing import Any

CREATED = "2026-11-26T09:30:00Z"

MODEL: dict[str, Any] = {
    "id": 1,
    "version": 2,
    "created": CREATED,
    "name": "mobilenet",
    "state": "ready",
    "job_id": 1,
    "tree": "9f2c" * 16,
    "entry": "mobilenet.onnx",
    "format": "ONNX",
    "size_bytes": 14_200_000,
    "operations": 155,
    "int8_layers": 53,
    "multiply_adds": 300_800_000.0,
    "inputs": [{"name": "input", "shape": "[1,3,224,224]", "type": "f32"}],
    "outputs": [{"name": "logits", "shape": "[1,1000]", "type": "f32"}],
    "accuracy_settings": {"metric": "top1", "inputs": {"": {"color": "rgb", "mean": [127.0], "scale": [128.0]}}},
}
CHILD: dict[str, Any] = {
    **MODEL,
    "id": 2,
    "name": "mobilenet INT8",
    "parent_id": 1,
    "job_id": 5,
    "entry": "model.xml",
    "format": "OpenVINO IR",
    "is_quantized": True,
    "size_bytes": 3_700_000,
    "method": "default",
    "preset": "performance",
}
DATASET: dict[str, Any] = {
    "id": 1,
    "version": 2,
    "created": CREATED,
    "name": "flowers",
    "state": "ready",
    "job_id": 2,
    "tree": "51ab" * 16,
    "entry": "flowers",
    "format": "imagenet",
    "title": "one folder per class",
    "samples": 500,
    "annotated": ["label"],
    "has_pictures": True,
    "classes": ["daisy", "rose"],
    "size_bytes": 88_000_000,
}
TARGET: dict[str, Any] = {
    "id": 1,
    "created": CREATED,
    "name": "this machine",
    "kind": "local",
    "machine": {"cpu": "Intel(R) Xeon(R) Gold 6430", "physical_cores": 4, "flags": ["avx512_vnni", "amx_int8"]},
}
LAB: dict[str, Any] = {
    **TARGET,
    **{"id": 2, "name": "lab", "kind": "ssh", "state": "faulty", "checked": CREATED},
    "spec": {"kind": "ssh", "host": "lab", "port": 2222, "user": "me", "key": "/home/me/.ssh/lab"},
    "faults": [
        {"sentence": "me@lab:2222: its Python is 3.9.2, too old.", "mend": "Install Python 3.11 or newer there."}
    ],
}
ASK_TARGET: dict[str, Any] = {"name": "lab", "address": "ssh://me@lab:2222", "spec": {"python": "python3.11"}}
HOST_KEY = {
    "key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGjTN9yCNvB5yQ3OE0pfSOTHfBEcYTmjG5HWZX2MHkkn",
    "fingerprint": "SHA256:cswsOe4KHL+so/lyZcOojv28dtn/n/rKx8vkRC7APG0",
    "kind": "ssh-ed25519",
    "is_known": False,
}
LOAD = {
    **{"cpu_percent": 12.5, "memory_percent": 41.0, "memory_free_mb": 38_000, "disk_free_mb": 114_000},
    **{"load": 0.4, "cores": 4, "nodes": None, "idle_nodes": None, "queued": 0, "running": 1},
    **{"as_of": CREATED, "age_s": 4.2, "trouble": "", "is_being_looked_at": False},
}
PROJECT: dict[str, Any] = {
    "id": 1,
    "version": 3,
    "created": CREATED,
    "name": "mobilenet on flowers",
    "model_id": 1,
    "dataset_id": 1,
    "target_id": 1,
    "job_id": 3,
    "state": "done",
    "headline": {"metric": "top1", "baseline": 91.2, "fp32_fps": 120.0, "default_fps": 210.0, "fp32_bytes": 14_200_000},
}
INT8_PROJECT: dict[str, Any] = {
    **PROJECT,
    "id": 2,
    "name": "mobilenet INT8 on flowers",
    "model_id": 2,
    "parent_id": 1,
    "job_id": 5,
    "state": "queued",
    "headline": {},
    "settings": {"preset": "performance", "subset": "25%"},
    "ask": {"subset_percent": 25, "method": "default", "preset": "performance"},
}
MACHINE_ROW: dict[str, Any] = {
    **{"target": "lab", "target_id": 2, "device": "CPU", "project_id": 2, "dataset_id": 1},
    **{"cpu": "AMD EPYC 7B13", "flags": ["avx2"], "cores": 4, "fp32_fps": 61.0, "default_fps": 61.0},
    **{"int8_fps": 64.0, "speedup": 1.05, "speedup_low": 0.98, "speedup_high": 1.11, "latency_ms": 16.1},
    **{"why": ["this CPU has no VNNI"], "failure": ""},
}
JOB: dict[str, Any] = {
    "id": 5,
    "version": 9,
    "created": CREATED,
    "started": CREATED,
    "kind": "calibrate",
    "title": "Calibrate mobilenet on flowers",
    "state": "running",
    "stage": "statistics",
    "progress": 0.31,
    "eta_s": [20.0, 35.0],
    "attempt": 1,
    "project_id": 2,
    "model_id": 2,
    "dataset_id": 1,
    "target_id": 1,
}
UPLOAD: dict[str, Any] = {
    "id": "5d41402abc4b2a76",
    "name": "flowers.zip",
    "size": 88_000_000,
    "received": 1_048_576,
}
WHOLE_UPLOAD = {**UPLOAD, "received": 88_000_000, "sha256": "51ab" * 16, "is_whole": True}
HINDRANCE = {
    "code": "baseline-missing",
    "sentence": "The baseline has not run yet: INT8 is compared with it.",
    "action": "Run the baseline",
    "link": "POST /api/v1/projects/1/baseline",
}
DELETION = {
    "sentence": "Delete model mobilenet, with 1 INT8 model, 2 projects and 3 jobs? Frees 17.9 MB.",
    "models": [2],
    "projects": [1, 2],
    "jobs": [1, 3, 5],
    "frees_bytes": 17_900_000,
}
ASK = {"calibration_dataset_id": 1, "subset_percent": 25, "method": "accuracy-aware", "max_drop": 0.5}
POINT = {
    "series": "int8",
    "batch": 1,
    "streams": 2,
    "requests": 2,
    "fps": 480.2,
    "fps_low": 471.0,
    "fps_high": 488.1,
    "latency_ms": 4.1,
    "latency_p95_ms": 4.6,
}
LAYER = {"name": "conv1", "type": "Convolution", "time_ms": 0.21, "precision": "int8"}
FORM = {"metric": "top1", "inputs": {"": {"color": "bgr"}}}
RENAMED = {"name": "mobilenet v2", "version": 2}

BODIES: dict[str, Any] = {
    "measure_model_elsewhere": {"target_ids": [2]},
    "import_model": {"name": "mobilenet", "uploads": ["5d41402abc4b2a76"]},
    "rename_model": RENAMED,
    "set_model_settings": {"settings": FORM, "version": 2},
    "try_model_settings": {"dataset_id": 1, "settings": FORM, "samples": 20, "pictures": 8},
    "import_dataset": {"name": "flowers", "uploads": ["5d41402abc4b2a76"]},
    "rename_dataset": {"name": "flowers of May", "version": 2},
    "begin_upload": {"name": "flowers.zip", "size": 88_000_000},
    "add_target": ASK_TARGET,
    "show_host_key": {"address": "ssh://me@lab:2222"},
    "change_target": {"spec": {"python": "python3.12"}, "version": 1},
    "create_project": {"model_id": 1, "dataset_id": 1, "run_baseline": True},
    "rename_project": {"name": "flowers, first try", "version": 3},
    "archive_project": {"is_archived": True},
    "calibrate_project": ASK,
    "estimate_calibration": ASK,
    "benchmark_project": {"batches": [1, 8], "streams": [1, 2, 4], "seconds": 1.0, "rounds": 3},
    "evaluate_project": {"dataset_id": 2},
    "pick_project": {"max_drop": 0.2},
}

ANSWERS: dict[str, Any] = {
    "show_health": {"status": "ok"},
    "show_version": {"version": "0.1.0", "api": "v1"},
    "show_machine": {"target_id": 1, "machine": TARGET["machine"], "load": LOAD, "running_jobs": 1},
    "import_sample": {**JOB, "id": 1, "kind": "sample", "title": "Import the sample", "state": "queued"},
    "list_models": [CHILD, MODEL],
    "import_model": {**MODEL, "version": 1, "state": "importing", "tree": None},
    "show_model": MODEL,
    "rename_model": {**MODEL, "version": 3, "name": "mobilenet v2"},
    "show_model_deletion": DELETION,
    "list_model_family": [MODEL, CHILD],
    "list_model_machines": [MACHINE_ROW],
    "measure_model_elsewhere": [{**PROJECT, "id": 3, "target_id": 2, "job_id": 7, "state": "queued", "headline": {}}],
    "show_model_settings": FORM,
    "set_model_settings": {**MODEL, "version": 3, "accuracy_settings": FORM, "are_settings_confirmed": True},
    "try_model_settings": {**JOB, "id": 4, "kind": "try-settings", "title": "Try settings of mobilenet"},
    "list_datasets": [DATASET],
    "import_dataset": {**DATASET, "version": 1, "state": "importing", "tree": None},
    "show_dataset": DATASET,
    "rename_dataset": {**DATASET, "version": 3, "name": "flowers of May"},
    "show_dataset_deletion": {
        **DELETION,
        **{"sentence": "Delete dataset flowers, with 2 projects and 3 jobs? 1 INT8 model stays.", "frees_bytes": 0},
        **{"models": [], "datasets": [1]},
    },
    "list_dataset_files": ["flowers/daisy/001.jpg", "flowers/rose/001.jpg"],
    "show_dataset_fit": {"fits": True, "hindrance": None, "doubts": []},
    "list_uploads": [UPLOAD],
    "begin_upload": {**UPLOAD, "received": 0},
    "show_upload": UPLOAD,
    "send_upload": UPLOAD,
    "finish_upload": WHOLE_UPLOAD,
    "upload_raw": WHOLE_UPLOAD,
    "list_targets": [TARGET, LAB],
    "show_target": TARGET,
    "add_target": {**LAB, "machine": None, "checked": None, "state": "unchecked", "faults": []},
    "change_target": {**LAB, "version": 2, "state": "unchecked", "faults": []},
    "show_host_key": HOST_KEY,
    "show_target_host_key": HOST_KEY,
    "show_target_cache": {"environments_bytes": 702_000_000, "files_bytes": 208_000_000, "jobs_bytes": 2_000_000},
    "clean_target": {"freed_bytes": 912_000_000, "jobs_kept": 0},
    "check_target": {**JOB, "id": 6, "kind": "machine", "title": "Look at this machine", "state": "queued"},
    "show_target_load": LOAD,
    "list_projects": [INT8_PROJECT, PROJECT],
    "create_project": {**PROJECT, "version": 1, "state": "queued", "headline": {}},
    "show_project": PROJECT,
    "rename_project": {**PROJECT, "version": 4, "name": "flowers, first try"},
    "archive_project": {**PROJECT, "version": 4, "is_archived": True},
    "show_project_deletion": DELETION,
    "list_project_family": [PROJECT, INT8_PROJECT],
    "show_project_hindrances": {"calibration": [HINDRANCE], "accuracy_aware": [], "remarks": []},
    "run_project_baseline": {**JOB, "id": 3, "kind": "baseline", "title": "Baseline of mobilenet on flowers"},
    "calibrate_project": INT8_PROJECT,
    "estimate_calibration": {"images": 125, "seconds": [40.0, 90.0]},
    "benchmark_project": {**JOB, "id": 7, "kind": "benchmark", "title": "Measure mobilenet"},
    "evaluate_project": {**JOB, "id": 8, "kind": "evaluate", "title": "Score mobilenet on holiday pictures"},
    "pick_project": {**INT8_PROJECT, "id": 3, "name": "mobilenet INT8, drop 0.2"},
    "show_report": {"format": 1, "model": {"name": "mobilenet"}, "accuracy": {"metric": "top1", "drop_points": 0.1}},
    "list_points": [POINT],
    "list_layers": [LAYER],
    "show_layer": {**LAYER, "weights": {"scale": [0.011, 0.009]}},
    "list_advice": [{"kind": "warning", "title": "Reorders take 14 % of the time.", "action": ""}],
    "show_precisions": {"int8": [{"precision": "INT8", "count": 52, "time_ms": 1.9, "share": 0.86}]},
    "list_pictures": [{"name": "rose/001.jpg", "picture": "data:image/jpeg;base64,AAAA"}],
    "show_search": {"trials": [], "ranking": [], "front": []},
    "show_snippets": {
        "cli": "calibench calibrate mobilenet.onnx flowers --out int8",
        "python": "from calibench import calibrate",
    },
    "list_exports": [{"name": "report.html", "path": "report.html", "size_bytes": 310_000}],
    "compare": {"headlines": [PROJECT["headline"], {}], "differences": {}, "layers": [], "points": []},
    "list_jobs": [JOB],
    "show_job": JOB,
    "cancel_job": {**JOB, "state": "cancelling"},
    "retry_job": {**JOB, "id": 9, "state": "queued", "retry_of": 5},
    "list_job_trials": [{"trial": 1, "drop_points": 0.7, "fps": 480.2}],
    "show_job_place": {"place": 2},
}
