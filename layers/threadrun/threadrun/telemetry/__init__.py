"""Log lines, metrics and events of what was done. It must decide nothing."""
