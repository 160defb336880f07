"""Servers that still speak Assistants v2."""
