"""Random lives of a resource, on services that fail at random calls: nobody thinks of every order of events.

What hypothesis finds, it makes as short as possible. `RANDOM_LIVES` is the number of lives of a longer, random search.
"""

import os

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.random_lives.lives import RandomLives


def test_a_random_life_leaves_nothing_doubles_nothing_and_hears_one_answer_to_each_request() -> None:
    lives = int(os.environ.get("RANDOM_LIVES", "0"))
    run_state_machine_as_test(
        RandomLives,
        settings=settings(
            max_examples=lives or 300,
            stateful_step_count=40,
            derandomize=not lives,
            database=None,
            deadline=None,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        ),
    )
