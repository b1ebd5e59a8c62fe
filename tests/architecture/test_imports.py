"""Who may import whom. The contracts stand in pyproject.toml."""

import subprocess
import sys
from pathlib import Path

from tests.support.source_tree import CHECKOUT


def test_the_import_contracts_are_kept() -> None:
    lint_imports = Path(sys.executable).with_name("lint-imports")
    ran = subprocess.run(
        [lint_imports, "--no-cache"], cwd=CHECKOUT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
