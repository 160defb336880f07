"""What a run costs at AWS's list price: us-east-1, on demand, without the free tier, in US dollars.

Sources: https://aws.amazon.com/lambda/pricing/, https://aws.amazon.com/step-functions/pricing/ (Standard; each state
that is entered and each retry is a transition), https://aws.amazon.com/dynamodb/pricing/on-demand/. Logs, traces,
metrics, EventBridge's rules and events ($1 a million) and calls of Secrets Manager are left out, for every system.
The init phase is billed as duration: https://aws.amazon.com/blogs/compute/aws-lambda-standardizes-billing-for-init-phase/.
"""

from __future__ import annotations

from dataclasses import dataclass, field

LAMBDA_REQUEST_USD = 0.20 / 1_000_000
LAMBDA_GB_SECOND_USD = {"arm64": 0.0000133334, "x86_64": 0.0000166667}
STATE_TRANSITION_USD = 0.025 / 1_000
WRITE_UNIT_USD = 0.625 / 1_000_000
READ_UNIT_USD = 0.125 / 1_000_000
SWEEPS_A_MONTH = 30 * 24 * 60
"""A rule at `rate(1 minute)`; rules themselves are free: https://aws.amazon.com/eventbridge/pricing/."""


@dataclass(frozen=True)
class Usage:
    """What AWS counts."""

    invocations: float = 0
    gb_seconds: dict[str, float] = field(default_factory=dict)
    """By architecture, which have different prices."""
    transitions: float = 0
    write_units: float = 0
    read_units: float = 0

    def __add__(self, other: Usage) -> Usage:
        architectures = self.gb_seconds.keys() | other.gb_seconds.keys()
        return Usage(
            self.invocations + other.invocations,
            {name: self.gb_seconds.get(name, 0) + other.gb_seconds.get(name, 0) for name in architectures},
            self.transitions + other.transitions,
            self.write_units + other.write_units,
            self.read_units + other.read_units,
        )

    def share(self, parts: int) -> Usage:
        """One of so many equal parts."""
        return Usage(
            self.invocations / parts,
            {name: amount / parts for name, amount in self.gb_seconds.items()},
            self.transitions / parts,
            self.write_units / parts,
            self.read_units / parts,
        )

    @property
    def all_gb_seconds(self) -> float:
        return sum(self.gb_seconds.values())


def cost_parts(usage: Usage) -> dict[str, float]:
    """US dollars by what they are paid for."""
    duration = sum(LAMBDA_GB_SECOND_USD[name] * amount for name, amount in usage.gb_seconds.items())
    return {
        "requests": usage.invocations * LAMBDA_REQUEST_USD,
        "duration": duration,
        "transitions": usage.transitions * STATE_TRANSITION_USD,
        "table": usage.write_units * WRITE_UNIT_USD + usage.read_units * READ_UNIT_USD,
    }


def cost_usd(usage: Usage) -> float:
    """US dollars in all."""
    return sum(cost_parts(usage).values())
