"""What PyTorch makes of the folders that toPyTorch writes: losses and weights after its epochs, by one process and by two.

Each script's hash says that what the tests write is what was run here. The folders come from the built package:

    npm run build && /usr/bin/python3 test/golden/generate.py
"""

import hashlib
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from common import stated
from interchange import load

FOLDER = Path(__file__).parent
# A BatchNorm1d sees its share of a batch alone.
BY_TWO = ("SGD, MSELoss, StepLR", "Adagrad, NLLLoss, Embedding, a part of the rows", "RMSprop, HuberLoss, MultiStepLR, all rows")


def run(command, folder):
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    losses = [float(loss) for loss in re.findall(r"loss (\S+)", done.stdout)]
    return {"losses": losses, "state": {name: stated(t) for name, t in load(folder / "trained.safetensors").items()}}


def hash_of(path):
    """Of a script without the one number in it that is computed: to-pytorch.test.ts has the same."""
    return hashlib.sha256(re.sub(r"best = \S+", "best", path.read_text()).encode()).hexdigest()


def case(folder):
    hashes = {path.name: hash_of(path) for path in sorted(folder.glob("*.py"))}
    alone = run([sys.executable, "-B", "train.py"], folder)
    # Under Python 3.11 the torchrun of 1.13 fails where nothing is redirected.
    two = ["torchrun", "--redirects=1", "--tee=1", "--nproc_per_node=2", "--master_port=29517", "train.py"]
    return {"hashes": hashes, "alone": alone, **({"two": run(two, folder)} if folder.name in BY_TWO else {})}


def build():
    with tempfile.TemporaryDirectory() as root:
        subprocess.run(["node", FOLDER / "pytorch.mjs", root], check=True)
        return {folder.name: case(folder) for folder in sorted(Path(root).iterdir())}
