"""Other people's software as judges: servers of OpenAI's API, an AWS emulator, and tools that deploy stacks.

`make interop` runs them, each in an environment of its own, and writes docs/interop.md.
"""
