"""Breaks the product at its decision points, one fact at a time, and finds the test that notices.

The list is `mutants.yaml`, what came of it `result.md`. `make mutants` runs it on copies of the tree.
"""
