"""Decides about files: upload once, though the reply can be lost and the function that uploads can end.

A file has no place for a mark, so one whose upload got no reply is known by its name, its size and the time since which
it can be there; `Files.find_lost` gives no resource a file that is another one's.

| upload on record | action |
| --- | --- |
| none | measure the content, note an upload whose owner is this step, save |
| owned by this step, noted less than `START_GRACE_SECONDS` ago | upload; it has no owner from then on |
| any other, and the server has its file | take that for its result |
| any other, while the step that made it may be at work | wait, and look again |
| any other, with nothing to be seen since | own it, and upload again |
"""
# docs/decisions.md: "A file is uploaded by one step, and found again by name, size and time"

from __future__ import annotations

from threadrun.errors import LostReply, TerminalError, ThreadRunError
from threadrun.reconcile.once import BUSY_POLL_SECONDS, START_GRACE_SECONDS
from threadrun.reconcile.outcome import Actor, Checkpoint, Done, Gone, RequeueAfter
from threadrun.reconcile.patience import deleted, tried
from threadrun.reconcile.presence import missing
from threadrun.schema.files import DesiredFile
from threadrun.state.files import FileRecord, Upload

MIN_UPLOAD_SECONDS, UPLOAD_BYTES_PER_SECOND = 30, 1_000_000
"""What an upload may take: 512 MB have nine minutes, and a function has fifteen."""


def make_file(file: FileRecord, actor: Actor) -> Done | Gone | Checkpoint | RequeueAfter:
    if file.failure is not None:
        raise TerminalError(file.failure)
    if file.desired is None:
        return Done()
    if (file_id := file.file_id) is not None:
        return missing(file, lambda: actor.backend.files.observe(file_id), actor) or Done()
    require_time(file, actor)
    if file.upload is None:
        return _intend(file, file.desired, actor)
    # A step that was frozen since it noted the upload is not alone any more.
    if file.upload.owner == actor.step_id and actor.now < file.upload.intended_epoch_s + START_GRACE_SECONDS:
        return _upload(file, file.desired, file.upload, actor)
    return _recover(file, file.desired, file.upload, actor)


def delete_file(file: FileRecord, actor: Actor) -> Done | RequeueAfter:
    if file.options.deletion_policy == "retain":
        return Done()
    if file.file_id is None and (upload := file.upload) is not None:
        require_time(file, actor)
        if pause := tried(file, lambda: _claim_lost(file, upload, actor), actor):
            return pause
        if file.file_id is None and actor.now < upload.ends_epoch_s + START_GRACE_SECONDS:
            return RequeueAfter(BUSY_POLL_SECONDS, "the file is being uploaded")
    if (file_id := file.file_id) is None:
        return Done()
    require_time(file, actor)
    return deleted(file, lambda: actor.backend.files.delete(file_id), actor) or Done()


def _claim_lost(file: FileRecord, upload: Upload, actor: Actor) -> None:
    if (found := actor.backend.files.find_lost(upload, file.key)) is not None:
        file.file_id = found.file_id


def require_time(file: FileRecord, actor: Actor) -> None:
    if actor.now >= file.deadline_epoch_s:
        raise TerminalError(f"the file was not ready in time: {file.waited_for(actor.now)}")


def _intend(file: FileRecord, desired: DesiredFile, actor: Actor) -> Checkpoint | RequeueAfter:
    if desired.source is not None and not _has_time(MIN_UPLOAD_SECONDS, actor):
        return _hand_over()
    content = actor.backend.files.measure(desired)
    seconds = MIN_UPLOAD_SECONDS + content.size_bytes / UPLOAD_BYTES_PER_SECOND
    if desired.source is not None and not _has_time(seconds, actor):
        return _hand_over()
    since = file.upload.since_epoch_s if file.upload else actor.now
    file.upload = Upload(
        filename=desired.filename,
        size_bytes=content.size_bytes,
        etag=content.etag,
        intended_epoch_s=actor.now,
        ends_epoch_s=actor.now + seconds,
        owner=actor.step_id,
        since_epoch_s=since,
    )
    return Checkpoint("the file is about to be uploaded")


def _has_time(seconds: float, actor: Actor) -> bool:
    return actor.now + seconds <= actor.ends_epoch_s


def _hand_over() -> RequeueAfter:
    return RequeueAfter(1, "the upload is left to a step with more time", needs_new_step=True)


def _upload(file: FileRecord, desired: DesiredFile, upload: Upload, actor: Actor) -> Done:
    file.upload = upload.model_copy(update={"owner": None})
    try:
        file.note_uploaded(*actor.backend.files.upload(desired, file.upload, file.key))
    except LostReply:
        raise  # Keep the upload: the file may be there.
    except ThreadRunError:
        if upload.since_epoch_s == upload.intended_epoch_s:
            file.upload = None
        raise  # Otherwise keep it: this refusal says nothing about the earlier one.
    return Done()


def _recover(file: FileRecord, desired: DesiredFile, upload: Upload, actor: Actor) -> Done | Checkpoint | RequeueAfter:
    files = actor.backend.files
    if (found := files.find_lost(upload, file.key)) is not None:
        file.note_uploaded(found, files.sha256(desired, upload))
        return Done()
    if actor.now < upload.ends_epoch_s + START_GRACE_SECONDS:
        return RequeueAfter(BUSY_POLL_SECONDS, "checking whether the file was uploaded: the reply was lost")
    return _intend(file, desired, actor)
