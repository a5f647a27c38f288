#!/usr/bin/env bash
# Makes .cache/python, a virtual environment with everything that `npm run verify` needs, and beside it
# .cache/torchvision, which only goldens/make_fixtures.py may see: transformers' image classes fail on a torchvision that
# was built for another torch, and do without one that is absent. Does nothing where both are there and work.
set -uo pipefail
cd "$(dirname "$0")/../.."
python=.cache/python/bin/python
requirements=scripts/verify/requirements.txt

fail() { # fail WHAT: the one line that says why, from pip's own words
  echo "make-python: $1: $(grep -iE 'error|no module' "$log" | tail -n 1)" >&2
  exit 1
}

log=$(mktemp)
trap 'rm -f "$log"' EXIT
pip_install=("$python" -m pip install --quiet --no-deps --retries 1 --timeout 30)

if ! "$python" -c "import torch, transformers, peft, safetensors, PIL" 2>"$log"; then
  rm -rf .cache/python
  python3 -m venv .cache/python >"$log" 2>&1 || fail "python3 -m venv failed"
  "${pip_install[@]}" -r "$requirements" >"$log" 2>&1 || fail "pip could not install $requirements"
  "$python" -c "import torch, transformers, peft, safetensors, PIL" 2>"$log" || fail "the installed packages do not import"
fi
if [ ! -d .cache/torchvision/torchvision ]; then
  rm -rf .cache/torchvision
  "${pip_install[@]}" --target .cache/torchvision torchvision==0.28.0 >"$log" 2>&1 || fail "pip could not install torchvision"
fi
