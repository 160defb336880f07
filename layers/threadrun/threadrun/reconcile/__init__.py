"""The decisions: from what is wanted and known to the next thing to do. It must not do I/O of its own."""
