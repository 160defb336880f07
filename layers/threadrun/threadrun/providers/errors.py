"""The one place where failures of the openai SDK become this package's two error families."""

from __future__ import annotations

import email.utils
import math
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import httpx2
import openai

from threadrun.errors import LostReply, NotFound, NotShown, TerminalError, ThreadBusy, TransientError
from threadrun.providers.replies import Reply
from threadrun.schema.types import encodable

LOCKED = "conversation_locked"
_LOCKED_THREAD = re.compile(r"already has an active run|while a run \S+ is active")
"""The message of servers that speak Assistants v2: their refusal has no code."""
_UNANSWERED_CALL = "No tool output found for function call"
"""The message where another run on the thread waits for its functions: no run can start before it has their outputs."""
_RETRIED_STATUSES = frozenset({408, 409, 425, 429})
_NEVER_PASSES = re.compile(
    r"insufficient_quota|billing_not_active|billing_hard_limit_reached|\w*spend_limit_exceeded|request too large"
    r"|you exceeded your current quota(?!.*retry(?: in |Delay\W+)\d)|quota exceeded for metric: \S+ limit: 0\b(?!\.\d)",
    re.IGNORECASE | re.DOTALL,
)
"""Codes, and words of a message, of a limit that is reached again at each try; a gateway writes its own before them.

Source: https://platform.openai.com/docs/guides/error-codes; "Request too large for …" exceeds the limit by itself.
Gemini has OpenAI's words for a limit of a minute, too, and says when to retry, even where the limit is 0.
"""
_RATE_LIMIT = re.compile(r"rate.?limit|too.?many.?requests|current quota|^(requests|tokens)$", re.IGNORECASE)
"""Codes, types, and words of a message, by which a 429 is that of a rate limit, which refuses what it does not do.

`requests` and `tokens` are OpenAI's types. Any other refusal of these statuses may be that of a gateway on the way.
"""
KEY_SOURCE = "threadrun_key_source"
"""Extension of a 401: the ARN of the secret that has the key, which was read afresh for it."""
_NO_REASON = "the API gave no reason"
_MESSAGE_CHARACTERS = 4096
"""A response to CloudFormation has no place for more, and a longer message would fill the record."""


@contextmanager
def translated(action: str, *, creates: bool = False) -> Iterator[None]:
    """Send requests within this; `action`, an infinitive phrase, names them in the error's sentence.

    With `creates`, a failure that leaves open whether the server acted is a `LostReply`. The API key is cut out
    of the server's messages. Source: openai._exceptions; https://platform.openai.com/docs/guides/error-codes.
    """
    open_ended = LostReply if creates else TransientError
    try:
        yield
    except openai.APIConnectionError as error:
        unsent = isinstance(error.__cause__, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.PoolTimeout)
        family = TransientError if unsent else open_ended
        raise family(f"cannot {action}: the API could not be reached ({type(error).__name__})") from error
    except openai.APIStatusError as error:
        raise _from_status(action, error, open_ended) from error
    except openai.APIError:
        raise
    except openai.OpenAIError as error:
        # The SDK itself could not sign the request, so it was not sent.
        raise TerminalError(f"cannot {action}: {error}") from error


def _from_status(action: str, error: openai.APIStatusError, open_ended: type[TransientError]) -> Exception:
    sentence = f"cannot {action}: {_reason(error)}"
    if _is_locked(error):
        return ThreadBusy(sentence, _retry_after_seconds(error))
    if error.status_code in _RETRIED_STATUSES and not _never_passes(error):
        # A gateway may give up on a request that reached the server, and has codes of its own.
        family = TransientError if error.status_code == 429 and _says(_RATE_LIMIT, error) else open_ended
        return family(sentence, _retry_after_seconds(error))
    if error.status_code >= 500:
        return open_ended(sentence, _retry_after_seconds(error))
    if error.status_code in (404, 410) and error.code != "model_not_found":
        return NotFound(sentence)
    # The API refuses in JSON. A gateway's page is about this very request: the next one may pass.
    is_page = error.status_code == 403 and not isinstance(error.body, dict)
    return NotShown(sentence) if is_page and open_ended is TransientError else TerminalError(sentence)


def _never_passes(error: openai.APIStatusError) -> bool:
    return _says(_NEVER_PASSES, error)


def _says(words: re.Pattern[str], error: openai.APIStatusError) -> bool:
    return any(words.search(str(text)) for text in (error.code, error.type, _message(error)) if text)


def may_pass(error: Reply) -> bool:
    """Whether a run failed for a reason that says nothing of the next try. A quota that is used up has such a code."""
    is_passing = error.text("code") in ("server_error", "rate_limit_exceeded")
    return is_passing and _NEVER_PASSES.search(error.text("message")) is None


def _is_locked(error: openai.APIStatusError) -> bool:
    if error.code == LOCKED:
        return True
    if error.status_code == 400 and _UNANSWERED_CALL in _message(error):
        return True
    return error.status_code in (400, 409) and _LOCKED_THREAD.search(_message(error)) is not None


def _message(error: openai.APIStatusError) -> str:
    body = error.body if isinstance(error.body, dict) else {}
    # OpenAI's field, then that of servers built on FastAPI.
    with suppress(RecursionError):
        return str(encodable(body.get("message") or body.get("detail") or _NO_REASON))
    return _NO_REASON


def _reason(error: openai.APIStatusError) -> str:
    secret = sent_key(error.request)
    code = f", code {error.code}" if error.code else ""
    request_id = f", request id {error.request_id}" if error.request_id else ""
    facts = without(secret, f"(HTTP {error.status_code}{code}{request_id})")
    arn = error.response.extensions.get(KEY_SOURCE)
    place = f"; the key was read again from {arn}" if arn else ""
    return f"{without(secret, _message(error))[:_MESSAGE_CHARACTERS]} {facts}{place}"


def sent_key(request: httpx2.Request) -> str:
    """The API key that the request was sent with; on Bedrock its signature, empty where it has neither."""
    return request.headers.get("authorization", "").removeprefix("Bearer ")


def without(secret: str, text: str) -> str:
    return text.replace(secret, "***") if secret else text


def _retry_after_seconds(error: openai.APIStatusError) -> float | None:
    """Seconds to wait, which a server gives in milliseconds, in seconds or as a date. Source: openai._base_client."""
    headers = error.response.headers
    for name, divisor in (("retry-after-ms", 1000), ("retry-after", 1)):
        with suppress(ValueError):
            number = float(headers.get(name, ""))
            if math.isfinite(number):
                return max(number / divisor, 0.0)
    until = _epoch_s(headers.get("retry-after", ""))
    if until is None:
        return None
    # By the server's own clock where the reply has its time: ours may differ.
    return max(until - (_epoch_s(headers.get("date", "")) or time.time()), 0.0)


def _epoch_s(date: str) -> float | None:
    with suppress(ValueError, OverflowError):
        return email.utils.parsedate_to_datetime(date).timestamp()
    return None
