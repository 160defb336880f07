"""How the peers wait, by their documentation and source: when they look, and what a look takes.

CDK: aws-cdk-lib/custom-resources `ProviderProps.queryInterval`, 5 seconds by default, as the interval of a retry of
the waiter's only state: https://docs.aws.amazon.com/cdk/api/v2/docs/aws-cdk-lib.custom_resources.ProviderProps.html.
crhelper: a rule at `rate(2 minutes)`, by `CfnResource(polling_interval=2)`: https://pypi.org/project/crhelper/.
"""

from __future__ import annotations

from bench.prices import Usage
from bench.profile import Profile, SimulatedRun

CDK_INTERVAL_SECONDS = 5
CRHELPER_INTERVAL_SECONDS = 120
STARTING_REQUESTS = 2
"""Of any system: the thread is made, and the run on it."""


def play_cdk(seconds: float, profile: Profile) -> SimulatedRun:
    """The waiter looks at once, and then five seconds after each look that found the run at work."""
    look_s, init = profile.latency_s["look"], profile.init("start", "look")
    looked_s, looks = look_s, 1
    while looked_s < seconds:
        looked_s += CDK_INTERVAL_SECONDS + look_s
        looks += 1
    usage = profile.usage("start") + init
    for _ in range(looks):
        usage += profile.usage("look") + Usage(transitions=1)
    return SimulatedRun(seconds, looked_s - seconds, usage, init, STARTING_REQUESTS + looks)


def play_crhelper(seconds: float, profile: Profile, rule_is_late_s: float = 0) -> SimulatedRun:
    """The rule fires first one interval after it was made; `rule_is_late_s` later where the schedule is coarse."""
    look_s, init = profile.latency_s["look"], profile.init("start")
    looked_s = CRHELPER_INTERVAL_SECONDS + rule_is_late_s + look_s
    usage, looks = profile.usage("start") + profile.usage("look") + init, 1
    while looked_s < seconds:
        looked_s += CRHELPER_INTERVAL_SECONDS
        usage += profile.usage("look")
        looks += 1
    return SimulatedRun(seconds, looked_s - seconds, usage, init, STARTING_REQUESTS + looks)
