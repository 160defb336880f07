"""`make audit`: asks OSV for known vulnerabilities of the locked packages, and reports when OSV is out of reach.

A clean result holds for a day, as long as the locks and this file stay the same.
"""

import json
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from local.lock import JUDGES, LOCKS, ROOT

OSV_URL = "https://api.osv.dev/v1/query"
EXCEPTIONS: dict[str, str] = {}
"""The id of a vulnerability, and the reason why it is harmless here."""

AUDITED = [lock for group, lock in LOCKS.items() if group not in JUDGES]
PIP_AUDIT = ROOT / ".venv-audit" / "bin" / "pip-audit"
CLEAN = ROOT / ".build" / "audit-clean"
CLEAN_FOR_SECONDS = 24 * 3600
CONNECT_SECONDS = 3


def is_clean(stamp: Path) -> bool:
    """Whether the last result was clean, is recent, and holds for the present files."""
    if not stamp.exists():
        return False
    noted = stamp.stat().st_mtime
    inputs = [Path(__file__), *(ROOT / lock for lock in AUDITED)]
    return time.time() - noted < CLEAN_FOR_SECONDS and all(path.stat().st_mtime < noted for path in inputs)


def obstacle(osv_url: str) -> str | None:
    """Ask OSV one question; return why it cannot be reached, or None."""
    question = json.dumps({"package": {"name": "pip", "ecosystem": "PyPI"}, "version": "0"}).encode()
    try:
        with urllib.request.urlopen(osv_url, question, CONNECT_SECONDS) as reply:
            return None if isinstance(json.load(reply), dict) else "its reply is not OSV's"
    except (OSError, ValueError) as error:
        return str(error).removeprefix("<urlopen error ").removesuffix(">")


def findings(lock: str, osv_url: str) -> list[str]:
    """Return a line for each vulnerability except EXCEPTIONS; raise `RuntimeError` when pip-audit gives no result."""
    # --disable-pip: the locks are complete, so pip-audit must not resolve or download anything.
    options = ["--requirement", str(ROOT / lock), "--require-hashes", "--disable-pip"]
    options += ["--vulnerability-service", "osv", "--osv-url", osv_url]
    options += ["--format", "json", "--progress-spinner", "off", "--cache-dir", str(ROOT / ".build" / "audit-cache")]
    options += [part for name in EXCEPTIONS for part in ("--ignore-vuln", name)]
    result = subprocess.run([PIP_AUDIT, *options], capture_output=True, text=True)
    if not result.stdout.startswith("{"):
        raise RuntimeError("\n".join([f"pip-audit failed on {lock}:", *result.stderr.strip().splitlines()[-3:]]))
    lines = []
    for package in json.loads(result.stdout)["dependencies"]:
        if "skip_reason" in package:
            lines.append(f"{lock}: {package['name']} was not audited: {package['skip_reason']}")
        for found in package.get("vulns", []):
            names = ", ".join([found["id"], *sorted(found["aliases"])])
            fixed = ", ".join(found["fix_versions"]) or "no version yet"
            lines.append(f"{lock}: {package['name']} {package['version']}: {names}; fixed in {fixed}")
    return lines


def main(osv_url: str = OSV_URL, stamp: Path = CLEAN) -> int:
    """Exit with 1 when something was found, and with 0 when nothing was or OSV was out of reach, after saying so."""
    if is_clean(stamp):
        return 0
    reason = obstacle(osv_url)
    if reason is not None:
        print(f"Dependencies were NOT audited: {osv_url} could not be asked ({reason})")
        return 0
    try:
        found = [line for lock in AUDITED for line in findings(lock, osv_url)]
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1
    if found:
        print("\n".join(["Vulnerable dependencies:", *found]), file=sys.stderr)
        return 1
    stamp.touch()
    print("Dependencies audited: no known vulnerabilities")
    return 0


if __name__ == "__main__":
    sys.exit(main())
