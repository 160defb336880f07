"""What is hardly meant, which the deployment itself does not say, and the keys that an answer can have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from threadrun.schema.arguments import AnyDesired, DesiredRun
from threadrun.schema.problems import Place
from threadrun_cli.findings import Level
from threadrun_cli.intrinsics import OTHER, Resolver
from threadrun_cli.properties import normal
from threadrun_cli.schemas import is_open_object, says_nothing

_SCALARS = frozenset({"string", "number", "integer", "boolean"})


class Advice(NamedTuple):
    place: Place
    sentence: str
    level: Level = "warning"


class Keys(NamedTuple):
    """What is known of the top-level keys of a run's answer."""

    names: frozenset[str] | None = None
    """None where any may be one."""
    kinds: Mapping[str, str] = {}
    """Of keys that can be no attribute: an object, an array or null."""
    is_closed: bool = False
    """Whether the schema allows no other key."""

    def told(self, key: str, attribute: str) -> tuple[str, Level] | None:
        """What is wrong with `Fn::GetAtt` of a key."""
        if key in self.kinds:
            only = "only text, numbers and booleans become attributes: take it from output_text"
            return f"has no attribute {attribute}: the schema says that {key} is {self.kinds[key]}; {only}", "error"
        if self.names is None or key in self.names:
            return None
        if not self.names and not self.is_closed:
            has = "its answer is text: response_format of type json_schema gives it keys"
            return f"may have no attribute {attribute}: {has}", "warning"
        has = f"its schema has {', '.join(sorted(self.names)) or 'no key'}"
        if self.is_closed:
            return f"has no attribute {attribute}: {has}", "error"
        return f"may have no attribute {attribute}: {has}", "warning"


def advise(desired: AnyDesired | None, raw: dict[str, Any], resolver: Resolver) -> tuple[Keys, list[Advice]]:
    """The keys that the answer can have, and what is hardly meant."""
    found = [
        Advice(place, f"YAML reads this as a boolean, so the text is {_at(raw, place)!r}: put it in quotes")
        for place in resolver.booleans
        if desired is not None and isinstance(_at(desired.model_dump(), place), str)
    ]
    if not isinstance(desired, DesiredRun) or desired.import_id:
        return Keys(), found
    found += [*_of_times(desired, raw), *_of_tools(desired, resolver), *_of_the_answer(desired, resolver)]
    return _keys(desired, resolver), found


def _of_times(run: DesiredRun, raw: Mapping[str, Any]) -> Iterator[Advice]:
    limit = raw.get("ServiceTimeout")
    if run.timeout_seconds and isinstance(limit, str) and limit.isdecimal() and int(limit) < run.timeout_seconds:
        sentence = f"is more than ServiceTimeout, which ends the run after {limit} s: raise ServiceTimeout"
        yield Advice(("timeout_seconds",), sentence)


def _of_tools(run: DesiredRun, resolver: Resolver) -> Iterator[Advice]:
    tools = run.tools or ()
    if _is_unknown(resolver, "tools"):
        return
    first: dict[str, int] = {}
    for index, tool in enumerate(tools):
        place: Place = ("tools", index)
        if tool.function and first.setdefault(tool.function.name, index) != index:
            yield Advice(place, f"is a function of the same name as tools[{first[tool.function.name]}]: rename one")
        if tool.function and tool.function.strict and is_open_object(tool.function.parameters):
            yield Advice((*place, "function", "parameters"), _STRICT)
    is_known = not (run.existing_thread_id or run.assistant_id or _is_unknown(resolver, "thread"))
    searches = [index for index, tool in enumerate(tools) if tool.is_retrieval]
    has_files = run.attached_file_ids or any(tool.vector_store_ids for tool in tools)
    if is_known and searches and not has_files and not _is_unknown(resolver, "existing_thread_id"):
        sentence = "has nothing to search: attach files to a message, or set vector_store_ids"
        yield Advice(("tools", searches[0]), sentence, "error")


_STRICT = "OpenAI takes `strict: true` only where each object has `additionalProperties: false`: add it"


def _of_the_answer(run: DesiredRun, resolver: Resolver) -> Iterator[Advice]:
    form = run.response_format
    is_open = _is_open(run, resolver)
    if run.reason_key and not is_open and (form is None or form.json_schema is None):
        yield Advice(("reason_key",), "has no effect without response_format of type json_schema")
    if form and form.type == "json_object" and not is_open and _lacks_json(run, resolver):
        sentence = "the server takes json_object only with the word JSON in a message: write it there"
        yield Advice(("response_format",), sentence)
    if is_open or form is None or form.json_schema is None:
        return
    schema, place = form.json_schema.schema_, ("response_format", "json_schema", "schema")
    if says_nothing(schema):
        yield Advice(place, "has no keyword of JSON Schema, so that any JSON is right: say what the answer has to be")
    if form.json_schema.strict and is_open_object(schema):
        yield Advice(place, _STRICT)
    keys = _keys(run, resolver)
    if run.reason_key and run.reason_key != "refusal" and keys.names and run.reason_key not in keys.names:
        yield Advice(("reason_key",), f"is no key of the schema, which has {', '.join(sorted(keys.names))}")


def _is_open(run: DesiredRun, resolver: Resolver) -> bool:
    """Whether the form of the answer is not known here."""
    is_elsewhere = run.response_format is None and run.assistant_id is not None
    return is_elsewhere or _is_unknown(resolver, "response_format")


def _keys(run: DesiredRun, resolver: Resolver) -> Keys:
    form = run.response_format
    if _is_open(run, resolver) or (form and form.type == "json_object"):
        return Keys()
    schema = form.json_schema.schema_ if form and form.json_schema else {}
    if OTHER in schema:
        return Keys()
    keys = schema.get("properties", {})
    kinds: dict[str, str] = {}
    for key, each in keys.items() if isinstance(keys, dict) else ():
        if kind := _no_attribute(each):
            kinds[str(key)] = kind
    is_closed = schema.get("additionalProperties") is False and "patternProperties" not in schema
    if form is None or form.type == "text" or (isinstance(keys, dict) and (keys or is_closed)):
        return Keys(frozenset(map(str, keys)), kinds, is_closed)
    return Keys()


def _no_attribute(schema: Any) -> str | None:
    """What a value of this schema is where it can be no attribute."""
    kinds = schema.get("type") if isinstance(schema, dict) else None
    listed = [str(each) for each in kinds] if isinstance(kinds, list) else [str(kinds)] if kinds else []
    if not listed:
        return None
    names = {"object": "an object", "array": "an array", "null": "null"}
    return None if _SCALARS & set(listed) else " or ".join(names.get(each, each) for each in listed)


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
