"""A Workbench without a store, queue or models: what it is asked is answered from canned things, and remembered."""

import itertools
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "reports"))

import canned_things as canned
import report_samples

from calibench.errors import CalibenchError, JobError, SettingsError, TargetError
from calibench.store.data_folder import DataFolder
from calibench.store.refused import Conflict, NotThere
from calibench.targets.target_check import as_host_key
from calibench.things.asked import (
    AccuracyForm,
    AskCalibration,
    AskHost,
    AskPick,
    AskTarget,
    ChangeTarget,
    Import,
    NewProject,
    Points,
    Rename,
    TrySettings,
)
from calibench.things.kept import (
    ENDED,
    Cleaned,
    Deletion,
    Event,
    Hindrance,
    HostKey,
    Job,
    KeptDataset,
    KeptModel,
    Project,
    Target,
    TargetCache,
    TargetLoad,
    Upload,
)
from calibench.things.machine_row import MachineRow
from calibench.things.target_spec import TargetSpec
from calibench.workbench.compared_projects import compare_projects
from calibench.workbench.fitting import doubts
from calibench.workbench.measured_machines import machine_rows, measure_elsewhere
from calibench.workbench.ran_layers import baseline_layers, calibrated_layers, precision_shares
from calibench.workbench.refusals import NotPossible, refuse
from calibench.workbench.target_book import spec_of
from calibench.worker.hub import Hub

LEFT = (("job", 12), ("project", 7))
"""Deleted only where what it left on a target that does not answer may stay there."""


class Shelf:
    """Things of one kind by id; changes are published."""

    def __init__(self, bench: "FakeWorkbench", topic: str, things: Iterable[Any]) -> None:
        self.bench, self.topic, self.things = bench, topic, {thing.id: thing for thing in things}

    def get(self, thing_id: int) -> Any:
        if thing_id not in self.things:
            raise NotThere(f"{self.topic} {thing_id} is not there (any more).")
        return self.things[thing_id]

    def all(self, search: str = "") -> tuple[Any, ...]:
        words = search.lower()
        return tuple(
            sorted((each for each in self.things.values() if words in each.name.lower()), key=lambda each: -each.id)
        )

    def put(self, thing: Any) -> Any:
        change = "changed" if thing.id in self.things else "created"
        self.things[thing.id] = thing
        self.bench.hub.publish(Event(topic=self.topic, id=thing.id, change=change, data=thing.model_dump(mode="json")))
        return thing

    def change(self, thing_id: int, **values: Any) -> Any:
        thing = self.get(thing_id)
        return self.put(type(thing).model_validate({**thing.model_dump(), "version": thing.version + 1, **values}))

    def next_id(self) -> int:
        return max(self.things, default=0) + 1

    def rename(self, thing_id: int, asked: Rename) -> Any:
        thing = self.get(thing_id)
        if asked.version not in (None, thing.version):
            raise Conflict(f"{self.topic} {thing_id} was changed meanwhile; look at it again.")
        if any(each.name == asked.name and each.id != thing_id for each in self.things.values()):
            raise SettingsError(f"The name '{asked.name}' is taken by another {self.topic}; choose another.")
        return self.change(thing_id, name=asked.name)

    def delete(self, thing_id: int, leave: bool = False) -> None:
        if (self.topic, thing_id) in LEFT and not leave:
            time.sleep(0.3)  # so long a machine is asked in vain
            sentence = (
                "What the job left on its target could not be removed: rack: does not answer. It may go on there."
            )
            refuse(Hindrance(code="left-on-target", sentence=sentence, action="Delete all the same"))
        self.bench.calls.append((f"delete {self.topic}", thing_id))
        del self.things[thing_id]
        self.bench.hub.publish(Event(topic=self.topic, id=thing_id, change="deleted"))


class FakeModels(Shelf):
    def family(self, model_id: int) -> tuple[KeptModel, ...]:
        model = self.get(model_id)
        top = model.parent_id or model.id
        return (self.get(top), *(each for each in self.things.values() if each.parent_id == top))

    def settings(self, model_id: int) -> dict[str, Any]:
        return dict(self.get(model_id).accuracy_settings)

    def set_settings(self, model_id: int, form: AccuracyForm) -> KeptModel:
        model = self.get(model_id)
        if form.version not in (None, model.version):
            raise Conflict(f"model {model_id} was changed meanwhile; look at it again.")
        self.bench.calls.append(("set_settings", model_id, form.settings))
        return self.change(model_id, accuracy_settings=form.settings, are_settings_confirmed=True)

    def try_settings(self, model_id: int, asked: TrySettings) -> Job:
        self.bench.calls.append(("try_settings", model_id, asked))
        return self.bench.jobs.begin(
            "try-settings",
            "Try accuracy settings",
            model_id=model_id,
            dataset_id=asked.dataset_id,
            result=canned_trial(asked.settings),
        )

    def import_(self, asked: Import) -> KeptModel:
        self.bench.calls.append(("import model", asked))
        _refuse_import(self, asked)
        job = self.bench.jobs.begin("import-model", f"Import {asked.name}", model_id=self.next_id())
        return self.put(KeptModel(id=self.next_id(), created=canned.NOW, name=asked.name, job_id=job.id))

    def would_delete(self, model_id: int) -> Deletion:
        model = self.get(model_id)
        projects = tuple(each.id for each in self.bench.projects.things.values() if each.model_id == model_id)
        children = tuple(each.id for each in self.things.values() if each.parent_id == model_id)
        return Deletion(
            sentence=f"With the model go {len(children)} INT8 models and {len(projects)} projects. Frees 46.8 MB.",
            models=children,
            projects=projects,
            frees_bytes=model.size_bytes,
            hindrance="Job 6 works with it; cancel the job first." if model_id == 7 else "",
        )

    def path(self, model_id: int) -> Path:
        return self.folder(model_id) / "model.xml"

    def folder(self, model_id: int) -> Path:
        return Path(__file__).parent


class FakeDatasets(Shelf):
    def import_(self, asked: Import) -> KeptDataset:
        self.bench.calls.append(("import dataset", asked))
        _refuse_import(self, asked)
        job = self.bench.jobs.begin("import-dataset", f"Import {asked.name}", dataset_id=self.next_id())
        return self.put(KeptDataset(id=self.next_id(), created=canned.NOW, name=asked.name, job_id=job.id))

    def would_delete(self, dataset_id: int) -> Deletion:
        used = tuple(each.id for each in self.bench.projects.things.values() if each.dataset_id == dataset_id)
        return Deletion(
            sentence=f"{len(used)} projects use it and go with it." if used else "Nothing uses it.",
            projects=used,
            frees_bytes=self.get(dataset_id).size_bytes,
        )

    def doubts(self, model_id: int, dataset_id: int) -> tuple[str, ...]:
        return doubts(self.bench.models.get(model_id), self.get(dataset_id))

    def fits(self, model_id: int, dataset_id: int) -> Hindrance | None:
        model, dataset = self.bench.models.get(model_id), self.get(dataset_id)
        if model.state != "ready" or dataset.state != "ready":
            return Hindrance(code="not-ready", sentence="Model or dataset is still being imported.")
        if not dataset.has_pictures:
            sentence = f"{dataset.name} holds texts, and {model.name} takes pictures."
            return Hindrance(code="dataset-does-not-fit", sentence=sentence, action="Import a dataset that fits",
                             link="/datasets")  # fmt: skip
        return None

    def path(self, dataset_id: int) -> Path:
        return Path(__file__).parent

    def files(self, dataset_id: int) -> list[str]:
        return [f"flower {i % 5}/{i:05}.jpg" for i in range(self.get(dataset_id).samples)]


class FakeTargets(Shelf):
    """Hosts are asked by their names: `gone...` does not answer, `moved...` has another key, `known...` is known."""

    questions = 0

    def all(self, search: str = "") -> tuple[Target, ...]:
        return tuple(sorted(self.things.values(), key=lambda each: each.id))

    def check(self, target_id: int) -> Job:
        self.bench.calls.append(("check target", target_id))
        return self.bench.jobs.begin("machine", f"Look at {self.get(target_id).name}", target_id=target_id)

    def load(self, target_id: int, wait_s: float = 0.0) -> TargetLoad:
        """lab: older with each question; cluster: by a look that goes on; moved: not since its key has changed."""
        target, self.questions = self.get(target_id), self.questions + 1
        room = TargetLoad(memory_percent=44.0, memory_free_mb=9_000, disk_free_mb=41_000, age_s=4.0)
        if target.spec.is_here:
            return room.model_copy(update={"cpu_percent": 37.0, "memory_free_mb": 11_500, "age_s": 0.0})
        if target.machine is None:
            return TargetLoad(trouble=target.faults[0].sentence if target.faults else "")
        more: dict[int, dict[str, Any]] = {
            2: {
                "cpu_percent": 30.0,
                "load": 2.4,
                "cores": 8,
                "age_s": float(self.questions),
                "queued": 1,
                "running": 1,
            },
            3: {"nodes": 12, "idle_nodes": 3, "age_s": 3700.0, "is_being_looked_at": True},
            5: {"cpu_percent": 70.0, "age_s": 190.0, "trouble": target.faults[0].sentence if target.faults else ""},
        }
        return room.model_copy(update=more.get(target_id, {}))

    def add(self, asked: AskTarget) -> Target:
        spec = spec_of(asked)
        self._refuse_name(asked.name, 0)
        self.bench.calls.append(("add target", asked.name, spec))
        return self.put(Target(id=self.next_id(), created=canned.NOW, name=asked.name, kind=spec.kind, spec=spec))

    def change(self, thing_id: int, asked: ChangeTarget | None = None, **values: Any) -> Any:
        if asked is None:
            return super().change(thing_id, **values)
        target = self.get(thing_id)
        if asked.version not in (None, target.version):
            raise Conflict(f"target {thing_id} was changed meanwhile; look at it again.")
        if asked.name is not None:
            self._refuse_name(asked.name, thing_id)
            values["name"] = asked.name
        if asked.address or asked.spec.model_fields_set:
            values["spec"] = spec_of(asked, target.spec)
        self.bench.calls.append(("change target", thing_id, values))
        return super().change(thing_id, **values)

    def remove(self, target_id: int) -> None:
        refuse(self.removal_hindrance(target_id))
        self.delete(target_id)

    def removal_hindrance(self, target_id: int) -> Hindrance | None:
        used = [each for each in self.bench.projects.things.values() if each.target_id == target_id]
        sentence = f"{self.get(target_id).name}: was used by the project {used[0].name!r}." if used else ""
        return (
            Hindrance(code="target-used", sentence=sentence, action="Go to the projects", link="/projects")
            if used
            else None
        )

    def cache(self, target_id: int) -> TargetCache:
        return TargetCache(environments_bytes=300_000_000, files_bytes=12_000_000)

    def clean(self, target_id: int) -> Cleaned:
        self.bench.calls.append(("clean target", target_id))
        time.sleep(0.5)  # so that its dialog can be left meanwhile
        return Cleaned(freed_bytes=312_000_000)

    def host_key(self, target_id: int) -> HostKey:
        return self._shown(self.get(target_id).spec, canned.NEW_HOST_KEY)

    def host_key_at(self, asked: AskHost) -> HostKey:
        spec = spec_of(asked)
        self.bench.calls.append(("ask host", spec.host))
        return self._shown(spec, canned.HOST_KEY)

    def _shown(self, spec: TargetSpec, key: str) -> HostKey:
        if str(spec.host).startswith("gone"):
            raise TargetError(f"{spec.address}: does not answer within 10 s. Is it switched on?")
        return as_host_key(key, is_known=str(spec.host).startswith("known"))

    def _refuse_name(self, name: str, but_for: int) -> None:
        if any(each.name.casefold() == name.casefold() and each.id != but_for for each in self.things.values()):
            raise SettingsError(f"name: there is a target {name!r} already. Choose another name.")


class FakeProjects(Shelf):
    def all(
        self, search: str = "", archived: bool | None = False, limit: int | None = None, offset: int = 0
    ) -> tuple[Project, ...]:
        found = [
            each
            for each in sorted(self.things.values(), key=lambda each: each.created, reverse=True)
            if archived in (None, each.is_archived) and search.lower() in each.name.lower()
        ]
        return tuple(found[offset : None if limit is None else offset + limit])

    def count(self, search: str = "", archived: bool | None = False) -> int:
        return len(self.all(search, archived))

    def target(self, project_id: int) -> Target:
        return self.bench.targets.get(self.get(project_id).target_id)

    def family(self, project_id: int) -> tuple[Project, ...]:
        project = self.get(project_id)
        top = project.parent_id or project.id
        return (self.get(top), *(each for each in self.things.values() if each.parent_id == top))

    def create(self, asked: NewProject) -> Project:
        self.bench.calls.append(("create project", asked))
        model, dataset = self.bench.models.get(asked.model_id), self.bench.datasets.get(asked.dataset_id)
        name = asked.name or f"{model.name} on {dataset.name}"[:100]
        new = self.next_id()
        job = self.bench.jobs.begin("baseline", f"Baseline of {name}", project_id=new) if asked.run_baseline else None
        return self.put(
            Project(
                id=new,
                created=canned.NOW,
                name=name,
                model_id=asked.model_id,
                dataset_id=asked.dataset_id,
                target_id=asked.target_id or 1,
                job_id=job.id if job else None,
                state="queued" if job else "done",
            )
        )

    def archive(self, project_id: int, is_archived: bool) -> Project:
        return self.change(project_id, is_archived=is_archived)

    def would_delete(self, project_id: int) -> Deletion:
        return Deletion(
            sentence="With the project go its results; model and dataset stay.",
            projects=tuple(each.id for each in self.family(project_id)[1:]),
            frees_bytes=12_000_000,
            left_on=("rack",) if ("project", project_id) in LEFT else (),
            hindrance="Its calibration is running; cancel it first." if self.get(project_id).state == "running" else "",
        )

    def hindrances(self, project_id: int) -> tuple[Hindrance, ...]:
        project = self.get(project_id)
        model = self.bench.models.get(project.model_id)
        if model.parent_id:
            sentence = "This model is INT8 already. INT8 models are made from their FP32 parent."
            return (Hindrance(code="int8-child", sentence=sentence, action="Go to its parent",
                              link=f"/projects/{project.parent_id}"),)  # fmt: skip
        if model.is_quantized:
            sentence = "The model holds FakeQuantize or INT8 weights: it is quantized already."
            return (Hindrance(code="quantized", sentence=sentence),)
        if project.headline.baseline is None and project.parent_id is None:
            return (Hindrance(code="baseline-missing", sentence="The baseline was not run yet.", action="Run it",
                              link=f"POST /api/v1/projects/{project_id}/baseline"),)  # fmt: skip
        return ()

    def method_hindrances(self, project_id: int, calibration_dataset_id: int | None = None) -> tuple[Hindrance, ...]:
        model = self.bench.models.get(self.get(project_id).model_id)
        if not model.accuracy_settings:
            return (Hindrance(code="settings-missing", sentence="Accuracy settings are missing.", action="Set them",
                              link=f"/models/{model.id}/accuracy"),)  # fmt: skip
        return ()

    def baseline(self, project_id: int) -> Job:
        return self.bench.jobs.begin("baseline", "Baseline", project_id=project_id)

    def calibrate(self, project_id: int, asked: AskCalibration) -> Project:
        self.bench.calls.append(("calibrate", project_id, asked))
        parent, new = self.get(project_id), self.next_id()
        name = asked.name or f"{parent.name} INT8 {asked.method}"[:100]
        job = self.bench.jobs.begin("calibrate", f"Calibrate {name}", project_id=new)
        return self.put(
            parent.model_copy(
                update={"id": new, "name": name, "parent_id": parent.id, "state": "queued", "job_id": job.id}
                | {"result": None, "ask": asked.model_dump(mode="json"), "created": canned.NOW}
                | {"headline": type(parent.headline)(), "calibration_dataset_id": asked.calibration_dataset_id}
            )
        )

    def estimate(self, project_id: int, asked: AskCalibration) -> dict[str, Any]:
        dataset = self.bench.datasets.get(asked.calibration_dataset_id or self.get(project_id).dataset_id)
        images = max(1, round(dataset.samples * asked.subset_percent / 100))
        factor = 12 if asked.method == "accuracy-aware" else 1
        return {"images": images, "seconds": [factor * (8 + images * 0.02), factor * (14 + images * 0.06)]}

    def benchmark(self, project_id: int, points: Points) -> Job:
        self.bench.calls.append(("benchmark", project_id, points))
        return self.bench.jobs.begin("benchmark", "Measure speed", project_id=project_id)

    def evaluate(self, project_id: int, dataset_id: int) -> Job:
        return self.bench.jobs.begin("evaluate", "Measure accuracy", project_id=project_id, dataset_id=dataset_id)

    def pick(self, project_id: int, asked: AskPick) -> Project:
        self.bench.calls.append(("pick", project_id, asked))
        project, new = self.get(project_id), self.next_id()
        job = self.bench.jobs.begin("pick", "Another model of the search", project_id=new)
        name = asked.name or f"{project.name} (within {asked.max_drop})"
        return self.put(project.model_copy(update={"id": new, "name": name[:100], "job_id": job.id, "state": "queued"}))

    def report(self, project_id: int) -> dict[str, Any] | None:
        project = self.get(project_id)
        if project.result is None or project.parent_id is None:
            return None
        return self._searched if project.headline.limit is not None else self._rich

    @cached_property
    def _rich(self) -> dict[str, Any]:
        return report_samples.rich_report().model_dump(mode="json")

    @cached_property
    def _searched(self) -> dict[str, Any]:
        return report_samples.searched_report().model_dump(mode="json")

    def beside(self, project_id: int) -> dict[str, Any] | None:
        return None

    def points(self, project_id: int) -> list[dict[str, Any]]:
        project = self.get(project_id)
        if project.result is None:
            return []
        series = ["fp32", "default"] if project.parent_id is None else ["fp32", "default", "int8"]
        return [
            _point(name, batch, streams) for name, batch, streams in itertools.product(series, (1, 4, 8), (1, 2, 4))
        ]

    def layers(self, project_id: int) -> list[dict[str, Any]]:
        if self.get(project_id).result is None:
            return []
        report = self.report(project_id)
        return calibrated_layers(report) if report else baseline_layers(_baseline())

    def layer(self, project_id: int, name: str) -> dict[str, Any]:
        found = next((row for row in self.layers(project_id) if row["name"] == name), None)
        if found is None:
            raise NotThere(f"project {project_id} has no layer {name}.")
        return found

    def precisions(self, project_id: int) -> dict[str, Any]:
        report = self.report(project_id)
        if report:
            return {name: precision_shares(rows) for name, rows in report["runtime_layers"].items()}
        has_result = self.get(project_id).result is not None
        return {"fp32": precision_shares(_baseline()["layers"])} if has_result else {}

    def advice(self, project_id: int) -> list[dict[str, Any]]:
        return list((self.report(project_id) or {}).get("advice", []))

    def remarks(self, project_id: int) -> tuple[Hindrance, ...]:
        model = self.bench.models.get(self.get(project_id).model_id)
        said = "The weights are stored as FP16; they are computed as FP32."
        return (Hindrance(code="fp16-weights", sentence=said),) if model.has_fp16_weights else ()

    def pictures(self, project_id: int) -> list[dict[str, Any]]:
        report = self.report(project_id)
        return (report or {}).get("samples", [])

    def search(self, project_id: int) -> dict[str, Any] | None:
        report = self.report(project_id)
        return report["search"] if report else None

    def snippets(self, project_id: int) -> dict[str, str]:
        return {
            "cli": "calibench calibrate resnet18.onnx flowers-val --preset performance --output int8",
            "python": "from calibench import calibrate\n\ncalibrate('resnet18.onnx', 'flowers-val')\n",
        }

    def exports(self, project_id: int) -> list[dict[str, Any]]:
        names = ("model.xml", "model.bin", "report.html", "report.json", "deploy.py")
        return [{"name": name, "path": name, "size_bytes": 1000 * 17**i} for i, name in enumerate(names)]

    def export(self, project_id: int, name: str) -> Path:
        return Path(__file__)


class FakeJobs(Shelf):
    def begin(self, kind: str, title: str, **more: Any) -> Job:
        job = Job(id=self.next_id(), created=canned.NOW, kind=kind, title=title, **more)  # type: ignore[arg-type]
        return self.put(job)

    def all(  # type: ignore[override]
        self,
        states: tuple[str, ...] = (),
        kind: str | None = None,
        project_id: int | None = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> tuple[Job, ...]:
        found = [
            each
            for each in sorted(self.things.values(), key=lambda each: each.created, reverse=True)
            if (not states or each.state in states)
            and kind in (None, each.kind)
            and project_id in (None, each.project_id)
        ]
        return tuple(found[offset : None if limit is None else offset + limit])

    def running(self) -> tuple[Job, ...]:
        return tuple(each for each in self.things.values() if each.state in ("running", "cancelling"))

    def cancel(self, job_id: int) -> Job:
        self.bench.calls.append(("cancel", job_id))
        return self.change(job_id, state="cancelled" if self.get(job_id).state == "queued" else "cancelling")

    def retry(self, job_id: int) -> Job:
        self.bench.calls.append(("retry", job_id))
        old = self.get(job_id)
        if old.state not in ENDED:
            raise JobError(f"Job {job_id} has not ended; wait for it, or cancel it first.")
        return self.begin(old.kind, old.title, retry_of=job_id, project_id=old.project_id)

    def left_on(self, job_id: int) -> str:
        return "rack" if ("job", job_id) in LEFT else ""

    def log(self, job_id: int, last_lines: int = 200) -> str:
        lines = [f"09:{i // 60:02}:{i % 60:02} statistics {i} of 300 <b>not bold</b>" for i in range(300)]
        return "\n".join(lines[-last_lines:])

    def trials(self, job_id: int) -> list[dict[str, Any]]:
        if self.get(job_id).kind != "calibrate":
            return []
        return report_samples.searched_report().model_dump(mode="json")["search"]["trials"][
            : self.get(job_id).result.get("tried", 5)
        ]

    def said(self, job_id: int) -> dict[str, Any]:
        is_upload = self.get(job_id).stage == "upload"
        return {"stage": "upload", "step": "upload", "done": 18_000_000, "total": 46_800_000} if is_upload else {}

    def queue_place(self, job_id: int) -> int | None:
        queued = sorted((each.created, each.id) for each in self.things.values() if each.state == "queued")
        places = {thing_id: place for place, (_, thing_id) in enumerate(queued, start=1)}
        return places.get(job_id)


class FakeUploads:
    def __init__(self) -> None:
        self.things: dict[str, Upload] = {}

    def begin(self, name: str, size: int | None = None) -> Upload:
        upload = Upload(id=f"u{len(self.things) + 1}", name=name, size=size)
        self.things[upload.id] = upload
        return upload

    def take(self, upload_id: str, received: int) -> Upload:
        values = {"received": received, "is_whole": True, "sha256": "0" * 64}
        self.things[upload_id] = self.things[upload_id].model_copy(update=values)
        return self.things[upload_id]

    def get(self, upload_id: str) -> Upload:
        if upload_id not in self.things:
            raise NotThere(f"upload {upload_id} is not there (any more).")
        return self.things[upload_id]

    def delete(self, upload_id: str) -> None:
        self.things.pop(upload_id, None)


class FakeWorkbench:
    """As workbench/door.py has it; `calls` holds what was asked.

    Args:
        is_empty: nothing was imported yet.
        many: as many projects more.
        allowed: folders of the server's machine that imports may read.
    """

    def __init__(self, is_empty: bool = False, many: int = 0, allowed: tuple[Path, ...] = ()) -> None:
        self.hub = Hub()
        self.calls: list[tuple[Any, ...]] = []
        self.allowed = allowed
        self.folder = DataFolder(Path("/srv/calibench"))
        self.fill(is_empty, many)

    def fill(self, is_empty: bool = False, many: int = 0, is_elsewhere: bool = False) -> None:
        """Begin anew, with canned things or with nothing; `is_elsewhere`: with projects and a job on the lab too."""
        self.calls.clear()
        none: Callable[[], list[Any]] = lambda: []  # noqa: E731
        pick = (lambda _: none()) if is_empty else (lambda make: make())
        self.models = FakeModels(self, "model", pick(canned.models))
        self.datasets = FakeDatasets(self, "dataset", pick(canned.datasets))
        self.targets = FakeTargets(self, "target", canned.targets() if not is_empty else canned.targets()[:1])
        there = (canned.projects_elsewhere(), canned.jobs_elsewhere()) if is_elsewhere else ([], [])
        self.projects = FakeProjects(self, "project", pick(lambda: canned.projects(many)) + there[0])
        self.jobs = FakeJobs(self, "job", pick(canned.jobs) + there[1])
        self.uploads = FakeUploads()

    def sample(self) -> Job:
        self.calls.append(("sample",))
        return self.jobs.begin("sample", "Get the sample")

    def machines(self, model_id: int) -> list[MachineRow]:
        return machine_rows(self.models, self.projects, self.targets.all(), model_id)

    def measure_elsewhere(self, model_id: int, target_ids: Sequence[int]) -> list[Project]:
        self.calls.append(("measure elsewhere", model_id, list(target_ids)))
        targets = [self.targets.get(id) for id in target_ids]
        return measure_elsewhere(self.models, self.projects, model_id, targets)

    def compare(self, project_a: int, project_b: int) -> dict[str, Any]:
        return compare_projects(self.projects, project_a, project_b)  # type: ignore[arg-type]


def _refuse_import(shelf: Shelf, asked: Import) -> None:
    if any(each.name == asked.name for each in shelf.things.values()):
        raise SettingsError(f"The name '{asked.name}' is taken by another {shelf.topic}; choose another.")
    if not asked.uploads and asked.path is None:
        raise SettingsError("Name an upload or a path to import from.")
    if asked.path is not None and not any(asked.path.is_relative_to(each) for each in shelf.bench.allowed):
        raise SettingsError(f"{asked.path} lies in no folder that was allowed with --allow-folder.")


def _point(series: str, batch: int, streams: int) -> dict[str, Any]:
    speed = {"fp32": 100.0, "default": 118.0, "int8": 330.0}[series]
    fps = speed * (1 + 0.5 * (streams - 1) / streams + 0.05 * batch)
    return {
        "series": series,
        "batch": batch,
        "streams": streams,
        "requests": streams,
        "fps": fps,
        "fps_low": fps * 0.97,
        "fps_high": fps * 1.02,
        "latency_ms": 1000 * batch * streams / fps,
        "latency_p95_ms": 1100 * batch * streams / fps,
    }


def _baseline() -> dict[str, Any]:
    """What of baseline.json the layers come from."""
    rows = [_timed(i) for i in range(300)]
    return {"layers": [row | {"precision": "F32"} for row in rows], "default_layers": rows}


def _timed(i: int) -> dict[str, Any]:
    kind = ("Convolution", "Add", "Pooling", "FullyConnected", "Reorder")[i % 5]
    return {
        "name": f"layer{i // 20}/block{i % 20}/{kind}_{i}",
        "type": kind,
        "exec_type": "brgconv_avx512_I8" if i % 3 else "jit_avx512_FP32",
        "time_ms": 0.2 / (1 + i % 17),
        "precision": "U8" if i % 3 else "F32",
        "outputPrecisions": "U8" if i % 3 else "FP32",
        "originalLayersNames": [f"node_{i}"],
    }


def canned_trial(settings: dict[str, Any]) -> dict[str, Any]:
    """What out/try.json says."""
    report = report_samples.rich_report().model_dump(mode="json")
    fields = ("name", "picture", "size", "truth", "baseline", "baseline_value")
    rows = [{key: each[key] for key in fields} for each in report["samples"]]
    rows[0] |= {"truth": {"text": "tulip"}, "baseline_value": 0.0}
    return {
        "score": {"metric": "top1", "unit": "%", "score": 85.0, "samples": 20, "details": {}, "classes": []},
        "samples": 20,
        "findings": [
            {
                "cause": "colour order",
                "says": "The model expects BGR pictures",
                "before": 35.0,
                "after": 85.0,
                "samples": 20,
            }
        ],
        "settled": {**canned.SETTINGS, **settings},
        "mended": {**canned.SETTINGS, "inputs": {"": {**canned.SETTINGS["inputs"][""], "color": "bgr"}}},
        "notes": ["task classification, from the shapes of the outputs"],
        "warnings": [],
        "rows": rows[:8],
    }


__all__ = ["CalibenchError", "Conflict", "FakeWorkbench", "NotPossible", "NotThere"]
