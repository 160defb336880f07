"""Prints the template of a stack with a run in it, by troposphere; runs in an environment of its own."""

from typing import ClassVar

import troposphere
from troposphere.cloudformation import CustomResource


class ThreadRun(CustomResource):  # type: ignore[misc]
    """The resource as troposphere has its users declare one."""

    resource_type = "Custom::OpenAIThreadRun"
    props: ClassVar = {
        "ServiceToken": (str, True),
        "ServiceTimeout": (int, False),
        "model": (str, True),
        "thread": (dict, True),
    }


template = troposphere.Template()
token, question = (
    template.add_parameter(troposphere.Parameter(name, Type="String")) for name in ("ServiceToken", "Question")
)
run = template.add_resource(
    ThreadRun(
        "Run",
        ServiceToken=troposphere.Ref(token),
        ServiceTimeout=60,
        model="gpt-5.4-mini",
        thread={"messages": [{"role": "user", "content": troposphere.Ref(question)}]},
    )
)
template.add_output(troposphere.Output("Answer", Value=troposphere.GetAtt(run, "output_text")))
print(template.to_json())
