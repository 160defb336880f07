"""An OpenAI thread run as a CloudFormation resource: the package shared by all functions.

Its packages are storeys: app, telemetry, workflow with cloudformation and providers, reconcile with storage, state,
schema, errors. Each imports from those below it only (import-linter). Nothing here reads the environment or builds a
client at import.
"""

__version__ = "0.1.0"
