#!/usr/bin/env bash
# Gradescope runs this once, as root, when it builds the image of the autograder.
set -euo pipefail

export DEBIAN_FRONTEND=noninteractive
apt-get update
apt-get install -y --no-install-recommends bubblewrap libseccomp2 python3 python3-venv
python=python3
# Ubuntu 22.04, the base image that Gradescope selects, has Python 3.10, and 3.11 beside it.
if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    apt-get install -y --no-install-recommends python3.11 python3.11-venv
    python=python3.11
fi
$python -m venv /autograder/venv
# From its own index torch comes without the gigabytes of CUDA.
/autograder/venv/bin/pip install --no-cache-dir --extra-index-url https://download.pytorch.org/whl/cpu \
    --editable /autograder/source
# The random inputs of all submissions follow from one secret, so that a regrade gives the same scores.
JUPYTER_DATA_DIR=/autograder/data /autograder/venv/bin/python -c "from autograder.grading.secret import own_secret; own_secret()"
