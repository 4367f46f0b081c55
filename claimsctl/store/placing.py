"""Line parts and sealed patients of a run, moved to their place in the workspace, and back."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from claimsctl.security.files import disk_errors, private_directory, sync_directory


@dataclass
class Placed:
    """Line parts under lines/<job>/ and how to take them back.

    `parts` has number, path in the workspace and rows of each part that was placed.
    """

    directory: Path
    job_id: str
    moved: list[tuple[Path, Path]] = field(default_factory=list)
    parts: list[tuple[int, str, int]] = field(default_factory=list)

    def place(self, sources: Sequence[Path], stored: pl.Series) -> None:
        """Move line parts here, without the lines of claims (claim_id) that are `stored` already."""
        private_directory(self.directory)
        with disk_errors(self.directory, "store line parts in"):
            for number, source in enumerate(sources):
                self._place_part(number, source, self.directory / f"part-{number:05d}.parquet", stored)
            sync_directory(self.directory)

    def place_patients(self, sources: Sequence[Path]) -> list[Path]:
        """Move files of sealed patients here; where they are now."""
        private_directory(self.directory)
        targets = [self.directory / source.name for source in sources]
        with disk_errors(self.directory, "store patients in"):
            for source, target in zip(sources, targets, strict=True):
                self._move(source, target)
                sync(target)
        return targets

    def take_back(self) -> None:
        """Move everything back where it came from and remove the directory."""
        for source, target in reversed(self.moved):
            with suppress(OSError):
                if not source.exists():
                    target.rename(source)
        if self.directory.is_dir():
            for left in self.directory.iterdir():
                left.unlink(missing_ok=True)
            with suppress(OSError):
                self.directory.rmdir()

    def _place_part(self, number: int, source: Path, target: Path, stored: pl.Series) -> None:
        if len(stored):
            part = pl.read_parquet(source)
            kept = part.filter(~pl.col("claim_id").is_in(stored.implode()))
            if not kept.height:
                return
            if kept.height < part.height:
                kept.write_parquet(target, compression="zstd")
            else:
                self._move(source, target)
        else:
            self._move(source, target)
        rows = int(pl.scan_parquet(target).select(pl.len()).collect().item())
        sealed = source.with_suffix(".sealed")
        if sealed.exists():
            self._move(sealed, target.with_suffix(".sealed"))
        sync(target)
        self.parts.append((number, f"lines/{self.job_id}/{target.name}", rows))

    def _move(self, source: Path, target: Path) -> None:
        self.moved.append((source, target))
        source.rename(target)
        target.chmod(0o600)


def sync(path: Path) -> None:
    """Have a file on disk before anything names it."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
