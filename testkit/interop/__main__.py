"""`make interop`: has other people's software judge the application, and writes docs/interop.md.

`make interop PARTS="servers"` plays these parts only, and keeps what was found of the others before.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from pathlib import Path
from typing import Any

from local.deployment import ROOT
from testkit.interop.deployers.stacks import play_deployers
from testkit.interop.localemu.definition import play_definition
from testkit.interop.localemu.lives import play_localemu
from testkit.interop.page import written
from testkit.interop.server_lives import play_servers
from testkit.interop.servers import ENVIRONMENTS

PARTS = {
    "servers": play_servers,
    "localemu": play_localemu,
    "definition": play_definition,
    "deployers": play_deployers,
}
PAGE = ROOT / "docs" / "interop.md"


def found_in(part: str) -> Path:
    """Where what was found is kept."""
    return ENVIRONMENTS / f"found-{part}.json"


def main() -> int:
    """Play the parts and write the page; exit status 1, and no page, while a part was never played."""
    parser = argparse.ArgumentParser(prog="python -m testkit.interop", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}; default: all")
    chosen = parser.parse_args().parts or list(PARTS)
    if unknown := sorted(set(chosen) - set(PARTS)):
        parser.error(f"there is no part {unknown[0]}: they are {', '.join(PARTS)}")
    for part in chosen:
        began = time.monotonic()
        found = PARTS[part](lambda line: print(line, file=sys.stderr, flush=True))
        found_in(part).write_text(json.dumps(found | {"seconds": time.monotonic() - began}, indent=1))
    if missing := [part for part in PARTS if not found_in(part).exists()]:
        print(f"docs/interop.md is written once all parts were played: {', '.join(missing)} was not", file=sys.stderr)
        return 1
    everything: dict[str, Any] = {part: json.loads(found_in(part).read_text()) for part in PARTS}
    everything["minutes"] = math.ceil(sum(everything[part]["seconds"] for part in PARTS) / 60)
    PAGE.write_text(written(everything))
    return 0


if __name__ == "__main__":
    sys.exit(main())
