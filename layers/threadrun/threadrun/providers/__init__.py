"""OpenAI's APIs behind the protocols of `reconcile.backend`. It must not know records, events or CloudFormation."""
