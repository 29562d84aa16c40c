"""Wheels for all platforms, built on one machine by Zig's cross-compiler.

    python release/wheels.py -o dist

Needs `build`, `wheel` and `ziglang` (`pip install -e '.[wheels]'`), and no other compiler. The package is the same
everywhere; the library needs no Python, so each wheel fits every Python 3. The sources of the library and the options
of the compiler are those of `pyproject.toml`.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
_MOST_BYTES = 4 * 2**20


@dataclass(frozen=True)
class Platform:
    """A platform as the compiler and as wheels name it."""

    tag: str
    target: str
    """With the version of the C library, where it has one that counts."""
    library: str
    """File name of the library, as Python finds an extension module."""
    processor: str = "baseline"


PLATFORMS = [
    Platform("manylinux2014_x86_64.manylinux_2_17_x86_64", "x86_64-linux-gnu.2.17", "_library.so"),
    Platform("manylinux2014_aarch64.manylinux_2_17_aarch64", "aarch64-linux-gnu.2.17", "_library.so"),
    Platform("macosx_11_0_x86_64", "x86_64-macos.11.0", "_library.so"),
    Platform("macosx_11_0_arm64", "aarch64-macos.11.0", "_library.so", "apple_m1"),
    Platform("win_amd64", "x86_64-windows-gnu", "_library.pyd"),
]


def main() -> None:
    """Build the source distribution and all wheels."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("-o", "--output", type=Path, default=ROOT / "dist")
    parser.add_argument("--platform", action="append", help="tag of a wheel, such as win_amd64; default: all")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        sdist, package = build_package(Path(folder))
        shutil.copy(sdist, arguments.output)
        print(arguments.output / sdist.name)
        for platform in PLATFORMS:
            if not arguments.platform or platform.tag in arguments.platform:
                print(build_wheel(package, platform, arguments.output, Path(folder) / platform.target))


def build_package(folder: Path) -> tuple[Path, Path]:
    """The source distribution, and the unpacked wheel that is built from it, without the library."""
    run("build", "--outdir", str(folder), str(ROOT), CC="false", CXX="false")  # the library follows
    (sdist,), (wheel,) = folder.glob("*.tar.gz"), folder.glob("*.whl")
    run("wheel", "unpack", "--dest", str(folder / "package"), str(wheel))
    (package,) = (folder / "package").iterdir()
    return sdist, package


def build_wheel(package: Path, platform: Platform, output: Path, folder: Path) -> Path:
    """Compile the library for a platform and write the wheel."""
    copy = folder / package.name
    shutil.copytree(package, copy)
    built = folder / "build"  # the compiler leaves other files there
    built.mkdir()
    compile_library(platform, built / platform.library)
    shutil.copy(built / platform.library, copy / "seq2seq" / "native")
    (description,) = copy.glob("*.dist-info/WHEEL")
    lines = [line for line in description.read_text().splitlines() if not line.startswith(("Tag:", "Root-Is-Purelib:"))]
    tags = [f"Tag: py3-none-{tag}" for tag in platform.tag.split(".")]
    description.write_text("\n".join([*filter(None, lines), "Root-Is-Purelib: false", *tags, ""]))
    run("wheel", "pack", "--dest-dir", str(output), str(copy))
    name, version = package.name.split("-")
    wheel = output / f"{name}-{version}-py3-none-{platform.tag}.whl"
    if wheel.stat().st_size > _MOST_BYTES:
        raise SystemExit(f"{wheel}: over {_MOST_BYTES:,} bytes")
    return wheel


def compile_library(platform: Platform, library: Path) -> None:
    """Compile the library for a platform."""
    (module,) = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["ext-modules"]
    sources = [str(ROOT / source) for source in module["sources"]]
    options = ["-target", platform.target, f"-mcpu={platform.processor}", "-shared", "-fPIC", "-s"]
    run("ziglang", "c++", *options, *module["extra-compile-args"], *sources, "-o", str(library))


def run(module: str, *arguments: str, **environment: str) -> None:
    """Run a module of Python; its output only if it fails."""
    command = [sys.executable, "-m", module, *arguments]
    result = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment})
    if result.returncode:
        raise SystemExit(f"{module} {' '.join(arguments)}\n{result.stdout}{result.stderr}")


if __name__ == "__main__":
    main()
