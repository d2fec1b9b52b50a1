"""The version of this cosmalloc, as its package says."""

from __future__ import annotations

from functools import cache


@cache
def version() -> str:
    """Like `0.1.0`; `unknown` where the package is not installed."""
    from importlib import metadata  # takes 20 ms, and most commands never ask

    try:
        return metadata.version("cosmalloc")
    except metadata.PackageNotFoundError:
        return "unknown"


@cache
def fingerprint() -> str:
    """sha256 of this cosmalloc's own code, 64 hexadecimal digits: a change between two releases
    counts too."""
    import hashlib
    from importlib.util import find_spec
    from pathlib import Path

    package = Path(__file__).parent
    files = [*package.glob("*.py")]
    for folder in (path for path in package.iterdir() if path.is_dir()):  # some are links
        files += folder.glob("**/*.py")
    found = hashlib.sha256()
    for path in sorted(files):
        found.update(f"{path.relative_to(package)}\0".encode())
        found.update(hashlib.sha256(path.read_bytes()).digest())
    native = find_spec("cosmalloc._native")
    if native is not None and native.origin is not None:
        found.update(hashlib.sha256(Path(native.origin).read_bytes()).digest())
    return found.hexdigest()
