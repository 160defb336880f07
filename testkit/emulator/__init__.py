"""What a test may add to the embedded cloud, and neither the demo nor the bench: modules with an `install()`."""
