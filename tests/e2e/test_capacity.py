"""More runs at once than the account has concurrent executions: Lambda refuses, and all of them end as they should."""

from local.deployment import build, deploy
from local.embedded_cloud import EmbeddedCloud
from local.openai_standin import Script
from tests.e2e.stacks import Deployed, Stack, left, settled, standin
from tests.support.runs import NOTHING, PROPERTIES

LIMIT, RUNS = 3, 6


def refusals(cloud: EmbeddedCloud) -> float:
    """By CloudWatch, which counts them for each function."""
    metrics = cloud.client("cloudwatch")
    found = metrics.list_metrics(Namespace="AWS/Lambda", MetricName="Throttles")["Metrics"]
    times = {"StartTime": 0, "EndTime": 2**31, "Period": 60, "Statistics": ["Sum"]}
    replies = [metrics.get_metric_statistics(**each, **times) for each in found]
    return sum(point["Sum"] for reply in replies for point in reply["Datapoints"])


def test_runs_beyond_the_concurrent_executions_of_the_account_wait_and_do_not_fail() -> None:
    with (
        standin() as api,
        EmbeddedCloud(concurrent_executions=LIMIT, patches=("testkit.emulator.forked_functions",)) as cloud,
    ):
        application = deploy(cloud, build(), openai_base_url=api.base_url, api_key=api.api_key)
        api.script(Script(duration_s=15, times=None))
        deployed = Deployed(cloud, application, api)
        stacks = [Stack(deployed) for _ in range(RUNS)]
        for stack in stacks:
            stack.begin_create({**PROPERTIES, "ServiceTimeout": 300})
        assert settled(stacks) == {"CREATE_COMPLETE": RUNS}, [stack.reasons() for stack in stacks]
        assert refusals(cloud) > 0
        assert api.counters()["runs_started"] == RUNS
        for stack in stacks:
            stack.begin_delete()
        assert settled(stacks) == {"DELETE_COMPLETE": RUNS}
        assert left(api) == NOTHING
