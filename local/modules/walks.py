"""HCL that goes from a variable to each object of one place in it: `tools[*].function`.

What is not of the shape that it should be is passed over on the way, as it has a problem of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from local.modules.hcl import bracketed
from local.modules.limits import is_list, is_null, is_object
from local.modules.shapes import Shape

INDICES = "ijklm"


@dataclass(frozen=True)
class Walk:
    """The way to an object, by the arguments above it."""

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
            lines = bracketed(f"{inner} : {opening}", lines, f"{closing} if {is_object(shape.item)}")
            each, whole = f"for {shape.name} in [{value}]", shape.name
        is_kind = is_list(whole) if shape.is_list else is_object(whole)
        lines = bracketed(f"{each} : {opening}", lines, f"{closing} if {is_kind}")
        if is_last and not is_condition:
            lines = [*self._wrong_kind(value, depth), *bracketed("[", lines, "],")]
        return bracketed(opening, lines, closing)

    def _wrong_kind(self, value: str, depth: int) -> list[str]:
        """Sentences for what is no object, or no list of them. Null is as good as left out, but not in a list."""
        shape = self.way[depth]
        place = self.place_of_each
        unless_null = "" if shape.is_required else f" && !{is_null('each')}"
        if not shape.is_list:
            return [f'[for each in [{value}] : "{place} must be an object." if !{is_object("each")}{unless_null}],']
        whole = place.rpartition("[")[0]
        of_items = [
            f"for {shape.name} in [{value}] : [",
            f"  for {self._index(depth)}, each in [for each in {shape.name} : each] :",
            f'  "{place} must be an object." if !{is_object("each")}',
            f"] if {is_list(shape.name)}",
        ]
        return [
            f'[for each in [{value}] : "{whole} must be a list of objects." if !{is_list("each")}{unless_null}],',
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
