"""Plays runs of all systems on a virtual clock: thousands in seconds, for what no machine can wait for."""

from __future__ import annotations

import logging
import os
import random
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from bench.peer_policies import play_cdk, play_crhelper
from bench.plan import WITH_WEBHOOKS
from bench.profile import Profile, SimulatedRun

CHUNK = 50
PEERS: dict[str, Callable[[float, Profile], SimulatedRun]] = {"cdk-provider": play_cdk, "crhelper": play_crhelper}
GOLDEN_RATIO = 0.618034
"""Its multiples, less their whole parts, are spread evenly, however many there are."""


def play_threadrun(lengths: Sequence[float], profile: Profile, *, webhooks: bool = False) -> list[SimulatedRun]:
    """This application, whose waits after a refusal are by jitter: from a fixed seed."""
    from bench.virtual_application import VirtualApplication

    jitter = random.Random(1).random
    logging.disable(logging.CRITICAL)  # Thousands of runs log too much.
    try:
        return [VirtualApplication(seconds, profile, jitter, webhooks=webhooks).play() for seconds in lengths]
    finally:
        logging.disable(logging.NOTSET)


def simulate(
    lengths: Sequence[float], profiles: dict[str, Profile], *, scheduler_tick_s: float = 0
) -> dict[str, list[SimulatedRun]]:
    """Runs of these lengths, in seconds, through all systems; a rule is late by up to one tick of the scheduler."""
    lateness = [scheduler_tick_s * (number * GOLDEN_RATIO % 1) for number in range(len(lengths))]
    return {
        "threadrun": _in_processes(lengths, profiles["threadrun"]),
        "threadrun-webhooks": _in_processes(lengths, profiles["threadrun-webhooks"], webhooks=True),
        "cdk-provider": [play_cdk(each, profiles["cdk-provider"]) for each in lengths],
        "crhelper": [
            play_crhelper(each, profiles["crhelper"], late) for each, late in zip(lengths, lateness, strict=True)
        ],
    }


def simulate_again(system: str, seconds: float, profile: Profile) -> SimulatedRun:
    """A run that was measured: for what cannot be measured of it."""
    if system in PEERS:
        return PEERS[system](seconds, profile)
    [played] = play_threadrun([seconds], profile, webhooks=system == WITH_WEBHOOKS)
    return played


def _in_processes(lengths: Sequence[float], profile: Profile, *, webhooks: bool = False) -> list[SimulatedRun]:
    play = partial(play_threadrun, profile=profile, webhooks=webhooks)
    if len(lengths) <= CHUNK:
        return play(lengths)
    chunks = [lengths[first : first + CHUNK] for first in range(0, len(lengths), CHUNK)]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        return [run for played in pool.map(play, chunks) for run in played]
