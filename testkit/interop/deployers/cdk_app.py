"""An app of the CDK with a run in it, by the constructs. Environment: SERVICE_TOKEN, QUESTION."""

import os

import aws_cdk as cdk

import threadrun_cdk as threadrun

app = cdk.App(analytics_reporting=False)
env = cdk.Environment(account=os.environ["CDK_DEFAULT_ACCOUNT"], region=os.environ["CDK_DEFAULT_REGION"])
stack = cdk.Stack(app, "cdk", env=env, synthesizer=cdk.BootstraplessSynthesizer())
run = threadrun.ThreadRun(
    stack,
    "Run",
    service_token=os.environ["SERVICE_TOKEN"],
    service_timeout=cdk.Duration.seconds(60),
    model="gpt-5.4-mini",
    temperature=0.2,
    thread={"messages": [{"role": "user", "content": os.environ["QUESTION"]}]},
)
cdk.CfnOutput(stack, "Answer", value=run.output_text)
app.synth()
