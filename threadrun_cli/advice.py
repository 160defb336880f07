"""What can be deployed and is hardly meant: warnings, which the deployment itself does not give."""

from __future__ import annotations

from typing import Any

from threadrun.schema.arguments import AnyDesired, DesiredRun
from threadrun.schema.problems import Place
from threadrun_cli.intrinsics import OTHER, Resolver
from threadrun_cli.properties import normal

Advice = tuple[Place, str]


def advise(
    desired: AnyDesired | None, raw: dict[str, Any], resolver: Resolver
) -> tuple[frozenset[str] | None, list[Advice]]:
    """The keys that the answer can have, None where any may be one, and what is hardly meant."""
    found = [
        (place, f"{place[-1]}: YAML reads this as a boolean, so the text is {_at(raw, place)!r}: put it in quotes")
        for place in resolver.booleans
        if desired is not None and isinstance(_at(desired.model_dump(), place), str)
    ]
    if not isinstance(desired, DesiredRun) or desired.import_id:
        return None, found
    limit = raw.get("ServiceTimeout")
    if (
        desired.timeout_seconds
        and isinstance(limit, str)
        and limit.isdecimal()
        and int(limit) < desired.timeout_seconds
    ):
        sentence = (
            f"timeout_seconds: is more than ServiceTimeout, which ends the run after {limit} s: raise ServiceTimeout"
        )
        found.append((("timeout_seconds",), sentence))
    form = desired.response_format
    is_open = _is_unknown(resolver, "response_format") or (form is None and desired.assistant_id is not None)
    if desired.reason_key and not is_open and (form is None or form.json_schema is None):
        sentence = "reason_key: has no effect without response_format of type json_schema"
        found.append((("reason_key",), sentence))
    if form and form.type == "json_object" and not is_open and _lacks_json(desired, resolver):
        sentence = "response_format: the server takes json_object only with the word JSON in a message: write it there"
        found.append((("response_format",), sentence))
    if is_open or (form and form.type == "json_object"):
        return None, found
    schema = form.json_schema.schema_ if form and form.json_schema else {}
    keys = schema.get("properties", {})
    is_closed = form is None or form.type == "text" or (isinstance(keys, dict) and bool(keys))
    return frozenset(map(str, keys)) if is_closed and OTHER not in schema else None, found


def _lacks_json(run: DesiredRun, resolver: Resolver) -> bool:
    """Whether all texts that the model gets are known, and none has the word."""
    if (
        run.existing_thread_id
        or run.assistant_id
        or any(_is_unknown(resolver, each) for each in ("thread", "instructions"))
    ):
        return False
    return not any(
        "json" in text.lower() for text in (run.instructions or "", *(each.content for each in run.messages))
    )


def _is_unknown(resolver: Resolver, name: str) -> bool:
    return any(normal(place)[0] == normal((name,))[0] for place in resolver.unknown if place)


def _at(value: Any, place: Place) -> Any:
    """What is at a place, whose keys may be of another style than the value's."""
    for part in place:
        if isinstance(value, dict):
            value = {normal((str(key),))[0]: each for key, each in value.items()}.get(normal((part,))[0])
        else:
            value = value[part] if isinstance(value, list | tuple) and isinstance(part, int) else None
    return value
