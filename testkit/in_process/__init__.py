"""The functions' own handlers in one process, with AWS by moto and OpenAI by the stand-in."""
