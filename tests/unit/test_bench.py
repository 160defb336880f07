"""What the bench computes from what it measures: prices, log lines, transitions, and the peers' policies."""

import json
import math
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest

from bench.capacity import measure
from bench.check import compare
from bench.hour import measure as measure_hour
from bench.hour import write as write_hour
from bench.invocations import Function, Invocation, read_invocation, read_report
from bench.metered_table import MeteredTable
from bench.peer_policies import play_cdk, play_crhelper
from bench.plan import groups, lengths, mixed_lengths, plan
from bench.prices import Usage, cost_parts, cost_usd
from bench.profile import KINDS, FunctionProfile, Profile, SimulatedRun, as_json, from_json, profile_of
from bench.rows import row_of, write_csv
from bench.simulator import play_threadrun, simulate_again
from bench.transitions import count_transitions
from bench.virtual_application import VirtualApplication
from testkit.memory.table import item_bytes

REQUEST, OTHER = "36c5c806-9ad5-4eff-91ef-0b6b74a7ddfe", "4579963f-4df8-4151-b1ce-c43b12c15b1f"
REPORT = (
    f"REPORT RequestId: {OTHER}\tDuration: 257.91 ms\tBilled Duration: 258 ms\t"
    "Memory Size: 128 MB\tMax Memory Used: 51 MB"
)


def one(seconds: float = 0.1, architecture: str = "arm64", init_s: float = 0) -> FunctionProfile:
    return FunctionProfile(seconds, init_s, 0.125, architecture)


CDK = Profile({"start": [one(), one(0.05)], "look": [one(architecture="x86_64"), one(0.05)]})
ALONE = Profile({kind: [one()] for kind in ("start", "look", "answer")})


def test_a_million_of_each_costs_the_list_price() -> None:
    million = 1_000_000
    usage = Usage(million, {"arm64": million, "x86_64": million}, million, million, million)
    assert cost_parts(usage) == pytest.approx(
        {"requests": 0.20, "duration": 13.3334 + 16.6667, "transitions": 25.0, "table": 0.625 + 0.125}
    )


def test_usages_add_up_and_are_shared() -> None:
    both = Usage(1, {"arm64": 2}, 3, 4, 5) + Usage(1, {"x86_64": 6}, 3)
    assert both.share(2) == Usage(1, {"arm64": 1, "x86_64": 3}, 3, 2, 2.5)
    assert both.all_gb_seconds == 8


@pytest.mark.parametrize(
    ("line", "billed_ms_and_mb"),
    [(REPORT, (258, 128)), (f"{REPORT}\tInit Duration: 210.07 ms", (258, 128)), (f"END RequestId: {OTHER}", None)],
)
def test_a_report_tells_billed_time_and_memory(line: str, billed_ms_and_mb: tuple[int, int] | None) -> None:
    assert read_report(line) == billed_ms_and_mb


def invocation(name: str, *lines: str, logged_epoch_s: float = 0) -> Invocation | None:
    return read_invocation(Function(name, "group", "x86_64"), lines, {REQUEST}, logged_epoch_s)


def test_an_invocation_belongs_to_the_request_that_its_log_names_once_it_is_reported() -> None:
    lines = f"START RequestId: {OTHER}", f'"RequestId": "{REQUEST}",'
    assert invocation("look", *lines) is None
    made = invocation("look", *lines, REPORT)
    assert made is not None
    assert (made.request_id, made.usage) == (REQUEST, Usage(1, {"x86_64": pytest.approx(0.258 / 8)}))


def test_what_a_function_slept_is_billed_and_is_not_its_own_time() -> None:
    slept = '{"message":"step taken","looks":3,"waited_inline_seconds":0.2,"wait_seconds":31}'
    made = invocation("Reconcile", slept, REQUEST, REPORT)
    assert made is not None
    assert made.usage.all_gb_seconds == pytest.approx(0.258 / 8)
    (look,) = profile_of([made], {"Reconcile": 0.7}).functions["look"]
    assert (look.seconds, look.init_s, look.look_s, made.looks) == (pytest.approx(0.058), 0.7, 0, 3)


def test_what_a_look_takes_is_told_by_invocations_with_few_and_with_many() -> None:
    """One that the machine was busy for is no measure of the others."""
    function, took = Function("Reconcile", "group", "arm64"), [(0, 60), (10, 110), (20, 160), (200, 1060), (5, 900)]
    made = [Invocation(function, REQUEST, ms + 400, 128, 0, 0.4, looks) for looks, ms in took]
    (look,) = profile_of(made, {}).functions["look"]
    assert (look.seconds, look.look_s) == (pytest.approx(0.06), pytest.approx(0.005))


def test_a_function_that_does_everything_starts_with_its_first_call() -> None:
    made = [invocation("crhelper-Function", REPORT, REQUEST, logged_epoch_s=at) for at in (1.0, 2.0, 3.0)]
    profile = profile_of((each for each in made if each), {"crhelper": 0.4})
    assert {kind: [each.init_s for each in functions] for kind, functions in profile.functions.items()} == {
        "start": [0.4],
        "look": [0],
    }


@pytest.mark.parametrize(
    ("types", "transitions"),
    [
        ("ExecutionStarted TaskStateEntered TaskScheduled TaskSucceeded TaskStateExited ExecutionSucceeded", 1),
        ("TaskStateEntered TaskScheduled TaskFailed TaskScheduled TaskSucceeded", 2),
        ("ChoiceStateEntered WaitStateEntered TaskStateEntered TaskScheduled SucceedStateEntered", 4),
    ],
)
def test_each_state_that_is_entered_and_each_retry_is_a_transition(types: str, transitions: int) -> None:
    assert count_transitions({"type": kind} for kind in types.split()) == transitions


def test_the_cdk_looks_at_once_and_then_every_five_seconds() -> None:
    played = play_cdk(12, CDK)
    assert played.lag_s == pytest.approx(3 * 5.1 + 0.1 - 12)
    assert played.usage.invocations == 2 + 2 * 4
    assert played.usage.transitions == 4


@pytest.mark.parametrize(("seconds", "late_s", "lag_s"), [(2, 0, 118.1), (2, 5, 123.1), (130, 0, 110.1)])
def test_crhelper_looks_first_after_two_minutes_and_its_rule_may_be_late(
    seconds: float, late_s: float, lag_s: float
) -> None:
    assert play_crhelper(seconds, ALONE, late_s).lag_s == pytest.approx(lag_s)
    looks = 1 + (seconds > 120)
    assert play_crhelper(seconds, ALONE).usage == Usage(1 + looks, {"arm64": pytest.approx((1 + looks) * 0.1 / 8)})


COLD = Profile({kind: [one(init_s=0.4), one(0.05, init_s=0.2)] for kind in KINDS})
WARM = Profile({kind: [one(), one(0.05)] for kind in KINDS})


@pytest.mark.parametrize(
    ("system", "kinds"), [("threadrun", 3), ("threadrun-webhooks", 4), ("cdk-provider", 2), ("crhelper", 1)]
)
def test_the_init_of_each_function_is_billed_once_for_a_run(system: str, kinds: int) -> None:
    """Deployments are rare: the first use of a function in a run finds it cold, the later ones find it warm."""
    cold, warm = (simulate_again(system, 590, each) for each in (COLD, WARM))
    assert cold.init.all_gb_seconds == pytest.approx(kinds * 0.6 / 8)
    assert cold.usage.all_gb_seconds - warm.usage.all_gb_seconds == pytest.approx(kinds * 0.6 / 8)
    assert (cold.usage.invocations, cold.lag_s) == (warm.usage.invocations, warm.lag_s), "measured lags are warm too"


def test_the_simulator_follows_the_application_to_its_answer() -> None:
    """Its waits are the application's: one that outlasts a function is waited for by the next one."""
    short, long = play_threadrun([2, 1400], ALONE)
    assert 0 < short.lag_s <= 1
    assert 0 < long.lag_s <= 2
    assert (short.usage.invocations, short.usage.transitions) == (3, 4)
    assert short.usage.invocations < long.usage.invocations
    assert short.usage.transitions < long.usage.transitions
    assert short.usage.write_units > 0
    assert (short.api_requests, play_cdk(1400, ALONE).api_requests) == (7, 278)


def test_a_plain_create_saves_its_record_six_times() -> None:
    """As it came; with its thread and the attempt; started; ended; with its response decided; and delivered."""
    deployment = VirtualApplication(30.1, ALONE, Random(1).random)
    played = deployment.play()
    [version] = [item["version"]["N"] for key, item in deployment.table.items.items() if key.startswith("RESOURCE#")]
    assert version == "6"
    assert played.usage.read_units == 7, "three functions, the run's attributes, and each ten seconds while it runs"


def test_looks_that_take_time_are_waited_for_and_paid_for() -> None:
    slow = Profile(ALONE.functions | {"look": [replace(one(), look_s=0.2)]})
    [usual], [slowed] = play_threadrun([30.1], ALONE), play_threadrun([30.1], slow)
    assert slowed.api_requests < usual.api_requests
    assert 30.1 / 8 <= slowed.usage.all_gb_seconds < 33 / 8


def test_the_simulator_wakes_who_waits_for_an_event_unless_a_net_is_met_before() -> None:
    short, long, beyond_the_net = play_threadrun([2, 590, 1000], ALONE, webhooks=True)
    assert (short.usage.invocations, short.usage.transitions) == (3, 4), "it is waited for inline"
    assert 0 < long.lag_s < 1
    assert 0 < beyond_the_net.lag_s < 1
    assert (long.usage.transitions, beyond_the_net.usage.transitions) == (7, 10)


def test_runs_beyond_the_concurrent_executions_fail_by_few_retries_only() -> None:
    few, ours = measure([(3, 15)])
    assert few.failed > 5
    assert ours.failed == 0
    assert ours.refusals > 0
    assert ours.least_s < ours.last_s < 1.3 * ours.least_s


def test_runs_that_begin_all_the_time_are_answered_and_their_amounts_are_told(tmp_path: Path) -> None:
    [few] = measure_hour([900])
    assert (few.failed, few.refusals) == (0, 0)
    assert 0.5 < few.lag_mean_s < few.lag_max_s < 2
    assert few.transitions_a_second == pytest.approx(4 * few.started_a_second)
    assert few.api_requests_a_second > 30 * few.started_a_second
    write_hour(tmp_path / "hour.md", [few])
    assert "first: concurrent_executions, of which 900 runs" in (tmp_path / "hour.md").read_text()


def test_an_item_is_billed_by_its_larger_state_and_by_its_index() -> None:
    table = MeteredTable("t")
    item = {"pk": {"S": "k"}, "version": {"N": "1"}, "note": {"S": "x" * 1500}}
    table.put_item(Item={**item, "due": {"S": "d"}, "due_epoch_s": {"N": "12"}}, TableName="t")
    assert table.write_units == 2 + 1
    table.put_item(Item={"pk": {"S": "k"}, "version": {"N": "2"}}, TableName="t")
    assert table.write_units == 3 + 2 + 1
    table.get_item(Key={"pk": {"S": "k"}}, TableName="t")
    assert table.read_units == 1
    assert item_bytes({"pk": {"S": "key"}, "n": {"N": "1234"}, "flag": {"BOOL": True}}) == 5 + 5 + 5


def test_the_plan_has_groups_around_their_length_and_a_log_normal_mix_in_the_time_of_the_longest() -> None:
    found = lengths(30, 10)
    assert sum(found) / 10 == pytest.approx(30)
    assert [round(after - before, 3) for before, after in pairwise(found)] == [0.5] * 9, "the CDK's whole interval"
    assert min(lengths(2, 10)) > 0
    mix = mixed_lengths(1001)
    assert (mix[500], math.log(mix[841] / 20)) == (pytest.approx(20), pytest.approx(1, abs=0.01))
    grouped = groups(runs_per_length=4, mix_runs=6)
    planned = plan(grouped)
    assert len(planned) == 5 * 4 + 6
    assert max(run.starts_at_s + run.seconds for run in planned) <= max(map(max, grouped.values())) + 30


def test_a_profile_is_read_as_it_was_written() -> None:
    assert from_json(json.loads(json.dumps(as_json({"cdk-provider": CDK})))) == {"cdk-provider": CDK}


def test_a_row_has_the_means_per_run(tmp_path: Path) -> None:
    runs = [SimulatedRun(2, 1, Usage(4, {"arm64": 1}, 8)), SimulatedRun(2, 3, Usage(6, {"arm64": 3}, 10))]
    row = row_of("threadrun", "2", runs)
    assert (row.lag_mean_s, row.lag_max_s, row.lambda_invocations, row.transitions, row.gb_seconds) == (2, 3, 5, 9, 2)
    assert row.cost_usd == pytest.approx(cost_usd(Usage(5, {"arm64": 2}, 9)))
    write_csv(tmp_path / "rows.csv", [row])
    assert (tmp_path / "rows.csv").read_text().splitlines()[0] == (
        "system,run_seconds,runs,lag_mean_s,lag_max_s,lambda_invocations,transitions,gb_seconds,cost_usd,api_requests"
    )


def test_a_simulated_figure_beyond_the_tolerance_is_reported() -> None:
    measured = row_of("threadrun", "2", [SimulatedRun(2, 1, Usage(4, {"arm64": 1}, 8))])
    astray = row_of("threadrun", "2", [SimulatedRun(2, 1.5, Usage(8, {"arm64": 1}, 8))])
    assert {each.figure for each in compare([measured], [astray]) if not each.agrees} == {"lambda_invocations"}
