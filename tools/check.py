"""Runs make targets one after the other, with the name and the time of each; all of them, even when one fails."""

from __future__ import annotations

import os
import subprocess
import sys
import time


def main(steps: list[str]) -> int:
    """Run every step and return 1 when one of them failed."""
    failed = []
    began = time.monotonic()
    for number, name in enumerate(steps, 1):
        print(f"\n=== {number}/{len(steps)} {name}", flush=True)
        started = time.monotonic()
        if subprocess.run([os.environ.get("MAKE", "make"), "--no-print-directory", name], check=False).returncode:
            failed.append(name)
        told = "FAILED" if name in failed else "fine"
        print(f"=== {name}: {told} after {time.monotonic() - started:.1f} s", flush=True)
    told = f"these failed: {', '.join(failed)}" if failed else "all fine"
    print(f"\n=== check: {len(steps)} steps in {time.monotonic() - began:.0f} s, {told}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
