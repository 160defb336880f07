"""The validations of a variable. Objects are of type `any` there, as Terraform drops unknown keys of a typed one.

So what a type would say is said by conditions: one for the keys of each object, one for each value in it. What is not
known before the apply leaves all else checked: `can` and `try` wait for it, so neither is asked about a whole object.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from local.modules.hcl import attributes, block, bracketed, quoted
from local.modules.limits import Limit, either, is_a, limits
from local.modules.shapes import Shape, objects
from threadrun.schema.desired import Rule

Lines = list[str]
INDICES = "ijklm"


def preconditions(rules: Sequence[Rule], renamed: Mapping[str, str]) -> Lines:
    """A precondition for each rule between several arguments; `renamed` are those with another name for a variable."""
    lines = Lines()
    for each in rules:
        if each.any_of != (each.argument,):
            condition = " || ".join(_is_true(term, renamed) for term in each.any_of)
            argument = renamed.get(each.argument, each.argument)
            lines += ["", *_check("precondition", condition, quoted(f"{argument}: {each.sentence}."))]
    return lines


def _is_true(term: str, renamed: Mapping[str, str]) -> str:
    if "." in term:
        return f"try(length(var.{term}), 0) > 0"
    name = term.lstrip("!")
    return f"var.{renamed.get(name, name)} {'==' if term.startswith('!') else '!='} null"


def validations(shape: Shape, variable: str) -> Iterator[Lines]:
    """The validation blocks of the variable of this name."""
    if not shape.children and shape.schema["type"] != "boolean":
        for limit in limits(shape, f"var.{variable}"):
            condition = _checked(limit, f"var.{variable}", shape.is_required)
            yield _validation(condition, f"{variable} {limit.sentence}.")
    for way in objects(shape):
        walk = Walk(variable, way)
        yield _of_keys(walk)
        yield from _of_types(walk)
        for key in walk.way[-1].children:
            for limit in [] if key.children else limits(key, "value"):
                checked = _checked(limit, "value", key.is_required)
                condition = walk.every(f'for key, value in {walk.item} : {checked} if key == "{key.name}"')
                yield _validation(condition, f"{walk.place}.{key.name} {limit.sentence}.")


def _of_keys(walk: Walk) -> Lines:
    """That it is an object, or a list of them, each with all required keys and no unknown one."""
    known = [child.name for child in walk.way[-1].children]
    required = [child.name for child in walk.way[-1].children if child.is_required]
    unknown = f'"{walk.place_of_each}: unknown key \\"${{key}}\\"; known are {", ".join(known)}."'
    body = bracketed("[", [f"for key in setsubtract(keys({walk.item}), {_list(known)}) :", unknown], "],")
    if required:
        missing = f'"{walk.place_of_each}: ${{key}} is required."'
        body += bracketed("[", [f"for key in setsubtract({_list(required)}, keys({walk.item})) :", missing], "],")
    found = f"flatten({walk.problems(body)})"
    # The names of keys are no secret, where their values are.
    return _check("validation", f"length({found}) == 0", f'nonsensitive(sensitive(join("\\n", {found})))')


def _of_types(walk: Walk) -> Iterator[Lines]:
    """Of the keys that are for some values of `type` only."""
    shape = walk.way[-1]
    for name, types in shape.typed.only_for.items():
        is_of_type = f"try(contains({_list(types)}, {walk.item}.type), false)"
        possible = f'for key, value in {walk.item} : value == null ? true : {is_of_type} if key == "{name}"'
        yield _validation(walk.every(possible), f"{walk.place}: {name} is possible for type {either(types)} only.")
        if name in shape.typed.required_for_their_types:
            present = f"!{is_of_type} || try({walk.item}.{name}, null) != null"
            yield _validation(walk.every(present), f"{walk.place}: {name} is required for type {either(types)}.")
    if one_of := shape.typed.one_of:
        given = f"[for key in {_list(one_of)} : key if try({walk.item}[key], null) != null]"
        yield _validation(
            walk.every(f"length({given}) == 1"), f"{walk.place}: exactly one of {' and '.join(one_of)} is required."
        )


def _checked(limit: Limit, value: str, is_required: bool) -> str:
    checked = f"try({limit.condition}, false)" if limit.can_fail else limit.condition
    return checked if is_required else f"{value} == null ? true : {checked}"


def _validation(condition: str, sentence: str) -> Lines:
    return _check("validation", condition, quoted(sentence))


def _check(kind: str, condition: str, message: str) -> Lines:
    return block(kind, attributes([("condition", condition), ("error_message", message)]))


def _list(texts: Sequence[str]) -> str:
    return f"[{', '.join(map(quoted, texts))}]"


@dataclass(frozen=True)
class Walk:
    """HCL that goes from a variable to each object of one place in it, by the arguments above: `tools[*].function`.

    What is not of the shape that it should be is passed over on the way, as it has a problem of its own.
    """

    variable: str
    way: tuple[Shape, ...]

    @property
    def item(self) -> str:
        """The name of the object at the end, in what is said of it."""
        return self.way[-1].item

    @property
    def place(self) -> str:
        """`tools[*].function`."""
        return self._place(["[*]"] * len(INDICES))

    @property
    def place_of_each(self) -> str:
        """The same in a string of HCL, with the indices of the loops."""
        return self._place([f"[${{{index}}}]" for index in INDICES])

    def every(self, body: str) -> str:
        """Whether all is true that `body`, a `for` expression without its brackets, says of each object."""
        return "\n".join(self._over(f"var.{self.variable}", 0, [body], is_condition=True))

    def problems(self, body: Sequence[str]) -> str:
        """A list of lists of sentences: what is no object, and the lists in `body` for each that is one."""
        return "\n".join(self._over(f"var.{self.variable}", 0, body, is_condition=False))

    def _over(self, value: str, depth: int, body: Sequence[str], *, is_condition: bool) -> list[str]:
        shape, is_last = self.way[depth], depth == len(self.way) - 1
        opening, closing = ("alltrue([", "])") if is_condition else ("[", "]")
        lines = body if is_last else self._key(depth, self._over("value", depth + 1, body, is_condition=is_condition))
        each, whole = f"for {shape.item} in [{value}]", shape.item
        if shape.is_list:
            # A set has no indices; as a list it has.
            indexed = f"for {self._index(depth)}, {shape.item} in [for each in {shape.name} : each]"
            inner = f"for {shape.item} in {shape.name}" if is_condition else indexed
            lines = bracketed(f"{inner} : {opening}", lines, f"{closing} if {is_a('object', shape.item)}")
            each, whole = f"for {shape.name} in [{value}]", shape.name
        is_kind = is_a("list", whole) if shape.is_list else is_a("object", whole)
        lines = bracketed(f"{each} : {opening}", lines, f"{closing} if {is_kind}")
        if is_last and not is_condition:
            lines = [*self._wrong_kind(value, depth), *bracketed("[", lines, "],")]
        return bracketed(opening, lines, closing)

    def _wrong_kind(self, value: str, depth: int) -> list[str]:
        """Sentences for what is no object, or no list of them. Null is as good as left out, but not in a list."""
        shape = self.way[depth]
        place = self.place_of_each
        unless_null = "" if shape.is_required else f" && !{is_a('null', 'each')}"
        if not shape.is_list:
            return [
                f'[for each in [{value}] : "{place} must be an object." if !{is_a("object", "each")}{unless_null}],'
            ]
        whole = place.rpartition("[")[0]
        of_items = [
            f"for {shape.name} in [{value}] : [",
            f"  for {self._index(depth)}, each in [for each in {shape.name} : each] :",
            f'  "{place} must be an object." if !{is_a("object", "each")}',
            f"] if {is_a('list', shape.name)}",
        ]
        return [
            f'[for each in [{value}] : "{whole} must be a list of objects." if !{is_a("list", "each")}{unless_null}],',
            *bracketed("[", of_items, "],"),
        ]

    def _index(self, depth: int) -> str:
        return INDICES[sum(each.is_list for each in self.way[:depth])]

    def _key(self, depth: int, lines: list[str]) -> list[str]:
        """What is said of the value of the next key on the way."""
        lines[0] = f"for key, value in {self.way[depth].item} : {lines[0]}"
        lines[-1] += f' if key == "{self.way[depth + 1].name}"'
        return lines

    def _place(self, of_list: Sequence[str]) -> str:
        place, indices = "", iter(of_list)
        for position, shape in enumerate(self.way):
            place += f".{shape.name}" if position else self.variable
            place += next(indices) if shape.is_list else ""
        return place
