"""Write constraints.txt anew: what pip would install today for pyproject.toml, all extras included.

Run by a developer on Linux with the environment's Python; nothing is installed. Packages that only other
systems need are added by hand in ELSEWHERE.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from project_files import CONSTRAINTS, read_dependencies

ELSEWHERE = {"colorama": '0.4.6 ; sys_platform == "win32"'}
MARKERS = {
    "bitsandbytes": 'sys_platform == "linux" or sys_platform == "win32"',
    "hf-xet": 'platform_machine in "x86_64 AMD64 arm64 aarch64"',
}
LEFT_OUT = re.compile(r"nvidia-|cuda-|triton$|loreleaf$")
"""Only the CUDA build of torch needs these, and pins them exactly itself."""


def canonical(name: str) -> str:
    """A package's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def resolve(requirements: list[str]) -> dict[str, str]:
    """Name and version of everything that ``requirements`` bring along, on this machine.

    Raises:
        subprocess.CalledProcessError: pip found no solution; its reasons are on stderr.
    """
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        dry_run = ["--dry-run", "--ignore-installed", "--quiet", "--report", str(report)]
        subprocess.run([sys.executable, "-m", "pip", "install", *dry_run, *requirements], check=True)
        installed = json.loads(report.read_text(encoding="utf-8"))["install"]
    found = {canonical(entry["metadata"]["name"]): entry["metadata"]["version"] for entry in installed}
    return {name: version.split("+")[0] for name, version in found.items() if not LEFT_OUT.match(name)}


def main() -> None:
    """Resolve and write; the comment at the top of the file is kept."""
    old = CONSTRAINTS.read_text(encoding="utf-8").splitlines()
    lines = [line for line in old if line.startswith("#")]
    requirements = read_dependencies(("cuda", "dev", "train"))
    # Its metadata is only known after compiling it; the set-up installs what it needs by these constraints.
    compiled = [requirement for requirement in requirements if requirement.startswith("llama-cpp-python==")]
    found = resolve([r for r in requirements if r not in compiled] + ["diskcache", "jinja2"])
    found |= {"llama-cpp-python": compiled[0].removeprefix("llama-cpp-python==")} | ELSEWHERE
    for name, version in sorted(found.items()):
        marker = f" ; {MARKERS[name]}" if name in MARKERS else ""
        lines.append(f"{name}=={version}{marker}")
    CONSTRAINTS.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
