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

# CPU=1 and CPU=0 say which torch; unsaid, a machine without a driver for NVIDIA's GPUs gets the smaller.
cpu=${CPU:-}
[ -n "$cpu" ] || [ -e /proc/driver/nvidia/version ] || cpu=maybe

[ -x .venv/bin/python ] || "$python" -m venv --clear .venv
pins=$(grep -E '^uv==' requirements.txt)
.venv/bin/python -m pip install --quiet --disable-pip-version-check "$pins"

# --compile-bytecode: torch imports in half the time, also where Python may not write caches.
sync() {
    VIRTUAL_ENV=$PWD/.venv .venv/bin/uv pip sync --quiet --compile-bytecode "$@"
}

without_cuda() {
    local pins status=0
    pins=$(mktemp)
    grep -vE '^(nvidia-|cuda-|triton)' requirements.txt > "$pins"
    sync --torch-backend cpu "$pins" && .venv/bin/python -c 'import torch, torchvision' || status=1
    rm -f "$pins"
    return "$status"
}

if [ "$cpu" = 1 ] || [ "$cpu" = maybe ]; then
    echo "Setting up .venv (less than 2 GB, without CUDA; a few minutes)"
    if without_cuda; then
        touch .venv/complete
        exit 0
    elif [ "$cpu" = 1 ]; then
        echo "error: torch without CUDA comes from PyTorch's own index, which must be reachable; call make CPU=0" >&2
        exit 1
    fi
    echo "That torch cannot be had here, so it will be the one with CUDA."
fi
echo "Setting up .venv (about 7 GB, of which CUDA is most; a few minutes)"
sync requirements.txt
touch .venv/complete
