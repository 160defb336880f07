"""Every call that the application makes to the outside is broken once, in every way: nothing is doubled, lost or left.

The calls are found by playing each life unbroken first, so a call that is written tomorrow is covered tomorrow.
"""

import pytest

from testkit.in_process.deployed import CHAINS
from tests.crashes.lives import LIVES
from tests.crashes.points import application, broken_life, calls_of, ways_to_break, write_table

SHARES = 4
"""The calls of a life are dealt to this many tests, so that two processes are busy to the end."""
PLAYED = [(server, life) for server in ("responses", "assistants") for life in LIVES]
PLAYED += [(CHAINS, life) for life in ("run", "run that calls functions")]


@pytest.mark.parametrize("share", range(SHARES))
@pytest.mark.parametrize(("server", "life"), PLAYED)
def test_a_life_with_one_call_broken_ends_as_if_nothing_had_happened(server: str, life: str, share: int) -> None:
    """Or, where nothing shows what became of a start, by saying that it cannot be told."""
    with application(server) as world:
        names = calls_of(world, life)
        assert len(names) > 10
        results = [
            broken_life(world, life, number, names[number], way)
            for number in range(share, len(names), SHARES)
            for way in ways_to_break(names, number, life)
        ]
    write_table(f"{server}-{life}-{share}", results)
    assert [str(result) for result in results if result.problems] == []
