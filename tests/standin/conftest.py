"""The tier of the stand-in: what it answers is what OpenAI's document says."""

from tests.contract.watch import contract

__all__ = ["contract"]
