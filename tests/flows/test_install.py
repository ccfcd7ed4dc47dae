"""What a laptop gets from the box itself."""

import re
import subprocess
import sys
from pathlib import Path

import arena
from tests.flows.serving import Person, Serving, environment, get
from tests.flows.transcripts import Tree, tokens


def test_the_wheel_of_the_box_works_outside_the_checkout(
    box: Serving, alice: Person, tree: Tree, tmp_path: Path
) -> None:
    found = re.search(rf'href="({re.escape(box.url)}/install/([^"#]+\.whl))', get(f"{box.url}/install").text)
    assert found
    url, name = found.groups()
    wheel = tmp_path / name
    wheel.write_bytes(get(url).content)
    here = tmp_path / "laptop"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-index", "--no-deps"]
    subprocess.run([*pip, "--target", here, wheel], check=True, cwd=tmp_path, timeout=60)

    env = environment(ARENA_HOME=str(tmp_path / "home"), CLAUDE_CONFIG_DIR=str(tree.claude), HOME=str(tmp_path))
    env["PYTHONPATH"] = str(here)

    def run(*argv: str) -> str:
        return subprocess.run(
            [here / "bin" / "arena", *argv],
            check=True,
            cwd=tmp_path,
            env=env,
            capture_output=True,
            text=True,
            timeout=30,
        ).stdout

    assert run("--version") == f"arena {arena.__version__}\n"
    where = [sys.executable, "-c", "import arena; print(arena.__file__)"]
    assert subprocess.check_output(where, cwd=tmp_path, env=env, text=True).startswith(str(here))
    tree.session("one", 3)
    run("login", "--server", box.url, "--api-key", alice.key, "--no-hooks")
    assert alice.totals() == (*tokens(tree), 1)
