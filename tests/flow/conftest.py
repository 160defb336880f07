"""The flow tier: handlers and state machine in one process."""

from tests.support.fixtures import clock, openai_api, wire, world

__all__ = ["clock", "openai_api", "wire", "world"]
