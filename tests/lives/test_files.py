"""Files of a stack, from CloudFormation's requests to what arrived at the server; on both wires."""

import base64
import hashlib
import json
from typing import Any

import pytest
from botocore.response import StreamingBody

from local.openai_standin import Fault
from testkit.in_process.world import World
from testkit.memory.refusals import Refusal
from tests.support.runs import FILE, attributes, each_wire, failure

POLICY: dict[str, Any] = {"filename": "policy.md", "content": "Nothing is released on Sunday. 🙂"}
TEXT = POLICY["content"].encode()
DEFAULT_PURPOSE = {"responses": "user_data", "assistants": "assistants"}


def files_at_openai(world: World) -> int:
    return world.openai.counters()["files"]


def delete(world: World, answer: dict[str, Any]) -> None:
    assert world.delete(answer["PhysicalResourceId"], **FILE)["Status"] == "SUCCESS"


@each_wire
def test_a_file_is_uploaded_and_deleted_with_its_stack(world: World) -> None:
    event = world.event("Create", POLICY, **FILE)
    created = world.send(event)
    assert world.send(event) == created, "a repeated request makes no other one"
    data = attributes(created)
    assert data == {
        "id": created["PhysicalResourceId"],
        "filename": "policy.md",
        "bytes": str(len(TEXT)),
        "purpose": DEFAULT_PURPOSE[world.wire],
        "created_at": "1800000000",
        "expires_at": "",
        "sha256": hashlib.sha256(TEXT).hexdigest(),
    }
    [sent] = world.posted("/v1/files")
    assert sent == {"file": {"filename": "policy.md", "bytes": len(TEXT)}, "purpose": DEFAULT_PURPOSE[world.wire]}
    assert files_at_openai(world) == 1
    delete(world, created)
    assert files_at_openai(world) == 0


def test_properties_in_pascal_case_and_what_else_a_file_has(world: World) -> None:
    given = {"Filename": "Über 1.bin", "ContentBase64": base64.b64encode(b"\0\1").decode() + "\n", "Purpose": "batch"}
    created = world.create(given | {"ExpiresAfterSeconds": "3600"}, **FILE)
    data = attributes(created)
    assert (data["Filename"], data["Bytes"], data["Purpose"]) == ("Über 1.bin", "2", "batch")
    assert int(data["ExpiresAt"]) == int(data["CreatedAt"]) + 3600
    assert data["Sha256"] == hashlib.sha256(b"\0\1").hexdigest()
    assert world.posted("/v1/files")[0]["expires_after"] == {"anchor": "created_at", "seconds": "3600"}


@each_wire
def test_a_change_of_content_name_or_purpose_is_another_file_and_all_else_is_not(world: World) -> None:
    created = world.create(POLICY, **FILE)
    file_id = created["PhysicalResourceId"]
    same = POLICY | {"timeout_seconds": "60", "deletion_policy": "delete"}
    encoded = {"filename": "policy.md", "content_base64": base64.b64encode(TEXT).decode()}
    for unchanged in (same, encoded):
        assert world.update(file_id, unchanged, **FILE)["PhysicalResourceId"] == file_id
    assert files_at_openai(world) == 1
    for change in ({"content": "Nothing."}, {"filename": "rules.md"}, {"purpose": "vision"}):
        replaced = world.update(file_id, POLICY | change, **FILE)
        assert replaced["PhysicalResourceId"] != file_id
        assert world.update(replaced["PhysicalResourceId"], POLICY, **FILE)["PhysicalResourceId"] == file_id, "back"
        delete(world, replaced)
    assert files_at_openai(world) == 1
    retained = world.update(file_id, POLICY | {"deletion_policy": "retain"}, **FILE)
    delete(world, retained)
    assert files_at_openai(world) == 1


@each_wire
def test_an_object_of_s3_is_uploaded_by_the_function_that_has_time_for_it(world: World) -> None:
    body = bytes(range(256)) * 5000
    old = world.objects.put("reports/2026.pdf", body[1:], version="1")
    world.objects.put("reports/2026.pdf", body, version="2")
    invoked: list[str] = []
    invoke = world.invoke
    world.invoke = lambda function, event: (invoked.append(function), invoke(function, event))[1]  # type: ignore[method-assign]
    world.after_request("POST", "/v1/files", lambda: invoked.append("uploaded"))
    data = attributes(world.create({"filename": "report.pdf", "source": old}, **FILE))
    assert (data["bytes"], data["sha256"]) == (str(len(body)), hashlib.sha256(body).hexdigest())
    assert invoked.index("uploaded") - 1 == invoked.index("reconcile")
    first = world.create({"filename": "report.pdf", "source": old, "source_version": "1"}, **FILE)
    assert attributes(first)["sha256"] == hashlib.sha256(body[1:]).hexdigest()


@each_wire
@pytest.mark.parametrize("kind", ["lost_reply", "reset", "garbage"])
@pytest.mark.parametrize("is_from_s3", [False, True])
def test_a_lost_reply_of_an_upload_leaves_one_file(world: World, kind: str, is_from_s3: bool) -> None:
    world.openai.fault(Fault("POST", "/v1/files", kind))  # type: ignore[arg-type]
    content = {"source": world.objects.put("policy.md", TEXT)} if is_from_s3 else {"content": POLICY["content"]}
    created = world.create({"filename": "policy.md", **content}, **FILE)
    assert attributes(created)["sha256"] == hashlib.sha256(TEXT).hexdigest()
    assert files_at_openai(world) == 1
    delete(world, created)
    assert files_at_openai(world) == 0


@pytest.mark.parametrize("kind", ["lost_reply", "reset"])
def test_a_file_that_another_resource_made_is_not_taken_for_one_whose_reply_was_lost(world: World, kind: Any) -> None:
    """Of the same name and size, at the same time: files have no place for a mark."""
    other = FILE | {"logical_id": "Other"}
    world.openai.fault(Fault("POST", "/v1/files", kind))
    for names in (FILE, other):
        world.deliver(world.event("Create", POLICY, **names))
    world.settle()
    one, two = world.url.answers
    assert {one["Status"], two["Status"]} == {"SUCCESS"}
    assert one["PhysicalResourceId"] != two["PhysicalResourceId"]
    assert files_at_openai(world) == 2
    for answer in (one, two):
        world.delete(answer["PhysicalResourceId"], **FILE | {"logical_id": answer["LogicalResourceId"]})
    assert files_at_openai(world) == 0


def test_a_delete_finds_the_file_of_an_upload_without_reply(world: World) -> None:
    """CloudFormation gave up on the Create while the server did not tell what there is."""
    world.openai.fault(Fault("POST", "/v1/files", "lost_reply"))
    world.openai.fault(Fault("GET", "/v1/files", "status", 503, times=6))
    create = world.event("Create", POLICY, **FILE)
    world.deliver(create)
    assert files_at_openai(world) == 1
    assert world.delete("example-File-1ABCDEF", **FILE)["Status"] == "SUCCESS"
    assert files_at_openai(world) == 0


@each_wire
@pytest.mark.parametrize("status", [401, 403, 500])
def test_a_file_that_was_refused_is_rolled_back_though_all_else_is_refused_too(world: World, status: int) -> None:
    """A gateway without files, as LiteLLM without settings: it answers 500 to the upload and to the search for it."""
    world.openai.fault(Fault("*", "/v1/files.*", "status", status=status, times=None))
    created = world.create(POLICY, **FILE)
    assert f"HTTP {status}" in failure(created)
    delete(world, created)


@pytest.mark.parametrize("status", [403, 404])
def test_a_file_without_reply_that_is_never_shown_again_keeps_no_stack(world: World, status: int) -> None:
    world.openai.fault(Fault("POST", "/v1/files", "lost_reply"))
    world.openai.fault(Fault("GET", "/v1/files", "status", status=status, times=None))
    delete(world, world.create(POLICY, **FILE))


def test_what_the_server_or_s3_refuses_is_said(world: World) -> None:
    world.openai.fault(Fault("POST", "/v1/files", "status", 400))
    assert failure(world.create(POLICY, **FILE)).startswith("cannot upload policy.md: ")
    missing = {"filename": "a.txt", "source": "s3://documents/missing"}
    said = failure(world.create(missing, **FILE | {"logical_id": "Missing"}))
    assert said == "source: cannot read s3://documents/missing: there is no such object, or no such version of it (404)"
    world.objects.problems = [Refusal("403", status=403)]
    assert "the policies of the bucket" in failure(world.create(missing, **FILE | {"logical_id": "Denied"}))
    assert files_at_openai(world) == 0


def test_s3_that_fails_for_a_while_is_asked_again(world: World) -> None:
    source = world.objects.put("policy.md", TEXT)
    world.objects.problems = [Refusal("SlowDown", status=503), Refusal("InternalError", status=500)]
    attributes(world.create({"filename": "policy.md", "source": source}, **FILE))
    assert files_at_openai(world) == 1


def test_contents_stay_in_the_record_until_they_are_uploaded_and_are_written_nowhere(
    world: World, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    held: list[bool] = []

    def look() -> None:
        with world.unwatched():
            [record] = [world.records.load(key) for key in world.items() if key.startswith("RESOURCE#")]
        held.append(record is not None and "Sunday" in record.model_dump_json())

    world.after_request("POST", "/v1/files", look)
    world.create(POLICY, **FILE)
    look()
    assert held == [True, False]
    bad = world.create(POLICY | {"content_base64": "U3VuZGF5!", "purpose": "Sunday"}, **FILE | {"logical_id": "Bad"})
    assert "Sunday" not in failure(bad).replace("(it is 'Sunday')", "")
    written = capsys.readouterr()
    assert "Sunday" not in json.dumps([each.text for each in (caplog,)]) + written.out + written.err


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"filename": "a.txt"}, "content: is required, or content_base64 or source in its place"),
        (POLICY | {"content_base64": "YQ=="}, "content: conflicts with content_base64: give one of the two"),
        (POLICY | {"source": "s3://documents/a"}, "source: conflicts with content: give one of the two"),
        (POLICY | {"source_version": "1"}, "source_version: is the version of an object in S3: give its source, too"),
        (POLICY | {"filename": "a/b.txt"}, "filename: must be a name without slashes, backslashes, double"),
        ({"filename": "a", "content_base64": "a"}, "content_base64: is not valid Base64"),
        (
            {"filename": "a", "source": "s3://secrets/a"},
            "source: this application may not read from bucket secrets: deploy it with FileBuckets=documents,secrets",
        ),
        ({"filename": "a", "source": "https://documents"}, "source: must look like s3://bucket/key"),
        (POLICY | {"expires_after_seconds": "60"}, "expires_after_seconds: must be at least 3600 (it is '60')"),
    ],
)
def test_what_cannot_be_a_file_is_refused_at_the_door(world: World, given: dict[str, Any], problem: str) -> None:
    assert problem in failure(world.create(given, **FILE))
    assert world.openai.requests == []


def test_an_object_that_is_cut_off_is_read_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The HTTP client has no error of its own for a body of another length than it was told."""
    source, read, cuts = world.objects.put("policy.md", TEXT), StreamingBody.read, [b""]
    monkeypatch.setattr(StreamingBody, "read", lambda body, size: cuts.pop() if cuts else read(body, size))
    assert attributes(world.create({"filename": "policy.md", "source": source}, **FILE))["bytes"] == str(len(TEXT))
    assert (cuts, files_at_openai(world)) == ([], 1)


def test_an_upload_that_is_too_slow_ends_before_its_function_does(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another step may upload then: none must be at work any more."""
    source, read = world.objects.put("policy.md", TEXT), StreamingBody.read

    def slow(body: StreamingBody, size: int) -> bytes:
        world.clock.advance(40)
        return read(body, size)

    monkeypatch.setattr(StreamingBody, "read", slow)
    said = failure(world.create({"filename": "policy.md", "source": source}, **FILE))
    assert said.startswith("the file was not ready in time: the upload was too slow: ")
    assert files_at_openai(world) == 0


def test_a_server_without_files_says_so(world: World) -> None:
    world.openai.fault(Fault("POST", "/v1/files", "status", 404))
    said = failure(world.create(POLICY, **FILE))
    assert said.startswith("Custom::OpenAIFile needs files, and the server at http://standin.invalid/v1/ has none: ")


@each_wire
@pytest.mark.parametrize("kind", ["", "lost_reply"])
def test_a_file_that_has_expired_is_uploaded_again_by_the_next_update(world: World, kind: Any) -> None:
    """Whatever that changes: CloudFormation would otherwise be told an id that no run can use."""
    given = POLICY | {"expires_after_seconds": "3600"}
    created = world.create(given, **FILE)
    file_id = created["PhysicalResourceId"]
    world.clock.advance(3500)
    assert world.update(file_id, given | {"timeout_seconds": "60"}, **FILE)["PhysicalResourceId"] == file_id
    world.clock.advance(200)
    assert files_at_openai(world) == 0
    if kind:
        world.openai.fault(Fault("POST", "/v1/files", kind))
    again = world.update(file_id, given, **FILE)
    data = attributes(again)
    assert again["PhysicalResourceId"] != file_id
    assert int(data["expires_at"]) > world.clock()
    assert data["sha256"] == attributes(created)["sha256"]
    assert files_at_openai(world) == 1
    delete(world, created)
    assert files_at_openai(world) == 1, "the old id's Delete leaves the new file"
    delete(world, again)
    assert files_at_openai(world) == 0


def test_a_file_that_has_expired_and_cannot_be_uploaded_again_is_tried_again_by_the_rollback(world: World) -> None:
    given = POLICY | {"expires_after_seconds": "3600"}
    created = world.create(given, **FILE)
    file_id = created["PhysicalResourceId"]
    world.clock.advance(3700)
    world.openai.fault(Fault("POST", "/v1/files", "status", 400))
    failed = world.update(file_id, given | {"timeout_seconds": "60"}, **FILE)
    assert failure(failed).startswith("cannot upload policy.md: ")
    assert failed["PhysicalResourceId"] == file_id
    back = world.update(file_id, given, **FILE)
    attributes(back)
    delete(world, created)
    delete(world, back)
    assert files_at_openai(world) == 0
