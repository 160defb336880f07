"""An OpenAI thread run as a CloudFormation resource: the package shared by all functions.

Imports go one way only (checked by import-linter):
functions -> steps, answers -> cloudformation, store, openai_responses, settings -> reconcile, admission
-> desired, record, backend -> errors. Nothing here reads the environment or builds a client at import.
"""

__version__ = "0.1.0"
