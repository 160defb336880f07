"""OpenAI's APIs behind one protocol. It must not know tables of runs, events or CloudFormation."""
