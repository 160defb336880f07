"""`make stacks`: a hundred stacks on the embedded cloud, while whatever the application calls fails now and then."""
