"""Advice for templates in JSON: what the application says in YAML's words, as CloudFormation's log has no other."""

from __future__ import annotations

import re

_ADVICE = tuple(
    (re.compile(pattern), in_json)
    for pattern, in_json in (
        (r'begin each ([^"]+) with "- (\w+):"', r'write each \1 as {"\2": …}, in a list'),
        (r'begin each entry with "- "', "write the entries in [ ]"),
        (r'write its keys below it, as "(\w+):"', r'write it as {"\1": …}'),
        (r'write its keys without "- "', "write its keys in { }"),
        (r'write "name: value" (in place of Key and Value|without "- "|below it)', 'write {"name": "value"}'),
        (r'begin each resource with its name, as "(\w+):"', r'write it as {"\1": {…}}'),
        (r"`(\w+): !Ref", r'`"\1": !Ref'),
        (r"!GetAtt (\w+)\.([\w.]+)", r'{"Fn::GetAtt": ["\1", "\2"]}'),
        (r"!ImportValue ([^`]+)", r'{"Fn::ImportValue": "\1"}'),
        (r"!Ref (\w+)", r'{"Ref": "\1"}'),
    )
)


def in_json(sentence: str) -> str:
    for pattern, replacement in _ADVICE:
        sentence = pattern.sub(replacement, sentence)
    return sentence
