"""Tools that people deploy stacks with, each with a stack that has a run in it, on the embedded cloud."""
