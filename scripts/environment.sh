# Sourced by quickstart.sh and test.sh: makes .venv in the repository and installs the package and its exact versions.
# Needs only bash and Python 3.11 or newer.

environment() {  # $1: what to install, "." or ".[dev]"
    local python
    python=$(command -v python3 || command -v python) || { echo "error: no Python found; install Python 3.11 or newer" >&2; return 1; }
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
        echo "error: $("$python" --version) is too old; admoe_monai needs Python 3.11 or newer" >&2
        return 1
    }
    if [ ! -x .venv/bin/python ]; then
        "$python" -m venv .venv || { echo "error: could not make .venv; is the venv module installed?" >&2; return 1; }
    fi
    # A stamp of what was installed makes the second call fast; torch is about 6 GB with its CUDA libraries.
    local wanted
    wanted="$1 $(cat pyproject.toml constraints.txt | cksum)"
    if [ "$(cat .venv/installed 2>/dev/null)" != "$wanted" ]; then
        echo "Installing admoe_monai and its dependencies into .venv (several GB, minutes) ..."
        .venv/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e "$1" || {
            echo "error: the installation failed; see pip's message above" >&2
            return 1
        }
        echo "$wanted" > .venv/installed
    fi
    PATH="$PWD/.venv/bin:$PATH"
    export PATH
}
