"""Says loudly when browser tests cannot run here, or cannot show Korean and Chinese; in CI that is a failure."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def missing() -> list[str]:
    """What is missing, each with its remedy."""
    told = []
    if not (os.environ.get("CHROMIUM") or any(map(shutil.which, BROWSERS))):
        told.append("no Chromium: browser tests are SKIPPED (Debian, Ubuntu: apt-get install chromium)")
    if program := shutil.which("fc-list"):
        for language, name in (("ko", "Korean"), ("zh-cn", "Chinese")):
            fonts = subprocess.run([program, f":lang={language}"], check=False, capture_output=True, text=True)
            if not fonts.stdout.strip():
                told.append(f"no {name} font: pages show boxes (Debian, Ubuntu: apt-get install fonts-noto-cjk)")
    return told


def main() -> int:
    """Print what is missing."""
    told = missing()
    for sentence in told:
        print(f"WARNING: {sentence}", file=sys.stderr, flush=True)
    return 1 if told and os.environ.get("CI") == "true" else 0


if __name__ == "__main__":
    sys.exit(main())
