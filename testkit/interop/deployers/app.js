// A CDK app with a run in it. Environment: SERVICE_TOKEN, QUESTION.
const { App, BootstraplessSynthesizer, CfnOutput, CustomResource, Duration, Stack } = require("aws-cdk-lib");

const app = new App({ analyticsReporting: false });
const env = { account: process.env.CDK_DEFAULT_ACCOUNT, region: process.env.CDK_DEFAULT_REGION };
const stack = new Stack(app, "cdk", { env, synthesizer: new BootstraplessSynthesizer() });

const run = new CustomResource(stack, "Run", {
  serviceToken: process.env.SERVICE_TOKEN,
  serviceTimeout: Duration.seconds(60),
  resourceType: "Custom::OpenAIThreadRun",
  properties: {
    model: "gpt-5.4-mini",
    temperature: 0.2,
    thread: { messages: [{ role: "user", content: process.env.QUESTION }] },
  },
});
new CfnOutput(stack, "Answer", { value: run.getAttString("output_text") });
