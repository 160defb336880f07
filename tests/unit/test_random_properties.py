"""Random sets of properties, schemas and answers: each is taken, or refused in sentences, within a second.

`RANDOM_PROPERTIES` is the number of examples of a longer, random search.
"""

import gc
import json
import os
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pydantic.alias_generators import to_pascal

from tests.support.stringified import stringified
from tests.support.values_of_models import LEAST, Values
from threadrun.errors import InvalidProperties
from threadrun.schema.arguments import RESOURCE_MODELS, DesiredRun
from threadrun.schema.json_schema import first_problem
from threadrun.schema.parsing import parse_properties

EXAMPLES = int(os.environ.get("RANDOM_PROPERTIES", "0"))
MODELS = {kind: (model, Values(model)) for kind, model in RESOURCE_MODELS.items()}
THREAD = {"messages": [{"role": "user", "content": "Hello."}]}
LIMIT_SECONDS = 1
CLUMSY = (": None", "Input should", "Value error", "Traceback", "<class", "object at 0x")
"""Words of a library's, not of a sentence to a user."""

long_search = settings(
    max_examples=EXAMPLES or 300,
    derandomize=not EXAMPLES,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
)


# --- what is drawn

odd_texts = st.sampled_from(
    ["", " ", "NaN", "Infinity", "1e999", "-0", "9" * 5000, "{", "[" * 300, '{"a":' * 50, "{0}", "ß", "\0"]
)
texts = st.text(max_size=8) | odd_texts
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
junk = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=6
)
patterns = st.sampled_from(
    [r"^\p{L}+$", "(a+)+$", "[a-z]", "[", "(?<y>a)", r"\k<y>", "a{2,1}", "a{99999999999}", "", "(?<=a+)b"]
)
references = st.sampled_from(
    ["#", "#/$defs/a", "#/properties/a", "#/nowhere", "#a", "http://127.0.0.1:9/x", "#/enum/0", "%"]
)
numbers = st.integers(-2, 9) | st.sampled_from([0.01, 1e300, 5e-324, 10**30])
KEYWORDS: dict[str, Any] = {
    "type": st.sampled_from(["string", "number", "integer", "boolean", "object", "array", "null", ["string", "null"]]),
    **dict.fromkeys(("minimum", "maximum", "multipleOf", "minLength", "maxItems", "minProperties"), numbers),
    **dict.fromkeys(("const", "default"), scalars),
    **dict.fromkeys(("enum", "examples"), st.lists(scalars, max_size=3)),
    "uniqueItems": st.booleans(),
    "pattern": patterns,
    "$ref": references,
    "required": st.lists(st.sampled_from("ab"), unique=True),
    "format": texts,
    "$schema": st.sampled_from(["http://json-schema.org/draft-07/schema#", "urn:x"]),
}


def deeper(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    named = st.dictionaries(st.sampled_from(["a", "b", "type"]), inner, max_size=2)
    of_schemas = {
        **dict.fromkeys(("properties", "$defs", "patternProperties"), named),
        **dict.fromkeys(
            ("items", "not", "if", "additionalProperties", "propertyNames", "unevaluatedProperties"), inner
        ),
        **dict.fromkeys(("anyOf", "allOf", "oneOf", "prefixItems"), st.lists(inner, min_size=1, max_size=2)),
    }
    return st.fixed_dictionaries({}, optional=KEYWORDS | of_schemas)


schemas = st.recursive(st.booleans() | st.just({}), deeper, max_leaves=6).filter(lambda each: isinstance(each, dict))
answers = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner), max_leaves=8
).map(json.dumps) | st.sampled_from(
    ["", "NaN", "[1e400]", "-1e-9999999999", "9" * 5000, "[" * 900, '"\\ud800"', '{"a": 1e99}']
)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every key of every map in it, and every index of every list, each with what it is in."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    return [place for key in keys for place in [(value, key), *places(value[key])]]


@st.composite
def property_sets(draw: Callable[[st.SearchStrategy[Any]], Any]) -> tuple[str, dict[str, Any]]:
    """Half of them with good values only, the others spoiled in up to three places."""
    kind = draw(st.sampled_from(list(MODELS)))
    _, values = MODELS[kind]
    names = draw(st.lists(st.sampled_from(list(values.schemas)), unique=True, max_size=5))
    raw = LEAST[kind] | {name: values.good(name) for name in names}
    if "response_format" in values.schemas and draw(st.booleans()):
        schema = draw(schemas)
        given_as = json.dumps(schema) if draw(st.booleans()) else schema
        raw["response_format"] = {"type": "json_schema", "json_schema": {"name": "a", "schema": given_as}}
    raw = stringified(raw)
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 1, 3]))):
        holder, key = draw(st.sampled_from([(raw, draw(texts)), *places(raw)]))
        holder[key] = draw(junk)
    if draw(st.integers(0, 9)) == 0:
        raw = {to_pascal(key): value for key, value in raw.items()}
    return kind, raw


# --- what must be so


class Clock:
    """Fails where an example takes too long, of the processor's time: others may use it as well.

    What a long search has in memory is not collected meanwhile: that alone took a second once.
    """

    def __init__(self) -> None:
        self.slowest = 0.0

    def __enter__(self) -> None:
        gc.disable()
        self._since = time.process_time()

    def __exit__(self, *_: object) -> None:
        seconds = time.process_time() - self._since
        gc.enable()
        self.slowest = max(self.slowest, seconds)
        assert seconds < LIMIT_SECONDS


def require_sentences(problems: list[str]) -> None:
    assert problems
    for each in problems:
        assert len(each.split()) > 2, each
        assert not any(words in each for words in CLUMSY), each


def test_random_properties_are_taken_or_refused_in_sentences(capsys: pytest.CaptureFixture[str]) -> None:
    clock, counts = Clock(), Counter[bool]()

    @long_search
    @given(property_sets())
    def examples(drawn: tuple[str, dict[str, Any]]) -> None:
        kind, raw = drawn
        model, _ = MODELS[kind]
        with clock:
            try:
                desired = parse_properties(raw, model)[0]
            except InvalidProperties as refusal:
                counts[False] += 1
                require_sentences(refusal.problems)
                return
        counts[True] += 1
        assert model.model_validate_json(desired.model_dump_json()) == desired, "as the record has it"
        json.dumps(desired.model_dump(mode="json"), allow_nan=False)

    examples()
    with capsys.disabled():
        if EXAMPLES:
            print(f"\n{counts[True]} taken, {counts[False]} refused, slowest {clock.slowest:.3f} s of the processor")
    assert counts[True] * 5 >= counts.total()


@long_search
@given(schemas, answers)
def test_a_random_answer_keeps_to_a_random_schema_or_is_refused_in_a_sentence(schema: Any, answer: str) -> None:
    form = {"type": "json_schema", "json_schema": {"name": "a", "schema": json.dumps(schema)}}
    raw = {"model": "m", "thread": THREAD, "response_format": form}
    with Clock():
        try:
            desired = parse_properties(raw, DesiredRun)[0]
        except InvalidProperties as refusal:
            require_sentences(refusal.problems)
            return
        assert desired.response_format is not None
        assert desired.response_format.json_schema is not None
        problem = first_problem(answer, desired.response_format.json_schema.schema_)
    require_sentences([problem or "nothing is wrong"])
