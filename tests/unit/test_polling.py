"""When the next look is, and who waits for it."""

from __future__ import annotations

import pytest

from testkit.template import template
from threadrun.storage.event_waits import EventWaits
from threadrun.workflow.waiting import Waiting


@pytest.mark.parametrize(("waited", "pause"), [(0, 0.5), (5, 0.5), (60, 3), (480, 24), (550, 33), (3000, 60)])
def test_the_pause_grows_with_the_time_waited(waited: float, pause: float) -> None:
    assert Waiting().look_seconds(waited) == pytest.approx(pause)


@pytest.mark.parametrize(("inline_seconds", "handed_over_at"), [(30, 500), (5, 83), (1, 0), (0, 0)])
def test_the_state_machine_waits_from_the_wait_on_that_the_deployment_says(
    inline_seconds: float, handed_over_at: float
) -> None:
    waiting = Waiting(inline_seconds=inline_seconds)
    waited = 0.0
    while not waiting.is_far(pause := waiting.look_seconds(waited)):
        waited += pause
    assert waited == pytest.approx(handed_over_at, rel=0.1)


@pytest.mark.parametrize("inline_seconds", [0, 1, 5, 30, 60])
def test_no_look_comes_later_than_the_bound_on_the_lag(inline_seconds: float) -> None:
    """A tenth of the time waited, and a second at least."""
    waiting = Waiting(inline_seconds=inline_seconds)
    for waited in range(0, 4000, 7):
        assert waiting.look_seconds(waited) <= max(1, waited / 10)


@pytest.mark.parametrize(("waited", "pause"), [(0, 0.5), (9.9, 0.5), (10, 600), (610, 610), (3000, 1200)])
def test_where_the_server_tells_there_is_a_net_only(waited: float, pause: float) -> None:
    waiting = Waiting(event_waits=EventWaits(None, "no table"))  # type: ignore[arg-type]
    assert waiting.look_seconds(waited) == pytest.approx(pause)
    assert waiting.pause_seconds(waited) == Waiting().pause_seconds(waited), "of refusals nobody tells"


def test_a_deployment_polls_as_is_the_cheapest_unless_it_is_told_otherwise() -> None:
    assert template()["Parameters"]["LingerSeconds"]["Default"] == Waiting().inline_seconds
