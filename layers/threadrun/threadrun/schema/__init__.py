"""What users write, and how it is read. It must not know what becomes of it."""
