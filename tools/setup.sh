#!/bin/sh
# Finds a Python that is new enough and lets it set up the virtual environment.
set -eu

for candidate in "${PYTHON:-python3}" python3 python3.13 python3.12 python3.11 python3.14 python; do
    if command -v "$candidate" >/dev/null 2>&1 &&
        "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
        exec "$candidate" "$(dirname "$0")/setup.py" "$@"
    fi
done
echo "setup: Python 3.11 or newer is needed and none was found: install it (Debian, Ubuntu: apt-get install python3 python3-venv) or name one with PYTHON=/path/to/python3." >&2
exit 1
