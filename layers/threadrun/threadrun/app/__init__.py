"""What the functions are made of: settings, clients, and the work of those that are no step of a run."""
