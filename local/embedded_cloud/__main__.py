"""The server process: `python -m local.embedded_cloud` patches ministack and runs it; `--stock` doesn't patch."""

import sys


def make_strict() -> None:
    """Make this process's ministack as strict as AWS; DriftError names the function that a patch no longer fits."""
    from local.embedded_cloud import custom_resources, http_routes, metrics, rollbacks, stack_patches, upstream

    # The order counts where two patches share a function: the later one is called first.
    own = (custom_resources, http_routes, stack_patches, rollbacks, metrics)
    for patch in (*upstream.FIXES, *own):
        patch.install()


def main() -> None:
    """Run ministack until it is terminated."""
    options = set(sys.argv[1:])
    del sys.argv[1:]
    if "--stock" not in options:
        make_strict()
    if "--forked-functions" in options:
        from local.embedded_cloud import forked_functions

        forked_functions.install()
    from ministack.app import main as serve

    serve()


if __name__ == "__main__":
    main()
