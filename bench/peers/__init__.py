"""The peers, each with the smallest correct handler for the same API, as their documentation writes them."""
