"""The application on services in memory: fast enough for thousands of lives."""
