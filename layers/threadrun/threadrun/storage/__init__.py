"""The table and the bucket. It must decide nothing."""
