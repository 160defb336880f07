// Synthesises the CDK peer: the Provider framework as it comes, around the handler in bench/peers.
// Arguments: output directory, directory of the handler, OpenAI base URL, ARN of the API key's secret, account, region.
const { App, CfnOutput, Duration, Stack } = require("aws-cdk-lib");
const lambda = require("aws-cdk-lib/aws-lambda");
const iam = require("aws-cdk-lib/aws-iam");
const { Provider } = require("aws-cdk-lib/custom-resources");

const [outdir, handlerDirectory, baseUrl, secretArn, account, region] = process.argv.slice(2);
const app = new App({ outdir, analyticsReporting: false });
const stack = new Stack(app, "cdk", { env: { account, region } });

const handler = (id, name) => {
  const made = new lambda.Function(stack, id, {
    runtime: lambda.Runtime.PYTHON_3_13,
    architecture: lambda.Architecture.ARM_64,
    code: lambda.Code.fromAsset(handlerDirectory),
    handler: `cdk_handler.${name}`,
    timeout: Duration.seconds(60),
    environment: { OPENAI_BASE_URL: baseUrl, OPENAI_API_KEY_SECRET_ARN: secretArn },
  });
  made.addToRolePolicy(
    new iam.PolicyStatement({ actions: ["secretsmanager:GetSecretValue"], resources: [secretArn] }),
  );
  return made;
};

// Its own interval is the default, 5 s; only its patience (30 minutes) bounds the longest run.
const provider = new Provider(stack, "Provider", {
  onEventHandler: handler("OnEvent", "on_event"),
  isCompleteHandler: handler("IsComplete", "is_complete"),
});
new CfnOutput(stack, "ServiceToken", { value: provider.serviceToken });
app.synth();
