"""A Workbench with projects in which nothing runs: jobs end when a test says so, with results written by hand."""

import json
import sys
from pathlib import Path

from kept_things import NOW, Bench

from calibench.targets.bundle import OUT, End
from calibench.targets.bundle_files import read_bundle
from calibench.things.kept import Failure, Job, KeptModel, Project, Target
from calibench.workbench.adopted_results import adopters
from calibench.workbench.project_news import ProjectNews
from calibench.workbench.projects import Projects
from calibench.worker.ending import Ending
from calibench.worker.job_rows import JobRows

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "reports"))  # for its report_samples

CPU = {"devices": {"CPU": ["FP32", "INT8"], "GPU": ["FP32"]}}


def speed(fps, latency):
    """A Speed as plain values."""
    return {
        "device": "CPU",
        "precision": "f32",
        "throughput": [{"batch": 1, "streams": 2, "requests": 2, "fps": {"raw": [fps - 1, fps, fps + 3]}}],
        "latency_ms": {"raw": [latency]},
        "latency_p95_ms": {"raw": [latency]},
    }


def point(series, batch=1, streams=2, fps=100.0, latency=10.0):
    return {"series": series, "batch": batch, "streams": streams, "requests": streams, "fps": fps,
            "fps_low": fps - 1, "fps_high": fps + 1, "latency_ms": latency, "latency_p95_ms": latency + 1}  # fmt: skip


def timed(name, time=1.0, precision="F32", kind="Convolution", output="", originals=()):
    return {"name": name, "type": kind, "exec_type": "jit", "time_ms": time, "precision": precision,
            "outputPrecisions": output, "originalLayersNames": list(originals)}  # fmt: skip


def baseline_values(**values):
    return {
        "score": {"metric": "top1", "unit": "%", "score": 90.0, "samples": 4},
        "why_no_score": "",
        "samples": 4,
        "speeds": {"fp32": speed(100, 10), "default": speed(150, 7)},
        "layers": [timed("a", 2.0), timed("b", 1.0, kind="Pooling")],
        "default_layers": [timed("a", 1.0, "BF16"), timed("b", 0.5)],
        "points": [point("fp32"), point("default", fps=150.0)],
        "size_bytes": 4000,
        **values,
    }


def report_values(**values):
    layer = {
        **{"name": "a", "type": "Convolution", "precision": "int8", "reason": None, "input_db": 40.0},
        "quantizers": [{"input": 0, "low": [0.0], "high": [1.0], "levels": 256, "step": [1 / 255], "values": None}],
        "weights": {"channels": 2, "largest": [0.5, 0.25], "rms": [0.1, 0.1], "step": [0.01], "error_db": [40, 41]},
        **{"scales": None, "output_db": 35.0, "runtime_precision": "U8", "output_precisions": "U8"},
        **{"fp32_ms": 2.0, "int8_ms": 0.5},
    }
    float_layer = {
        **layer,
        **{"name": "b", "type": "MatMul", "precision": "float", "reason": "too small", "quantizers": []},
        **{"weights": None, "runtime_precision": "F32", "output_precisions": "F32", "fp32_ms": 1.0, "int8_ms": 1.0},
    }
    ran = [
        {"name": "a", "type": "Convolution", "exec_type": "brgconv", "time_ms": 0.5, "precision": "U8",
         "original_names": ["a", "a/bias"]},
        {"name": "b", "type": "FullyConnected", "exec_type": "gemm", "time_ms": 1.0, "precision": "F32",
         "original_names": []},
        {"name": "reorder", "type": "Reorder", "exec_type": "jit", "time_ms": 0.5, "precision": "U8",
         "original_names": []},
    ]  # fmt: skip
    before = [{**each, "precision": "F32", "time_ms": 2.0} for each in ran[:2]]
    return {
        **{"kind": "calibration", "schema_version": 2, "metric": "top1", "unit": "%", "baseline": 90.0, "int8": 89.5},
        **{"drop_points": 0.5, "drop_interval": [0.1, 0.9], "agreement": 98.0, "evaluated": 4},
        **{"higher_is_better": True, "fp32_fps": 100.0, "default_fps": 150.0, "int8_fps": 300.0, "speedup": 2.0},
        **{
            "fp32_bytes": 4000,
            "int8_bytes": 1100,
            "speeds": {"fp32": speed(100, 10), "default": speed(150, 6), "int8": speed(300, 4)},
        },
        "layers": [layer, float_layer],
        "runtime_layers": {"fp32": before, "int8": ran},
        "samples": [{"name": "cat/1.png", "picture": "data:image/jpeg;base64,AA==", "worse": 1.0}],
        "advice": [{"kind": "good", "title": "Twice as fast.", "action": ""}],
        **{"subset": {"count": 2}, "seconds": {"read": 1.0, "calibrate": 10.0, "evaluate": 5.0}},
        **{"notes": ["a note"], "search": None},
        **values,
    }


def search_values(**values):
    front = [
        {"trial": 1, "drop": 0.1, "drop_interval": [0.0, 0.2], "scores": {"top1": 89.9}, "floats": ["a", "b"],
         "repair": "none", "time_ms": 2.0, "fps": 200.0, "int8_bytes": 1200, "folder": "front/1"},
        {"trial": 2, "drop": 0.5, "drop_interval": None, "scores": {"top1": 89.5}, "floats": ["b"],
         "repair": "none", "time_ms": 1.0, "fps": None, "int8_bytes": 1100, "folder": "."},
    ]  # fmt: skip
    return {
        **{"metric": "top1", "limits": [{"metric": "top1", "drop": 0.5}], "is_reached": True, "why_not": ""},
        **{"best": 2, "front": front, "trials": [], "ranking": []},
        **values,
    }


def as_report(values):
    """As `write_report` writes it: a layer on a line."""
    rows = [json.dumps(row) for row in values["layers"]]
    lines = {name: json.dumps(value) for name, value in values.items()}
    lines["layers"] = "[\n    " + ",\n    ".join(rows) + "\n  ]"
    return "{\n" + ",\n".join(f'  "{name}": {text}' for name, text in lines.items()) + "\n}\n"


class ProjectBench(Bench):
    """With projects, and their jobs taken in."""

    def __init__(self, place, allowed=(), url=None):
        super().__init__(place, allowed, url)
        self.projects = Projects(self.shelf, self.jobs, self.deletions, self.sources)
        self.follower = ProjectNews(self.shelf)
        self.follower.listen()
        self.runs = Ending(
            JobRows(self.store, self.hub), self.folder.jobs, adopters(self.store, self.trees, self.users)
        )
        self.target = self.store.add(Target(created=NOW, name="This machine", machine=CPU))

    def ready(self, **values):
        """A model and a dataset that fit, and a project in which the baseline is done."""
        settings = {"inputs": {"": {"mean": [127.0]}}}
        given = {"accuracy_settings": settings, "are_settings_confirmed": True, **values}
        model, dataset = self.model(**given), self.dataset(samples=400)
        from calibench.things.asked import NewProject

        project = self.projects.create(NewProject(model_id=model.id, dataset_id=dataset.id))
        self.done(project.job_id, {"baseline.json": json.dumps(baseline_values())})
        return self.store.get(Project, project.id)

    def calibrated(self, project, report=None, **ask):
        """An INT8 project whose calibration is done."""
        from calibench.things.asked import AskCalibration

        made = self.projects.calibrate(project.id, AskCalibration(**ask))
        values = report or report_values()
        self.done(made.job_id, self.calibration_files(values))
        return self.store.get(Project, made.id)

    @staticmethod
    def calibration_files(values=None):
        xml = '<net>\n<layer id="0" type="Parameter"/>\n<layer id="1" type="Convolution"/>\n</net>\n'
        points = json.dumps([point("fp32"), point("int8", fps=300.0, latency=4.0)])
        return {
            **{"report.json": as_report(values or report_values()), "model.xml": xml, "model.bin": "weights"},
            **{"report.html": "<p>", "deploy.py": "", "classes.csv": "", "points.json": points},
        }

    def done(self, job_id, files, result=None):
        for name, content in files.items():
            path = self.folder.jobs / str(job_id) / OUT / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        return self.runs.finish(self.store.get(Job, job_id), End(state="done", result=result or {}))

    def broken(self, job_id, message="net.onnx: is no model."):
        failure = Failure(kind="ModelError", message=message)
        return self.runs.finish(self.store.get(Job, job_id), End(state="failed", failure=failure))

    def stopped(self, job_id):
        return self.runs.finish(self.store.get(Job, job_id), End(state="cancelled"))

    def bundle(self, project):
        return read_bundle(self.folder.jobs / str(project.job_id))

    def model_of(self, project):
        return self.store.get(KeptModel, project.model_id)
