"""Exists so that tests and bench play the application without AWS and OpenAI: doubles and tools, no tests."""
