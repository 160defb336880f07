"""Templates for `threadrun validate`, and what it says of them."""

from threadrun_cli.check import check_template
from threadrun_cli.template import parse_template

HEAD = """Resources:
  R:
    Type: Custom::OpenAIThreadRun
    Properties:
      ServiceToken: !ImportValue threadrun-ServiceToken
"""
HELLO = "      thread: { messages: [{ role: user, content: Hello. }] }\n"


def found(text: str, *, is_json: bool = False) -> list[tuple[int, str]]:
    """The line and the sentence of each finding."""
    return [(each.line, each.message) for each in check_template(parse_template(text, is_json=is_json), "t")]
