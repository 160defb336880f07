"""A stack whose runs share an assistant and a thread."""

from __future__ import annotations

import json
from typing import Any

from tests.support.stacks import Stack


def template(stack: Stack, instructions: str) -> str:
    def resource(kind: str, **properties: Any) -> dict[str, Any]:
        fixed = {"ServiceToken": stack.application.service_token, "ServiceTimeout": 60}
        return {"Type": f"Custom::OpenAI{kind}", "Properties": fixed | properties}

    uses = {"assistant_id": {"Ref": "Assistant"}, "existing_thread_id": {"Ref": "Thread"}}
    body = {
        "Resources": {
            "Assistant": resource("Assistant", model="gpt-5.4-mini", instructions=instructions, temperature=0.5),
            "Thread": resource("Thread", messages=[{"role": "user", "content": f"Part {n}."} for n in range(25)]),
            "First": resource("ThreadRun", **uses),
            "Second": resource("ThreadRun", **uses, triggers={"version": {"Fn::GetAtt": ["Assistant", "version"]}}),
        },
        "Outputs": {
            "Assistant": {"Value": {"Ref": "Assistant"}},
            "Version": {"Value": {"Fn::GetAtt": ["Assistant", "version"]}},
            "Thread": {"Value": {"Fn::GetAtt": ["Thread", "id"]}},
            "First": {"Value": {"Ref": "First"}},
            "Second": {"Value": {"Ref": "Second"}},
            "SecondVersion": {"Value": {"Fn::GetAtt": ["Second", "assistant_version"]}},
        },
    }
    return json.dumps(body)
