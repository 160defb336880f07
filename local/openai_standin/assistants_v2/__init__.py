"""Exists because servers that still speak Assistants v2 are one of the two wires of this project.

OpenAI closed this API in 2026; here it is served as OpenAI served it, on the same world, scripts and faults.
It must never change what the Responses wire answers.
"""
