"""Used by `JUPYTER_CONFIG_PATH=$PWD/.jupyter jupyter lab`: every notebook can `import lib`."""

import os
from pathlib import Path

root = str(Path(__file__).resolve().parent.parent)
before = os.environ.get("PYTHONPATH")
os.environ["PYTHONPATH"] = f"{root}{os.pathsep}{before}" if before else root
