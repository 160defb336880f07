"""The decisions: from what is desired and known to the next thing to do. It must not do I/O of its own."""
