"""The arguments of a resource type as Terraform sees them: from the models' fields and their JSON Schema."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pydantic import BaseModel

from threadrun.schema.deployment import responses_only
from threadrun.schema.types import TypedProperties
from threadrun.schema.unknown import nested_model

SCALARS = {"string": "string", "integer": "number", "number": "number", "boolean": "bool"}


@dataclass(frozen=True)
class Shape:
    """One argument, or one key of an object."""

    name: str
    description: str
    is_required: bool
    schema: dict[str, Any]
    """JSON Schema of its value, without null."""
    model: type[BaseModel] | None = None
    """Of its object, or of each object of its list."""
    instead: tuple[str, ...] = ()
    """What may be given in its place: it is required where none of these is."""
    for_types: tuple[str, ...] = ()
    """The values of `type` beside it that cannot do without it."""

    def needed(self, renamed: Mapping[str, str] | None = None) -> str:
        """Return whether it is required; `renamed` are the names that differ where this is read."""
        if self.is_required:
            return "Required"
        if self.for_types:
            return f"Required for type {_either(self.for_types)}"
        if self.instead:
            return f"Required unless {_either((renamed or {}).get(name, name) for name in self.instead)} is given"
        return "Optional"

    def sentences(self, renamed: Mapping[str, str] | None = None) -> str:
        """Return its description, and when it is required if that depends on others; without a full stop."""
        needed = self.needed(renamed)
        return self.description if needed in ("Required", "Optional") else f"{self.description}. {needed}"

    @cached_property
    def children(self) -> tuple[Shape, ...]:
        """The keys of its object, or of each object of its list."""
        return shapes(self.model) if self.model else ()

    @property
    def typed(self) -> type[TypedProperties]:
        """What is said of its keys that are for some values of its `type` only."""
        return self.model if self.model and issubclass(self.model, TypedProperties) else TypedProperties

    @property
    def is_list(self) -> bool:
        return self.schema.get("type") == "array"

    @property
    def item(self) -> str:
        """The name of one of its objects in a loop."""
        return self.name.removesuffix("s") if self.is_list else self.name

    @property
    def is_json(self) -> bool:
        """Whether it takes JSON text, or any map in its place."""
        return "contentMediaType" in self.schema

    @property
    def is_map(self) -> bool:
        return self.is_typed and self.schema["type"] == "object"

    @property
    def is_typed(self) -> bool:
        """Whether Terraform's own type is enough: it drops unknown keys of objects without a word."""
        return not self.children and not self.is_json

    @property
    def type(self) -> str:
        """Terraform's type, as it would be if unknown keys were not dropped."""
        if self.children:
            keys = ", ".join(f"{each.name} = {each._type_of_key}" for each in self.children)
            written = f"object({{ {keys} }})"
            return f"list({written})" if self.is_list else written
        if self.is_json:
            return "any"
        if self.is_map:
            return "map(string)"
        if self.is_list:
            # The order of values from a closed list says nothing: as a set it is no change.
            kind = "set" if "enum" in self.schema["items"] else "list"
            return f"{kind}({SCALARS[self.schema['items']['type']]})"
        return SCALARS[self.schema["type"]]

    @property
    def _type_of_key(self) -> str:
        return self.type if self.is_required else f"optional({self.type})"


def shapes(model: type[BaseModel]) -> tuple[Shape, ...]:
    """The fields of a model, in their order."""
    whole = model.model_json_schema()
    return tuple(_shape(model, name, whole) for name in model.model_fields)


def objects(shape: Shape, above: tuple[Shape, ...] = ()) -> Iterator[tuple[Shape, ...]]:
    """The way to each object in an argument, to itself first: `(thread,)`, `(thread, messages)` and so on."""
    if shape.children:
        way = (*above, shape)
        yield way
        for child in shape.children:
            yield from objects(child, way)


def _shape(model: type[BaseModel], field_name: str, whole: dict[str, Any]) -> Shape:
    info = model.model_fields[field_name]
    name = info.alias or field_name
    is_required = info.is_required() or any(each.any_of == (name,) for each in getattr(model, "rules", ()))
    schema, description = _without_null(whole["properties"][name]), str(info.description).removesuffix(".")
    if info.json_schema_extra == responses_only():
        description += ". On the Responses API only"
    return Shape(
        name,
        description,
        is_required,
        schema,
        nested_model(info.annotation),
        _instead(model, name),
        _types(model, name),
    )


def _instead(model: type[BaseModel], name: str) -> tuple[str, ...]:
    """The other ways to keep a rule that asks for this argument."""
    ways = [each.any_of for each in getattr(model, "rules", ()) if each.asks and each.argument == name]
    ways += [model.one_of] if issubclass(model, TypedProperties) and name in model.one_of else []
    return tuple(sorted({way for each in ways for way in each if way.partition(".")[0] != name}))


def _types(model: type[BaseModel], name: str) -> tuple[str, ...]:
    is_asked_for = issubclass(model, TypedProperties) and name in model.required_for_their_types
    return model.only_for[name] if is_asked_for and issubclass(model, TypedProperties) else ()


def _either(names: Iterable[str]) -> str:
    return " or ".join(f"`{name}`" for name in names)


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    found: list[dict[str, Any]] = [each for each in schema.get("anyOf", [schema]) if each != {"type": "null"}]
    if len(found) != 1:
        raise ValueError(f"no type of Terraform's stands for {schema}: give its field a WithJsonSchema of one type")
    return found[0]
