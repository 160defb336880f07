"""What is on record. It must not know how it is stored."""
