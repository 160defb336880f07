"""The server process: `python -m local.embedded_cloud` patches ministack and runs it; `--stock` doesn't patch."""

import sys


def main() -> None:
    """Run ministack until it is terminated; DriftError names the function that a patch no longer fits."""
    stock = "--stock" in sys.argv[1:]
    sys.argv[1:] = [argument for argument in sys.argv[1:] if argument != "--stock"]
    if not stock:
        from local.embedded_cloud import strictness

        strictness.install()
    from ministack.app import main as serve

    serve()


if __name__ == "__main__":
    main()
