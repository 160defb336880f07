"""docs/failures.md has every reason that the application gives for a failure, in the very words of the code."""

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cache

from local.deployment import ROOT
from testkit.template import template
from tests.support.failure_table import PAGE, PLACE, README, rows, told
from threadrun.schema.problems import _SENTENCES as PROPERTY_SENTENCES

PACKAGE, FUNCTIONS = ROOT / "layers/threadrun/threadrun", ROOT / "functions"
RAISED = dict.fromkeys(
    (
        "TerminalError",
        "NotFound",
        "NotServed",
        "ThreadRefused",
        "TooLarge",
        "NotStorable",
        "UnreadableRecord",
        "InvalidEvent",
    ),
    0,
)
RAISED |= dict.fromkeys(("PydanticCustomError", "Rule", "Looks"), 1)
"""What ends a request or refuses an argument, and which of its arguments is the sentence."""
TOLD = {
    "cloudformation/respond.py": {"_failure_reason"},
    "cloudformation/delivery.py": {"failure_body"},
    "errors.py": {"InvalidProperties"},
    "cloudformation/intake.py": {"record_request"},
    "schema/json_schema.py": {"first_problem", "read_json"},
    "schema/validator.py": {"require_schema", "_require_each", "_rule"},
    "schema/problems.py": {"one_for_each_mistake", "_how_to_write"},
    "schema/limits.py": {"beyond"},
    "schema/unknown.py": {"say_unknown", "_special"},
    "providers/errors.py": {"translated", "_from_status"},
    "providers/replies.py": {"problem_in"},
    "providers/server.py": {"_unreadable"},
    "providers/assistants_v2/shapes.py": {"observed_run"},
    "providers/responses/items.py": {"approval_problem", "cut_problem"},
    "schema/parsing.py": {"style"},
    "reconcile/redaction.py": {"errors_redacted", "redacted"},
    "reconcile/run.py": {"_give_up"},
    "state/base.py": {"waited_for"},
    "workflow/steps.py": {"_no_room"},
    "reconcile/outcome.py": {"CallTools"},
    "app/responder.py": {"rescue_request", "respond_to_ended_execution", "_respond_to_overdue"},
    "app/application.py": {"_read_secret"},
    "responder/app.py": {"<module>", "_respond"},
    "webhook_endpoint/app.py": {"handler", "_response"},
}
"""Functions that give a reason without raising one of these, and classes: all sentences in them are told."""
LOGGED = {"debug", "info", "warning", "error", "exception"}
UNSAID = {"the ResponseURL is not CloudFormation's", "the whole", "… problems"}
"""Raised where there is nobody to tell; a place and a number, not sentences."""


def sentence(node: ast.AST | None) -> str | None:
    """The text of a string, an f-string or a sum that begins with one."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else PLACE for part in node.values)
    if isinstance(node, ast.BinOp) and (begun := sentence(node.left)) is not None:
        return begun + PLACE
    return None


def is_sentence(text: str | None) -> bool:
    """Words, and not a name, a separator or a piece of another sentence."""
    words = re.findall(r"[a-z]{2,}", text or "")
    return text is not None and " " in text.strip() and len(words) + (PLACE in text) >= 2


def raised(tree: ast.Module, errors: Mapping[str, int]) -> Iterator[str | None]:
    constants = {
        getattr(each.targets[0], "id", ""): sentence(each.value) for each in tree.body if isinstance(each, ast.Assign)
    }
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
        name = getattr(call.func, "id", "")
        if len(call.args) > errors.get(name, 9):
            yield sentence(call.args[errors[name]])
        if name == "RequeueAfter" and isinstance(call.args[0], ast.Name):
            # After a wait that is none, nobody has waited for it.
            yield constants.get(getattr(call.args[1], "id", "")) or sentence(call.args[1])


def parts(node: ast.AST) -> Iterator[ast.AST]:
    """What is in a function, but for its docstring, what it logs, and pieces of sentences that are found whole."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
            continue
        func = child.func if isinstance(child, ast.Call) else None
        if isinstance(func, ast.Attribute) and func.attr in LOGGED:
            continue
        yield child
        if not is_sentence(sentence(child)):
            yield from parts(child)


def said_in(tree: ast.Module, names: set[str]) -> Iterator[str | None]:
    kinds = (ast.FunctionDef, ast.ClassDef)
    scopes: list[ast.AST] = [node for node in ast.walk(tree) if isinstance(node, kinds) and node.name in names]
    assert len(scopes) >= len(names - {"<module>"}), f"one of {names} is gone"
    if "<module>" in names:
        scopes += [node for node in tree.body if isinstance(node, ast.Try)]
    return (sentence(part) for scope in scopes for part in parts(scope))


def of_the_state_machine() -> Iterator[str]:
    for failure in re.findall(r"failure: \"\{% '(.*)' %\}\"", (ROOT / "statemachine/thread_run.asl.yaml").read_text()):
        yield re.sub(r"' & [^&]* & '", PLACE, failure)


@cache
def in_code() -> frozenset[str]:
    found: list[str | None] = [*PROPERTY_SENTENCES.values(), *of_the_state_machine()]
    for path in [*PACKAGE.rglob("*.py"), *FUNCTIONS.glob("*/app.py")]:
        name = str(path.relative_to(PACKAGE if path.is_relative_to(PACKAGE) else FUNCTIONS))
        tree = ast.parse(path.read_text())
        # A property's own problem is a ValueError, which pydantic tells with its place.
        errors = RAISED | {"ValueError": 0, "Missing": 0} if name.startswith("schema/") else RAISED
        found += [*raised(tree, errors), *said_in(tree, TOLD.get(name, set()))]
    rules = template()["Rules"].values()
    found += [each["AssertDescription"] for rule in rules for each in rule["Assertions"]]
    return frozenset(told(str(text)) for text in found if is_sentence(text)) - UNSAID


def test_the_table_has_all_reasons_of_the_code_and_no_others() -> None:
    in_table = [told(message) for message in rows(PAGE.read_text())]
    assert sorted(in_code() - set(in_table)) == [], "not in docs/failures.md"
    assert sorted(set(in_table) - in_code()) == [], "not in the code any more"
    assert sorted(message for message in set(in_table) if in_table.count(message) > 1) == [], "twice"


def test_each_row_has_a_cause_and_a_remedy() -> None:
    for row in re.findall(r"^\| `.*$", PAGE.read_text(), re.MULTILINE):
        cells = [cell.strip() for cell in row.strip().strip("|").split(" | ")]
        assert len(cells) == 3, row
        assert all(cells), row


def test_the_most_frequent_ones_in_the_readme_are_of_the_table() -> None:
    of_readme = rows(README.read_text().partition("## When it fails")[2].partition("\n## ")[0])
    assert len(of_readme) >= 6
    assert set(of_readme) <= set(rows(PAGE.read_text()))


def test_the_collector_sees_each_way_in_which_the_code_tells_a_reason() -> None:
    """It must not pass because it finds nothing."""
    one_of_each = {
        "the API key's secret … must hold the key itself, or a JSON object with api_key",  # raised
        "run … ended as `…`; only … accepted",  # returned
        "must look like thread_id:run_id",  # a property's
        "is required",  # a table of sentences
        "the reconcile function failed (…): see its log group",  # the state machine's
        "the application cannot be loaded (…): build and deploy it again",  # a module's
        "Bedrock has no webhooks - OpenAIProvider=bedrock needs EnableWebhooks=false.",  # the template's
        "files are being indexed",  # waited for
    }
    assert one_of_each - in_code() == set()
