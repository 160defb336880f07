"""The functions' own handlers in one process, with AWS in memory or by moto, and OpenAI by the stand-in."""
