"""Every route does what the Workbench can, and refuses in one form."""

import io
import zipfile

import pytest

from calibench.things.kept import Headline, HostKey, KeptModel, Project
from calibench.workbench import known_targets

V1 = "/api/v1"


def error(answer) -> dict:
    """The error of an answer, which has nothing else."""
    body = answer.json()
    assert list(body) == ["error"]
    assert set(body["error"]) <= {"kind", "message", "hindrance"}
    assert body["error"]["message"].endswith((".", "?", "'", ")"))
    return body["error"]


def test_health_version_and_machine(client, kept):
    assert client.get(f"{V1}/health").json() == {"status": "ok"}
    assert client.get(f"{V1}/version").json()["api"] == "v1"
    machine = client.get(f"{V1}/machine").json()
    assert machine["running_jobs"] == 0
    assert machine["load"]["disk_free_mb"] > 0


def test_a_model_is_listed_shown_renamed_and_deleted(client, kept):
    models = client.get(f"{V1}/models")
    assert [model["id"] for model in models.json()] == [kept.child, kept.model]
    assert models.headers["x-total-count"] == "2"
    assert client.get(f"{V1}/models/{kept.model}").json()["inputs"][0]["shape"] == "[1,3,8,8]"
    renamed = client.patch(f"{V1}/models/{kept.model}", json={"name": "my net", "version": 1})
    assert (renamed.status_code, renamed.json()["name"], renamed.json()["version"]) == (200, "my net", 2)
    deletion = client.get(f"{V1}/models/{kept.model}/deletion").json()
    assert set(deletion["projects"]) == {kept.project, kept.int8_project}
    gone = client.delete(f"{V1}/models/{kept.model}")
    assert (gone.status_code, gone.content) == (204, b"")
    assert client.get(f"{V1}/models").json() == []
    assert error(client.get(f"{V1}/models/{kept.model}"))["kind"] == "NotThere"


def test_a_family_begins_with_the_fp32_parent(client, kept):
    for id in (kept.model, kept.child):
        assert [model["id"] for model in client.get(f"{V1}/models/{id}/family").json()] == [kept.model, kept.child]
    for id in (kept.project, kept.int8_project):
        family = client.get(f"{V1}/projects/{id}/family").json()
        assert [project["id"] for project in family] == [kept.project, kept.int8_project]


def test_machines_of_a_family_are_compared_and_others_are_added(client, kept, workbench):
    path = f"{V1}/models/{kept.child}/machines"
    asked = {"name": "lab", "address": "ssh://me@lab", "spec": {"host_key": "ssh-ed25519 AAAA"}}
    lab = client.post(f"{V1}/targets", json=asked).json()
    projects = client.post(path, json={"target_ids": [lab["id"]]}).json()
    assert [(each["model_id"], each["parent_id"]) for each in projects] == [
        (kept.model, None),
        (kept.child, projects[0]["id"]),
    ]
    assert [client.get(f"{V1}/jobs/{each['job_id']}").json()["kind"] for each in projects] == ["baseline", "benchmark"]
    workbench.store.change(Project, kept.int8_project, headline=Headline(int8_fps=90, default_fps=100, speedup=0.9))
    (row,) = client.get(path).json()
    assert (row["target"], row["project_id"], row["speedup"]) == ("This machine", kept.int8_project, 0.9)
    assert row["why"] == ["the measured times of the layers do not show why"]
    assert client.post(path, json={"target_ids": [99]}).status_code == 404
    assert client.post(path, json={"target_ids": []}).status_code == 422


def test_a_model_comes_as_an_archive(client, kept):
    answer = client.get(f"{V1}/models/{kept.model}/download")
    assert answer.headers["content-type"] == "application/zip"
    assert "net.zip" in answer.headers["content-disposition"]
    assert zipfile.ZipFile(io.BytesIO(answer.content)).read("net.xml") == b"<net/>"
    of_project = client.get(f"{V1}/projects/{kept.int8_project}/model.zip")
    assert zipfile.ZipFile(io.BytesIO(of_project.content)).namelist() == ["model.bin", "model.xml"]


def test_an_int8_model_comes_without_what_else_its_calibration_wrote(client, kept, workbench, tmp_path):
    files = ("model.xml", "model.bin", "deploy.py", "report.json", "front/3/model.xml")
    for name in files:
        (tmp_path / "whole" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "whole" / name).write_text(name)
    tree = workbench.trees.keep(tmp_path / "whole", move=True)
    workbench.store.change(KeptModel, kept.child, tree=tree.hash)
    path = f"{V1}/projects/{kept.int8_project}/model.zip"
    whole, lean = (client.get(path, params=how).content for how in ({}, {"only_model": True}))
    assert set(zipfile.ZipFile(io.BytesIO(whole)).namelist()) == set(files)
    assert zipfile.ZipFile(io.BytesIO(lean)).namelist() == ["deploy.py", "model.bin", "model.xml"]
    of_original = client.get(f"{V1}/projects/{kept.project}/model.zip", params={"only_model": True})
    assert "net.xml" in zipfile.ZipFile(io.BytesIO(of_original.content)).namelist()


def test_a_part_of_a_list(client, kept):
    answer = client.get(f"{V1}/models", params={"limit": 1, "offset": 1})
    assert [model["id"] for model in answer.json()] == [kept.model]
    assert answer.headers["x-total-count"] == "2"
    found = client.get(f"{V1}/models", params={"search": "int8"})
    assert [model["id"] for model in found.json()] == [kept.child]
    assert found.headers["x-total-count"] == "1"


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=x", "offset=-1", "offset=99999999999", "search=%00"])
def test_an_impossible_part_of_a_list_is_named(client, query):
    answer = client.get(f"{V1}/models?{query}")
    assert answer.status_code == 422
    assert error(answer)["message"].startswith(f"{query.split('=')[0]}: ")


def test_an_older_version_is_refused(client, kept):
    for path in (f"models/{kept.model}", f"datasets/{kept.dataset}", f"projects/{kept.project}"):
        assert client.patch(f"{V1}/{path}", json={"name": "first", "version": 1}).status_code == 200
        late = client.patch(f"{V1}/{path}", json={"name": "second", "version": 1})
        assert late.status_code == 409
        assert error(late)["kind"] == "Conflict"
        assert client.get(f"{V1}/{path}").json()["name"] == "first"


def test_accuracy_settings_are_kept_and_checked(client, kept):
    path = f"{V1}/models/{kept.model}/settings"
    assert set(client.get(path).json()) >= {"inputs", "task", "metric", "data"}
    kept_now = client.put(path, json={"settings": {"metric": "top1"}})
    assert kept_now.json()["are_settings_confirmed"] is True
    assert client.get(path).json()["metric"] == "top1"
    wrong = client.put(path, json={"settings": {"task": {"colour": 1}}})
    assert wrong.status_code == 422
    assert "colour" in error(wrong)["message"]


def test_settings_are_tried_in_a_job(client, kept):
    answer = client.post(f"{V1}/models/{kept.model}/settings/trials", json={"dataset_id": kept.dataset})
    assert answer.status_code == 202
    assert (answer.json()["kind"], answer.json()["state"]) == ("try-settings", "queued")


def test_a_dataset_is_shown_and_fits(client, kept):
    assert [each["name"] for each in client.get(f"{V1}/datasets").json()] == ["flowers"]
    assert client.get(f"{V1}/datasets/{kept.dataset}").json()["samples"] == 200
    assert client.get(f"{V1}/datasets/{kept.dataset}/files").json() == ["daisy/1.png", "rose/2.png"]
    fit = client.get(f"{V1}/datasets/{kept.dataset}/fit", params={"model_id": kept.model})
    assert fit.json() == {"fits": True, "hindrance": None, "doubts": []}
    assert client.get(f"{V1}/datasets/{kept.dataset}/deletion").json()["hindrance"] == ""
    assert client.delete(f"{V1}/datasets/{kept.dataset}").status_code == 204


def test_an_import_is_there_at_once_and_has_its_job(client, workbench, tmp_path):
    (tmp_path / "allowed/net.onnx").write_bytes(b"onnx")
    (tmp_path / "allowed/pictures").mkdir()
    for path, name in (("models", "net.onnx"), ("datasets", "pictures")):
        answer = client.post(f"{V1}/{path}", json={"name": "mine", "path": str(tmp_path / "allowed" / name)})
        assert answer.status_code == 201, answer.text
        thing = answer.json()
        assert thing["state"] == "importing"
        assert client.get(answer.headers["location"]).json() == thing
        assert client.get(f"{V1}/jobs/{thing['job_id']}").json()["state"] == "queued"


@pytest.mark.parametrize("path", ["/etc/passwd", "{allowed}/../data/token", "{allowed}/absent", "relative.onnx"])
def test_a_path_outside_the_allowed_folders_is_refused(client, tmp_path, path):
    asked = {"name": "mine", "path": path.format(allowed=tmp_path / "allowed")}
    for kind in ("models", "datasets"):
        assert client.post(f"{V1}/{kind}", json=asked).status_code == 422


def test_targets(client, kept):
    (target,) = client.get(f"{V1}/targets").json()
    assert target["kind"] == "local"
    assert client.get(f"{V1}/targets/{target['id']}").json() == target
    assert client.get(f"{V1}/targets/{target['id']}/load").json()["memory_percent"] > 0
    checked = client.post(f"{V1}/targets/{target['id']}/check")
    assert (checked.status_code, checked.json()["kind"]) == (202, "machine")


def test_a_target_is_added_changed_and_removed(client, kept):
    lab = {"name": "lab", "spec": {"kind": "ssh", "host": "lab", "user": "me"}}
    added = client.post(f"{V1}/targets", json=lab)
    assert (added.status_code, added.json()["state"], added.json()["kind"]) == (201, "unchecked", "ssh")
    assert client.post(f"{V1}/targets", json=lab).status_code == 422
    place = f"{V1}/targets/{added.json()['id']}"
    changed = client.patch(place, json={"spec": {"python": "python3.12"}, "version": added.json()["version"]}).json()
    assert (changed["spec"]["python"], changed["spec"]["host"]) == ("python3.12", "lab")
    assert client.patch(place, json={"name": "box", "version": 1}).status_code == 409
    assert client.delete(place).status_code == 204
    assert client.get(place).status_code == 404


def test_this_machine_is_not_removed_and_shows_no_key(client, kept):
    (here,) = client.get(f"{V1}/targets").json()
    place = f"{V1}/targets/{here['id']}"
    for answer in (client.delete(place), client.get(f"{place}/cache"), client.post(f"{place}/clean")):
        assert (answer.status_code, answer.json()["error"]["hindrance"]["code"]) == (409, "target-local")
    assert client.get(f"{place}/host-key").status_code == 422


def test_the_key_of_a_host_is_shown_before_it_is_trusted(client, monkeypatch):
    async def offered(spec):
        return HostKey(key="ssh-ed25519 AAAA", fingerprint=f"SHA256:of-{spec.host}", kind="ssh-ed25519")

    monkeypatch.setattr(known_targets, "offered_key", offered)
    answer = client.post(f"{V1}/host-keys", json={"spec": {"kind": "ssh", "host": "lab"}})
    assert (answer.status_code, answer.json()["fingerprint"]) == (200, "SHA256:of-lab")


def test_a_project_is_made_once_and_starts_its_baseline(client, kept):
    asked = {"model_id": kept.model, "dataset_id": kept.dataset, "device": "GPU"}
    first, again = (client.post(f"{V1}/projects", json=asked) for _ in range(2))
    assert first.status_code == 201
    assert first.json()["id"] == again.json()["id"]
    assert first.headers["location"] == f"{V1}/projects/{first.json()['id']}"
    jobs = client.get(f"{V1}/jobs", params={"project_id": first.json()["id"]}).json()
    assert [job["kind"] for job in jobs] == ["baseline"]


def test_projects_are_archived_and_taken_back(client, kept):
    path = f"{V1}/projects/{kept.int8_project}"
    assert client.put(f"{path}/archived", json={"is_archived": True}).json()["is_archived"] is True
    assert [each["id"] for each in client.get(f"{V1}/projects").json()] == [kept.project]
    archived = client.get(f"{V1}/projects", params={"archived": True})
    assert [each["id"] for each in archived.json()] == [kept.int8_project]
    assert archived.headers["x-total-count"] == "1"
    client.put(f"{path}/archived", json={"is_archived": False})
    assert len(client.get(f"{V1}/projects").json()) == 2
    assert client.get(f"{path}/deletion").status_code == 200
    assert client.delete(path).status_code == 204


def test_what_hinders_a_calibration_is_told_and_refuses_it(client, kept):
    path = f"{V1}/projects/{kept.project}"
    hindrances = client.get(f"{path}/hindrances").json()["calibration"]
    assert hindrances[0]["code"] == "baseline-missing"
    refused = client.post(f"{path}/calibrations", json={})
    assert refused.status_code == 409
    assert error(refused)["kind"] == "NotPossible"
    assert error(refused)["hindrance"] == hindrances[0]


def test_an_estimate_starts_nothing(client, kept):
    estimate = client.post(f"{V1}/projects/{kept.project}/estimate", json={"subset_percent": 25})
    assert estimate.json()["images"] > 0
    assert client.get(f"{V1}/jobs").json() == []


def test_jobs_of_a_project(client, kept):
    path = f"{V1}/projects/{kept.project}"
    asked = {
        "baseline": None,
        "benchmarks": {"batches": [1, 2], "streams": [1]},
        "evaluations": {"dataset_id": kept.dataset},
    }
    for name, body in asked.items():
        answer = client.post(f"{path}/{name}", json=body)
        assert answer.status_code == 202, answer.text
        assert answer.json()["project_id"] == kept.project
    jobs = client.get(f"{V1}/jobs", params={"project_id": kept.project})
    assert jobs.headers["x-total-count"] == "3"
    assert len(client.get(f"{V1}/jobs?state=running&state=done").json()) == 0
    assert len(client.get(f"{V1}/jobs?state=running&state=queued&kind=benchmark").json()) == 1


def test_a_job_waits_is_cancelled_retried_and_deleted(client, kept):
    job = client.post(f"{V1}/projects/{kept.project}/benchmarks", json={}).json()
    path = f"{V1}/jobs/{job['id']}"
    assert client.get(f"{path}/place").json() == {"place": 1}
    assert client.get(f"{path}/log").headers["content-type"].startswith("text/plain")
    assert client.get(f"{path}/trials").json() == []
    assert error(client.post(f"{path}/retry"))["kind"]  # it has not ended
    cancelled = client.post(f"{path}/cancel")
    assert (cancelled.status_code, cancelled.json()["state"]) == (202, "cancelled")
    assert client.post(f"{path}/cancel").status_code == 409
    again = client.post(f"{path}/retry")
    assert (again.status_code, again.json()["retry_of"]) == (201, job["id"])
    assert client.delete(path).status_code == 204
    assert client.get(path).status_code == 404


def test_a_project_without_results_says_so(client, kept):
    path = f"{V1}/projects/{kept.project}"
    for name in ("report", "search"):
        assert error(client.get(f"{path}/{name}"))["kind"] == "NotThere"
    for name in ("points", "layers", "pictures", "exports", "advice"):
        assert client.get(f"{path}/{name}").json() == [], name
    assert client.get(f"{path}/precisions").json() in ({}, {"fp32": [], "default": []})
    assert client.get(f"{path}/layer", params={"name": "conv"}).status_code == 404
    assert client.get(f"{path}/exports/model.xml").status_code == 404
    assert client.get(f"{path}/exports/..%2F..%2Ftoken").status_code == 404
    assert client.post(f"{path}/picks", json={"max_drop": 1}).status_code in (409, 422)
    assert set(client.get(f"{path}/snippets").json()) == {"cli", "python"}


def test_two_projects_are_compared(client, kept):
    compared = client.get(f"{V1}/compare", params={"a": kept.project, "b": kept.int8_project})
    assert compared.status_code == 200, compared.text
    assert error(client.get(f"{V1}/compare", params={"a": kept.project, "b": 99}))["kind"] == "NotThere"
    assert error(client.get(f"{V1}/compare", params={"a": kept.project}))["message"] == "b: is missing."


def test_the_sample_is_a_job(client):
    answer = client.post(f"{V1}/sample")
    assert (answer.status_code, answer.json()["kind"]) == (202, "sample")
    assert client.post(f"{V1}/sample").json()["id"] == answer.json()["id"]


THINGS = ("models", "datasets", "targets", "projects", "jobs")


@pytest.mark.parametrize("id", ["0", "-1", "99999999999999999999", "x", "1.5", "2147483648", "%00"])
@pytest.mark.parametrize("kind", THINGS)
def test_an_impossible_id_is_named(client, kind, id):
    assert error(client.get(f"{V1}/{kind}/{id}"))["message"].startswith("id: ")


@pytest.mark.parametrize("kind", THINGS)
def test_an_unknown_id_is_not_there(client, kept, kind):
    answer = client.get(f"{V1}/{kind}/99")
    assert (answer.status_code, error(answer)["kind"]) == (404, "NotThere")


@pytest.mark.parametrize(
    "path", ["", "/", "/v1", "/v2/models", "/v1/modles", "/v1/models/", "/v1/models/1/x", "/v1//x"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "TRACE"])
def test_an_unknown_path_is_told_in_json(client, path, method):
    answer = client.request(method, f"/api{path}")
    assert (answer.status_code, error(answer)["kind"]) == (404, "NotThere")


def test_an_unknown_method_is_told_with_those_that_are_known(client):
    answer = client.delete(f"{V1}/models")
    assert (answer.status_code, error(answer)["kind"]) == (405, "NotAllowed")
    assert answer.headers["allow"] == "GET, POST"
    assert client.request("TRACE", f"{V1}/models/1").headers["allow"] == "GET, PATCH, DELETE"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "name: is missing."),
        ({"name": ""}, "name: a name is needed."),
        ({"name": "a\nb"}, "name: a name holds no control characters or line ends."),
        ({"name": "x" * 10_000}, "name: a name has at most 100 letters, this one has 10000."),
        ({"name": 5}, "name: Input should be a valid string."),
        ({"nam": "x", "name": "y"}, "nam: there is no such field. Known: name, version."),
        ([], "The body is no JSON object. Send one, such as {}."),
    ],
)
def test_a_wrong_body_is_explained_in_one_sentence(client, kept, body, message):
    answer = client.patch(f"{V1}/models/{kept.model}", json=body)
    assert answer.status_code == 422
    assert error(answer)["message"] == message


def test_a_search_that_is_too_long_is_explained(client):
    message = error(client.get(f"{V1}/models", params={"search": "x" * 201}))["message"]
    assert message == "search: has at most 200 letters, this one has 201."


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 422),
        (b"{", 400),
        (b'{"name": NaN}', 400),
        (b"[" * 100_000, 422),
        (b'{"name": "\\ud800"}', 422),
        (b'{"name": "x", "version": 99999999999999999999999999}', 422),
        (b"\xff\xfe", 400),
        (b'{"name": "' + b"x" * 1_100_000 + b'"}', 413),
    ],
)
def test_a_body_that_nobody_could_keep_is_refused(client, kept, content, status):
    headers = {"content-type": "application/json"}
    answer = client.patch(f"{V1}/models/{kept.model}", content=content, headers=headers)
    assert answer.status_code == status, answer.text
    assert error(answer)


def test_a_body_of_another_kind_is_told_what_is_wanted(client, kept):
    answer = client.patch(f"{V1}/models/{kept.model}", content=b"name=x", headers={"content-type": "text/plain"})
    assert error(answer)["message"] == "The body is no JSON. Send it with 'Content-Type: application/json'."


def test_a_fault_of_ours_is_told_as_one_and_hides_its_insides(client, workbench, monkeypatch):
    def fail(*_args, **_more):
        raise RuntimeError("secret insides")

    monkeypatch.setattr(workbench.models, "get", fail)
    answer = client.get(f"{V1}/models/1")
    assert (answer.status_code, error(answer)["kind"]) == (500, "InternalError")
    assert "secret" not in answer.text
