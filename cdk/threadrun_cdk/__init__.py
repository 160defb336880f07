"""Constructs for the AWS CDK: OpenAI thread runs, and what they need, as resources of a stack.

Written by `make reference` from the models of the application: change those.
"""

from threadrun_cdk.assistant import Assistant
from threadrun_cdk.file import File
from threadrun_cdk.properties import (
    AttachmentProperty,
    ChunkingStrategyProperty,
    FunctionDefinitionProperty,
    HybridSearchProperty,
    JsonSchemaFormatProperty,
    MessageProperty,
    RankingOptionsProperty,
    ResponseFormatProperty,
    StaticChunkingProperty,
    ThreadProperty,
    ToolProperty,
    UserLocationProperty,
)
from threadrun_cdk.thread import Thread
from threadrun_cdk.thread_run import ThreadRun
from threadrun_cdk.vector_store import VectorStore

__all__ = [
    "Assistant",
    "AttachmentProperty",
    "ChunkingStrategyProperty",
    "File",
    "FunctionDefinitionProperty",
    "HybridSearchProperty",
    "JsonSchemaFormatProperty",
    "MessageProperty",
    "RankingOptionsProperty",
    "ResponseFormatProperty",
    "StaticChunkingProperty",
    "Thread",
    "ThreadProperty",
    "ThreadRun",
    "ToolProperty",
    "UserLocationProperty",
    "VectorStore",
]
__version__ = "0.1.0"
