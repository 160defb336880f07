"""The application's DynamoDB table in memory, as its client shows it: as strict as the real one, or stricter.

Its keys and its index are the template's. What no caller has is not known here, and is refused: a parameter, an
expression, an attribute of another type. `tests/unit/test_testkit.py` holds it to moto's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from testkit.memory.expressions import Expression, Item, Scope, Value, condition, require_used, update
from testkit.memory.refusals import Invalid, Refusal
from testkit.template import template

MAX_ITEM_BYTES, MAX_KEY_BYTES, MAX_PAGE_BYTES = 400 * 1024, 2048, 1024 * 1024
MAX_PAGE_ITEMS = 1000
"""Of the index, whose keys take 250 bytes at most: fewer than DynamoDB has in a page, so that a test can fill it."""
MAX_NAME_BYTES = 65_535
_NUMBER = re.compile(r"-?\d{1,38}(\.\d{1,37})?(E[+-]?\d{1,3})?")
_INDEX_CONDITION = re.compile(r"(\w+) = :\w+(?: AND (\w+) < :\w+)?")


def item_bytes(item: Item) -> int:
    """What an item's names and values take.

    Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
    """
    return sum(_name_bytes(name) + _value_bytes(value) for name, value in item.items())


def _name_bytes(name: str) -> int:
    size = len(name.encode())
    if size > MAX_NAME_BYTES:
        raise Invalid("An attribute's name is too long")
    return size


def _value_bytes(value: Value) -> int:
    """Raises `Invalid` for what is no value, NotImplementedError for a type that nobody uses."""
    if len(value) != 1:
        raise Invalid("Supplied AttributeValue has more than one datatypes set, or none")
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "B":
            return len(content)
        case "SS" if content:
            return sum(len(each.encode()) for each in content)
        case "N":
            if not _NUMBER.fullmatch(content):
                raise Invalid("The parameter cannot be converted to a numeric value")
            return len(content) // 2 + 2
        case "M":
            return 3 + sum(1 + _name_bytes(name) + _value_bytes(each) for name, each in content.items())
        case "L":
            return 3 + sum(1 + _value_bytes(each) for each in content)
        case "BOOL" | "NULL":
            return 1
    raise NotImplementedError(f"an attribute of type {kind}")


def _copied(part: Any) -> Any:
    if isinstance(part, dict):
        return {name: _copied(each) for name, each in part.items()}
    return [_copied(each) for each in part] if isinstance(part, list) else part


@dataclass(frozen=True)
class _Expressions:
    """The expressions of a request, by the names of its parameters."""

    ConditionExpression: str = ""
    UpdateExpression: str = ""
    ExpressionAttributeNames: Mapping[str, str] = field(default_factory=dict)
    ExpressionAttributeValues: Mapping[str, Value] = field(default_factory=dict)

    def read(self) -> tuple[Expression, Expression]:
        """The condition and the update. Raises `Invalid`."""
        found = condition(self.ConditionExpression), update(self.UpdateExpression)
        for value in self.ExpressionAttributeValues.values():
            _value_bytes(value)
        require_used(found, self.ExpressionAttributeNames, self.ExpressionAttributeValues)
        return found

    def applied(self, item: Item | None, new: Item) -> Item:
        """What becomes of the item, None where there is none: `new` by the update, if the condition holds."""
        is_met, updated = self.read()
        names, values = self.ExpressionAttributeNames, self.ExpressionAttributeValues
        if not is_met.apply(Scope(item or {}, names, values)):
            raise Refusal("ConditionalCheckFailedException", "The conditional request failed")
        changed: Item = updated.apply(Scope(new, names, values))
        return changed


class MemoryTable:
    """Each method is the client's of this name; an eventual read is as a consistent one."""

    def __init__(self, name: str) -> None:
        self.items: dict[str, Item] = {}
        """By key."""
        self._name = name
        properties = template()["Resources"]["Table"]["Properties"]
        self._types = {each["AttributeName"]: each["AttributeType"] for each in properties["AttributeDefinitions"]}
        [self._key] = (each["AttributeName"] for each in properties["KeySchema"])
        [index] = properties["GlobalSecondaryIndexes"]
        assert index["Projection"] == {"ProjectionType": "KEYS_ONLY"}
        self._index, self._index_keys = index["IndexName"], [each["AttributeName"] for each in index["KeySchema"]]

    def get_item(self, *, TableName: str, Key: Item, ConsistentRead: bool = False) -> dict[str, Any]:
        key = self._known_key(TableName, Key)
        return {"Item": _copied(self.items[key])} if key in self.items else {}

    def put_item(self, *, TableName: str, Item: Item, **expressions: Any) -> dict[str, Any]:
        key = self._known_key(TableName, {name: value for name, value in Item.items() if name == self._key})
        self._require_storable(Item, "Item size")
        self.items[key] = _Expressions(**expressions).applied(self.items.get(key), _copied(Item))
        return {}

    def delete_item(self, *, TableName: str, Key: Item, **expressions: Any) -> dict[str, Any]:
        key = self._known_key(TableName, Key)
        _Expressions(**expressions).applied(self.items.get(key), Key)
        self.items.pop(key, None)
        return {}

    def update_item(
        self, *, TableName: str, Key: Item, ReturnValues: str = "NONE", **expressions: Any
    ) -> dict[str, Any]:
        key = self._known_key(TableName, Key)
        before = self.items.get(key)
        after: Item = _copied(_Expressions(**expressions).applied(before, before or Key))
        if after.get(self._key) != Key[self._key]:
            raise Invalid(f"Cannot update attribute {self._key}. This attribute is part of the key")
        self._require_storable(after, "Item size to update")
        self.items[key] = after
        return {"NONE": {}, "ALL_NEW": {"Attributes": _copied(after)}}[ReturnValues]

    def query(
        self,
        *,
        TableName: str,
        IndexName: str,
        KeyConditionExpression: str,
        Select: str = "ALL_PROJECTED_ATTRIBUTES",
        Limit: int | None = None,
        ExclusiveStartKey: Item | None = None,
        **placeholders: Any,
    ) -> dict[str, Any]:
        """Of the index: what it has is in the order of its second key."""
        self._require_name(TableName)
        if IndexName != self._index:
            raise Invalid(f"The table does not have the specified index: {IndexName}")
        asked = _INDEX_CONDITION.fullmatch(KeyConditionExpression)
        if asked is None or [*filter(None, asked.groups())] not in (self._index_keys[:1], self._index_keys):
            raise NotImplementedError(f"a query that is not known here: {KeyConditionExpression}")
        expressions = _Expressions(KeyConditionExpression, **placeholders)
        is_met, _ = expressions.read()
        names, values = expressions.ExpressionAttributeNames, expressions.ExpressionAttributeValues
        indexed = [item for item in self.items.values() if all(name in item for name in self._index_keys)]
        found = [item for item in indexed if is_met.apply(Scope(item, names, values))]
        found.sort(key=lambda item: int(item[self._index_keys[1]]["N"]))
        shown = [self._key, *self._index_keys]
        keys = [{name: dict(item[name]) for name in shown} for item in found]
        if ExclusiveStartKey is not None:
            keys = keys[keys.index(ExclusiveStartKey) + 1 :]
        limit = min(Limit or MAX_PAGE_ITEMS, MAX_PAGE_ITEMS)
        page = self._page(keys[:limit]) | ({"LastEvaluatedKey": keys[limit - 1]} if len(keys) > limit else {})
        return page if Select != "COUNT" else {name: part for name, part in page.items() if name != "Items"}

    def scan(self, *, TableName: str) -> dict[str, Any]:
        self._require_name(TableName)
        return self._page([_copied(item) for item in self.items.values()])

    def _page(self, items: list[Item]) -> dict[str, Any]:
        if sum(map(item_bytes, items)) > MAX_PAGE_BYTES:
            raise NotImplementedError("a reply of more than one page")
        return {"Items": items, "Count": len(items), "ScannedCount": len(items)}

    def _require_name(self, name: str) -> None:
        if name != self._name:
            raise Refusal("ResourceNotFoundException", "Requested resource not found")

    def _known_key(self, table_name: str, key: Item) -> str:
        """The text of a key as it must be, in the table that is meant."""
        self._require_name(table_name)
        if key.keys() != {self._key} or key[self._key].keys() != {"S"}:
            raise Invalid("The provided key element does not match the schema")
        text: str = key[self._key]["S"]
        if not 0 < len(text.encode()) <= MAX_KEY_BYTES:
            raise Invalid("One or more parameter values are not valid: the key is empty, or too long")
        return text

    def _require_storable(self, item: Item, what: str) -> None:
        if item_bytes(item) > MAX_ITEM_BYTES:
            raise Invalid(f"{what} has exceeded the maximum allowed size")
        for name in self._index_keys:
            value = item.get(name, {self._types[name]: "-"})
            if value.get(self._types[name], "") == "":
                raise Invalid(f"One or more parameter values were invalid: {name} is a key of {self._index}")

    @property
    def awaits_answers(self) -> bool:
        """Whether a sweep would find something, now or later."""
        return any(self._index_keys[0] in item for item in self.items.values())
