"""Asks the advisory database about every locked dependency; offline that is skipped loudly."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIMIT_S = 120
# What pip-audit prints when the service does not answer, as opposed to when it found something.
UNREACHABLE = ("ConnectionError", "ConnectTimeout", "Max retries", "ReadTimeout", "ServiceError", "HTTPError")


def main() -> int:
    """Return 1 only when a locked version is known to be vulnerable."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", "requirements.lock"]
    command += ["--require-hashes", "--disable-pip", "--progress-spinner=off", "--timeout=10"]
    command += ["--vulnerability-service=osv"]
    try:
        done = subprocess.run(
            command, cwd=ROOT, check=False, capture_output=True, text=True, timeout=LIMIT_S, env=dict(os.environ)
        )
    except subprocess.TimeoutExpired:
        return skipped("no answer in time")
    told = done.stdout + done.stderr
    if done.returncode and any(sign in told for sign in UNREACHABLE):
        return skipped("no connection")
    print(told.strip())
    return done.returncode


def skipped(reason: str) -> int:
    """Say that nothing was checked."""
    print(f"WARNING: advisories were NOT checked, the service cannot be reached ({reason})", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
