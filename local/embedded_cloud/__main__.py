"""The server process: `python -m local.embedded_cloud` patches ministack and runs it; `--stock` doesn't patch.

Names of modules behind it patch it further, by their `install()`.
"""

import sys
from importlib import import_module


def make_strict() -> None:
    """Make this process's ministack as strict as AWS; DriftError names the function that a patch no longer fits."""
    from local.embedded_cloud import custom_resources, http_routes, metrics, rollbacks, stack_patches, upstream

    # The order counts where two patches share a function: the later one is called first.
    own = (custom_resources, http_routes, stack_patches, rollbacks, metrics)
    for patch in (*upstream.FIXES, *own):
        patch.install()


def main() -> None:
    """Run ministack until it is terminated."""
    _, *names = sys.argv
    del sys.argv[1:]
    if names != ["--stock"]:
        make_strict()
        for name in names:
            import_module(name).install()
    from ministack.app import main as serve

    serve()


if __name__ == "__main__":
    main()
