"""A CDK app of tests/unit/test_constructs.py: makes what asked.json names, and writes what came of it to found.json.

asked.json has lists of a construct's class, its ID and its arguments. `Parameter` and `Attribute` in them stand for
tokens: of parameters, and of attributes of constructs that were made before.
"""

import json
from pathlib import Path
from typing import Any

import aws_cdk as cdk

import threadrun_cdk

PARAMETERS = {"Number": "value_as_number", "String": "value_as_string", "CommaDelimitedList": "value_as_list"}


def attributes(kind: type) -> list[str]:
    return [name for name, value in vars(kind).items() if isinstance(value, property)]


def with_tokens(value: Any, parameters: dict[str, cdk.CfnParameter], made: dict[str, Any]) -> Any:
    if isinstance(value, list):
        return [with_tokens(each, parameters, made) for each in value]
    if not isinstance(value, dict):
        return value
    if list(value) == ["Parameter"]:
        return getattr(parameters[value["Parameter"]], PARAMETERS[value["Parameter"]])
    if list(value) == ["Attribute"]:
        name, attribute = value["Attribute"]
        return getattr(made[name], attribute)
    return {name: with_tokens(each, parameters, made) for name, each in value.items()}


app = cdk.App(analytics_reporting=False)
stack = cdk.Stack(app, "stack", synthesizer=cdk.BootstraplessSynthesizer())
parameters = {kind: cdk.CfnParameter(stack, kind, type=kind) for kind in PARAMETERS}
made: dict[str, Any] = {}
refusals: dict[str, str] = {}
for kind, name, arguments in json.loads(Path("asked.json").read_text()):
    for key, read in (("service_timeout", cdk.Duration.seconds), ("removal_policy", cdk.RemovalPolicy)):
        arguments |= {key: read(arguments[key])} if key in arguments else {}
    try:
        made[name] = getattr(threadrun_cdk, kind)(stack, name, **with_tokens(arguments, parameters, made))
    except (TypeError, ValueError) as error:
        refusals[name] = str(error)
numbers = set()
for name, construct in made.items():
    cdk.CfnOutput(stack, f"{name}Ref", value=construct.ref)
    for attribute in attributes(type(construct)):
        value = getattr(construct, attribute)
        if isinstance(value, float):
            numbers.add(f"{type(construct).__name__}.{attribute}")
        text = cdk.Token.as_string(value) if isinstance(value, float) else value
        cdk.CfnOutput(stack, f"{name}{attribute.replace('_', '')}", value=text)
app.synth()
Path("found.json").write_text(json.dumps({"refusals": refusals, "numbers": sorted(numbers)}))
