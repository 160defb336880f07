"""The tier of lives: handlers and state machine in one process, each exchange held against OpenAI's document."""

from tests.contract.watch import contract
from tests.support.fixtures import assistant_id, clock, openai_api, properties, wire, world

__all__ = ["assistant_id", "clock", "contract", "openai_api", "properties", "wire", "world"]
