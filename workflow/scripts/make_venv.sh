#!/usr/bin/env bash
# Make .venv from the exact pins of requirements.txt. Usage: make_venv.sh PYTHON
set -euo pipefail

python=$1
command -v "$python" > /dev/null || python=python3
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null; then
    echo "error: Python 3.11 or newer is needed and '$1' is not it; call: make PYTHON=/path/to/python3.11" >&2
    exit 1
fi

if ! "$python" -c 'import ensurepip' 2> /dev/null; then
    # Debian and Ubuntu split venv from Python.
    if [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null; then
        apt-get update -qq && apt-get install -y -qq --no-install-recommends python3-venv
    else
        echo "error: this Python has no venv; on Debian and Ubuntu: sudo apt-get install python3-venv" >&2
        exit 1
    fi
fi

echo "Setting up .venv (about 6 GB, of which CUDA is most; a few minutes)"
[ -x .venv/bin/python ] || "$python" -m venv --clear .venv
pins=$(grep -E '^uv==' requirements.txt)
.venv/bin/python -m pip install --quiet --disable-pip-version-check "$pins"
# --compile-bytecode: torch imports in half the time, also where Python may not write caches.
VIRTUAL_ENV=$PWD/.venv .venv/bin/uv pip sync --quiet --compile-bytecode requirements.txt
touch .venv/complete
