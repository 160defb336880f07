"""Exists so that the demo and the tests need no OpenAI account: a strict, stateful stand-in for OpenAI's API.

It serves Responses, Conversations, files, vector stores and webhooks as OpenAI does in November 2026, errors included,
and on request Assistants v2 as OpenAI did before. It must never call a model or another machine, start a thread for a
response (the clock decides), or show a prompt on its output.
"""

from .faults import Fault
from .hosted_tools import McpServer
from .scripts import Script
from .standin import OpenAIStandIn
from .webhooks import Delivery
from .world import Request

__all__ = ["Delivery", "Fault", "McpServer", "OpenAIStandIn", "Request", "Script"]
