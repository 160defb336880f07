"""The tier of both wire APIs: handlers and state machine in one process, held against OpenAI's document."""

from tests.contract.watch import contract
from tests.support.fixtures import clock, openai_api, wire, world

__all__ = ["clock", "contract", "openai_api", "wire", "world"]
