"""Installs every patch, in one place: the list of what the emulator does differently from stock ministack."""

from local.embedded_cloud import (
    cancellation,
    custom_resources,
    deletions,
    http_routes,
    metrics,
    no_echo,
    rollbacks,
    stack_patches,
    upstream,
    worker_limit,
)

# The order counts where two patches share a function: the later one is called first.
OWN = (custom_resources, http_routes, no_echo, stack_patches, rollbacks, deletions, cancellation, metrics, worker_limit)


def install() -> None:
    """Make this process's ministack as strict as AWS; DriftError when a patched function changed."""
    for patch in (*upstream.FIXES, *OWN):
        patch.install()
