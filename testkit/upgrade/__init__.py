"""What a version leaves behind, and `make snapshot`, which keeps it; `tests/upgrade` goes on from there."""
