"""Files come in parts or at once, and a broken connection loses nothing or leaves nothing."""

import hashlib

import pytest

UPLOADS = "/api/v1/uploads"
FILE = bytes(range(256)) * 100


def test_a_file_comes_in_parts(client):
    begun = client.post(UPLOADS, json={"name": "net.onnx", "size": len(FILE)})
    assert begun.status_code == 201
    path = begun.headers["location"]
    assert client.put(path, content=FILE[:1000]).json()["received"] == 1000
    assert client.get(path).json()["received"] == 1000
    assert client.put(path, params={"offset": 1000}, content=FILE[1000:]).json()["received"] == len(FILE)
    whole = client.post(f"{path}/finish").json()
    assert whole["is_whole"] is True
    assert whole["sha256"] == hashlib.sha256(FILE).hexdigest()
    assert [upload["name"] for upload in client.get(UPLOADS).json()] == ["net.onnx"]
    assert client.delete(path).status_code == 204
    assert client.get(path).status_code == 404


def test_parts_that_do_not_join_are_refused_and_lose_nothing(client):
    path = client.post(UPLOADS, json={"name": "net.onnx", "size": 10}).headers["location"]
    client.put(path, content=b"12345")
    for offset in (0, 4, 6):
        answer = client.put(path, params={"offset": offset}, content=b"x")
        assert (answer.status_code, answer.json()["error"]["kind"]) == (409, "Conflict")
    assert client.post(f"{path}/finish").status_code == 409
    assert client.put(path, params={"offset": 5}, content=b"6789012345").status_code == 422
    assert client.get(path).json()["received"] == 5


def test_a_body_larger_than_a_form_is_fine_here(client):
    path = client.post(UPLOADS, json={"name": "net.onnx"}).headers["location"]
    assert client.put(path, content=bytes(3_000_000)).json()["received"] == 3_000_000


def test_a_file_comes_at_once(client, workbench):
    answer = client.post(f"{UPLOADS}/raw", params={"name": "a/ä.zip"}, content=FILE)
    assert (answer.status_code, answer.json()["name"]) == (201, "ä.zip")
    assert workbench.uploads.path(answer.json()["id"]).read_bytes() == FILE


def test_a_name_may_come_percent_encoded_in_a_header(client):
    answer = client.post(f"{UPLOADS}/raw", headers={"x-file-name": "%C3%A4%20b.zip"}, content=FILE)
    assert answer.json()["name"] == "ä b.zip"


@pytest.mark.parametrize("name", ["", "..", "/", "%00"])
def test_a_file_without_a_usable_name_is_refused(client, name):
    assert client.post(f"{UPLOADS}/raw?name={name}", content=FILE).status_code == 422
    assert client.get(UPLOADS).json() == []


def test_an_empty_file_is_refused_and_leaves_nothing(client):
    answer = client.post(f"{UPLOADS}/raw", params={"name": "net.onnx"})
    assert answer.status_code == 422
    assert "empty" in answer.json()["error"]["message"]
    assert client.get(UPLOADS).json() == []


@pytest.mark.parametrize("id", ["0123456789abcdef", "x", "..%2F.."])
def test_an_unknown_upload(client, id):
    assert client.get(f"{UPLOADS}/{id}").status_code == 404
