#!/usr/bin/env bash
# Make .venv from the exact pins of requirements.txt. Usage: make_venv.sh PYTHON
# With CPU=1 in the environment torch is that without CUDA, from PyTorch's own index.
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

requirements=requirements.txt
backend=()
if [ "${CPU:-}" = 1 ]; then
    requirements=$(mktemp)
    trap 'rm -f "$requirements"' EXIT
    grep -vE '^(nvidia-|cuda-|triton)' requirements.txt > "$requirements"
    backend=(--torch-backend cpu)
    echo "Setting up .venv (less than 2 GB, without CUDA; a few minutes)"
else
    echo "Setting up .venv (about 7 GB, of which CUDA is most; a few minutes; CPU=1 leaves it out)"
fi
[ -x .venv/bin/python ] || "$python" -m venv --clear .venv
pins=$(grep -E '^uv==' requirements.txt)
.venv/bin/python -m pip install --quiet --disable-pip-version-check "$pins"
# --compile-bytecode: torch imports in half the time, also where Python may not write caches.
VIRTUAL_ENV=$PWD/.venv .venv/bin/uv pip sync --quiet --compile-bytecode \
    ${backend[@]+"${backend[@]}"} "$requirements"
touch .venv/complete
