"""Writes docs/resources/*.md from the models, in the shape of a Terraform resource's page, and the Terraform modules.

What a page says of an argument is the argument's own description: it cannot drift from what the code accepts.
`--check` only compares.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from pydantic import BaseModel

from local.module_tables import ReadmeError, readmes
from local.modules.files import files
from local.modules.migration import migration_page
from local.modules.shapes import model_in
from threadrun.schema.arguments import RESOURCE_MODELS, Desired

ROOT = Path(__file__).resolve().parents[1]
PAGES = ROOT / "docs" / "resources"

INTRODUCTIONS = {
    "Custom::OpenAIThreadRun": "Creates a thread and a run on it, or a run on an existing thread, waits for the end of "
    "the run, and returns its attributes. A run that fails fails the deployment, with OpenAI's own reason.",
    "Custom::OpenAIThread": "Creates a thread with messages, for several runs to share. Runs on one thread that are "
    "created at the same time queue up behind each other.",
    "Custom::OpenAIAssistant": "Keeps the settings that several runs share. Each change is in place and makes a new "
    "version; a run goes by the version that is current when it starts.",
}
RUN_ATTRIBUTES = {
    "id": "The ID of the run.",
    "thread_id": "The ID of its thread.",
    "created_at": "The Unix timestamp, in seconds, of when the run was created.",
    "started_at": "The Unix timestamp of when the run was first seen at work.",
    "completed_at": "The Unix timestamp of when the run was completed; empty where it was not.",
    "object": "Always `thread.run`.",
    "status": "The final status of the run.",
    "file_ids": "The IDs of the files that the run had access to, as a JSON list.",
    "usage": "The tokens that were used, as a JSON object.",
    "usage.prompt_tokens": "The tokens that were read.",
    "usage.completion_tokens": "The tokens that were generated.",
    "usage.total_tokens": "Both together.",
    "model": "The model that ran.",
    "assistant_id": "The assistant that was used; empty where none was.",
    "assistant_version": "Its version; empty where the server keeps none.",
    "required_action": "The calls that the run waits for, where its status is `requires_action`: a JSON list of "
    "objects with `call_id`, `name` and `arguments` (JSON text, as the model wrote it). Empty otherwise.",
    "output_text": "The text of the answer, shortened where it does not fit CloudFormation's 4,096 bytes.",
    "output_truncated": "`true` where `output_text` is shortened or a key of the output left out.",
    "output.<key>": "Each top-level scalar of an answer that is a JSON object.",
}
ATTRIBUTES = {
    "Custom::OpenAIThreadRun": RUN_ATTRIBUTES,
    "Custom::OpenAIThread": {"id": "The ID of the thread.", "created_at": "The Unix timestamp of when it was created."},
    "Custom::OpenAIAssistant": {
        "id": "The ID of the assistant.",
        "version": "Its version, 1 at first and raised by each change.",
        "created_at": "The Unix timestamp of when it was created.",
        "name": "Its name; empty where it has none.",
        "model": "Its model.",
    },
}
REFS = {
    "Custom::OpenAIThreadRun": "`thread_id:run_id`, which `import_id` takes to adopt the run in another stack.",
    "Custom::OpenAIThread": "the ID of the thread, which `existing_thread_id` of a run takes.",
    "Custom::OpenAIAssistant": "the ID of the assistant, which `assistant_id` of a run takes.",
}
EXAMPLES = {
    "Custom::OpenAIThreadRun": """\
Assistant:
  Type: Custom::OpenAIAssistant
  Properties:
    ServiceToken: !ImportValue threadrun-ServiceToken
    model: gpt-5.4-mini
    instructions: You are a helpful Terraform expert assistant.
Run:
  Type: Custom::OpenAIThreadRun
  Properties:
    ServiceToken: !ImportValue threadrun-ServiceToken
    ServiceTimeout: 600
    assistant_id: !Ref Assistant
    thread:
      messages:
        - role: user
          content: What are the best practices for organizing Terraform modules?
    temperature: 0.7
    max_completion_tokens: 1024
""",
    "Custom::OpenAIThread": """\
Thread:
  Type: Custom::OpenAIThread
  Properties:
    ServiceToken: !ImportValue threadrun-ServiceToken
    messages:
      - role: user
        content: Here is what this is about.
    metadata:
      topic: modules
""",
    "Custom::OpenAIAssistant": """\
Assistant:
  Type: Custom::OpenAIAssistant
  Properties:
    ServiceToken: !ImportValue threadrun-ServiceToken
    name: expert
    model: gpt-5.4-mini
    instructions: You are a helpful Terraform expert assistant.
    tools:
      - type: function
        function:
          name: get_weather
          parameters: '{"type": "object", "properties": {"location": {"type": "string"}}}'
""",
}


def page(model: type[Desired]) -> str:
    """The page of one resource type."""
    kind = model.resource_type
    lines = [f"# {kind}", "", INTRODUCTIONS[kind], "", "## Example Usage", "", "```yaml"]
    lines += [EXAMPLES[kind].rstrip(), "```", "", "## Argument Reference", ""]
    lines += ["Keys may be written in PascalCase instead, all of a resource or none; its attributes then are, too.", ""]
    lines += ["* `ServiceToken` - (Required) The output ServiceToken of the application's stack."]
    lines += ["* `ServiceTimeout` - (Optional) Seconds that CloudFormation waits for an answer, 3600 unless set."]
    lines += _arguments(model)
    for path, nested in _nested(model, ""):
        lines += ["", f"### Nested `{path}`", "", *_arguments(nested)]
    lines += ["", "## Attribute Reference", "", f"`Ref` returns {REFS[kind]} `Fn::GetAtt` returns:", ""]
    lines += [f"* `{name}` - {text}" for name, text in ATTRIBUTES[kind].items()]
    return "\n".join(lines) + "\n"


def _arguments(model: type[BaseModel]) -> list[str]:
    return [
        f"* `{field.alias or name}` - ({'Required' if _is_required(model, name) else 'Optional'}) {field.description}"
        for name, field in model.model_fields.items()
    ]


def _is_required(model: type[BaseModel], name: str) -> bool:
    if model.model_fields[name].is_required():
        return True
    given_all_but_one = {other: "x" for other in model.model_fields if other != name}
    return issubclass(model, Desired) and (name, "is required") in model.conflicts(given_all_but_one)


def _nested(model: type[BaseModel], path: str) -> list[tuple[str, type[BaseModel]]]:
    found = []
    for name, field in model.model_fields.items():
        nested = model_in(field.annotation)
        if nested is not None:
            found.append((f"{path}{name}", nested))
            found += _nested(nested, f"{path}{name}.")
    return found


def _pages() -> Iterator[tuple[Path, str]]:
    for kind, model in RESOURCE_MODELS.items():
        yield PAGES / f"{kind.removeprefix('Custom::OpenAI').lower()}.md", page(model)


def main() -> int:
    """Write the pages, or tell which ones are not what they should be."""
    parser = argparse.ArgumentParser(prog="python -m local.reference", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only; exit status 1 where a page differs")
    is_check = parser.parse_args().check
    PAGES.mkdir(parents=True, exist_ok=True)
    stale = []
    try:
        # One after the other: the tables are made from files that were written before.
        for path, text in chain(_pages(), files(ROOT, ATTRIBUTES), readmes(ROOT), (migration_page(ROOT),)):
            if not path.exists() or path.read_text() != text:
                stale.append(path.relative_to(ROOT))
                if not is_check:
                    path.write_text(text)
    except ReadmeError as error:
        print(error, file=sys.stderr)
        return 1
    if is_check and stale:
        print(f"not as the code says: {', '.join(map(str, stale))}; `make reference` writes them", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
