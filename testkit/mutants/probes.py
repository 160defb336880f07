"""Probes: calls put before the statements that mutants change, which tell which tests get there.

`testkit.mutants.watch` hears them. Unlike a tracer they cost nothing elsewhere, and see threads.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable

from testkit.mutants.catalog import Mutant

HEARD_BY = "mutants_probe"
"""Attribute of `builtins` that a probe calls, where there is one: other processes import the code too."""


def probed(source: str, mutants: Iterable[Mutant]) -> tuple[str, set[str]]:
    """The file's text with a probe for each of its mutants, and the names of those that need none.

    What stands outside of functions is executed by every test, as far as anybody knows.
    """
    tree = ast.parse(source)
    everywhere, before = set(), []
    for each in mutants:
        start = each.places(source)[0][0]
        line, column = source.count("\n", 0, start) + 1, len(source[source.rfind("\n", 0, start) + 1 : start].encode())
        found = _innermost(tree, (line, column))
        if found is None:
            everywhere.add(each.name)
        else:
            before.append((each.name, *found))
    for name, block, statement in before:
        call = f"getattr(__import__('builtins'), {HEARD_BY!r}, len)({name!r})"
        block.insert(block.index(statement), ast.parse(call).body[0])
    return ast.unparse(ast.fix_missing_locations(tree)), everywhere


def _innermost(tree: ast.Module, place: tuple[int, int]) -> tuple[list[ast.stmt], ast.stmt] | None:
    """The smallest statement around a place, with the block that it is in; None outside of functions."""
    found, is_in_function = None, False
    blocks = [tree.body]
    while blocks:
        block = blocks.pop()
        for statement in block:
            if _is_within(statement, place):
                found = (block, statement) if is_in_function else None
                is_in_function |= isinstance(statement, ast.FunctionDef)
                blocks = list(_blocks_of(statement))
    return found


def _is_within(node: ast.stmt, place: tuple[int, int]) -> bool:
    end = (node.end_lineno or 0, node.end_col_offset or 0)
    return (node.lineno, node.col_offset) <= place < end


def _blocks_of(node: ast.AST) -> Iterable[list[ast.stmt]]:
    for _, value in ast.iter_fields(node):
        if isinstance(value, list) and value and isinstance(value[0], ast.stmt):
            yield value
        elif isinstance(value, list):
            for part in value:
                if isinstance(part, ast.ExceptHandler | ast.match_case):
                    yield from _blocks_of(part)
