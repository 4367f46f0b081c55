"""Bytes of an input: opened, hashed, decompressed within limits, and turned into UTF-8."""

from __future__ import annotations

import codecs
import hashlib
import io
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Literal, Protocol

from claimsctl.errors import InputError

Compression = Literal["gz", "zst"]

BLOCK = 1 << 20
GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"

_CP1252_UNDEFINED = b"\x81\x8d\x8f\x90\x9d"


@dataclass(frozen=True, slots=True)
class Limits:
    """How far compressed input may expand before it is refused as a zip bomb; sizes in bytes.

    A workbook is held in memory at about 110 bytes per cell, so it has limits of its own.
    """

    max_ratio: float = 200.0
    ratio_applies_from: int = 1 << 30
    max_bytes: int = 1 << 40
    max_workbook_bytes: int = 1 << 30
    max_sheet_cells: int = 25_000_000


class Held:
    """Keeps a file without a name open for as long as somebody may read it."""

    def __init__(self, handle: int) -> None:
        self.handle = os.dup(handle)

    def __del__(self) -> None:
        os.close(self.handle)


@dataclass(frozen=True, slots=True)
class InputFile:
    """A regular file as it was when the run began; `label` is the name the user gave."""

    path: Path
    label: str
    size: int
    modified_ns: int
    identity: tuple[int, int]
    held: Held | None = field(default=None, compare=False, repr=False)

    @classmethod
    def at(cls, path: Path, label: str, held: Held | None = None) -> InputFile:
        """Take note of a file; raises InputError when it is missing or unreadable."""
        try:
            status = path.stat()
        except OSError as error:
            raise unreadable(label, error) from None
        identity = (status.st_dev, status.st_ino)
        return cls(path, label, status.st_size, status.st_mtime_ns, identity, held)

    def check(self) -> None:
        """Raise InputError when the file was deleted, replaced or changed since the run began."""
        try:
            status = self.path.stat()
        except FileNotFoundError:
            raise InputError(
                f"{self.label}: the file was deleted or renamed while it was being read.",
                hint="Put it back and run again; nothing was taken from it.",
            ) from None
        except OSError as error:
            raise unreadable(self.label, error) from None
        if (status.st_size, status.st_mtime_ns, (status.st_dev, status.st_ino)) != (
            self.size,
            self.modified_ns,
            self.identity,
        ):
            raise InputError(
                f"{self.label}: the file changed while it was being read.",
                hint="Wait until the export or copy has finished, then run again.",
            )

    def open(self) -> BinaryIO:
        """Open for reading, unbuffered; raises InputError."""
        try:
            return self.path.open("rb", buffering=0)
        except OSError as error:
            raise unreadable(self.label, error) from None

    def sha256(self) -> str:
        """Hash the whole file as stored."""
        with RawReader(self) as raw:
            while raw.read(BLOCK):
                pass
            return raw.hexdigest()


def unreadable(label: str, error: OSError) -> InputError:
    """Say in one line why the operating system does not let us read a file."""
    if isinstance(error, FileNotFoundError):
        return InputError(
            f"{label}: there is no such file.", hint="Check the name and the current directory."
        )
    if isinstance(error, PermissionError):
        return InputError(f"{label}: the file may not be read.", hint="Ask its owner for read permission.")
    reason = os.strerror(error.errno) if error.errno else type(error).__name__
    return InputError(
        f"{label}: the file cannot be read: {reason}.", hint="Copy it to a local disk and try again."
    )


class RawReader(io.RawIOBase):
    """The file as stored, hashed while it is read; checks at every block that the file still stands."""

    def __init__(self, file: InputFile) -> None:
        super().__init__()
        self.file = file
        self.position = 0
        self._handle = file.open()
        self._hash = hashlib.sha256()

    def readable(self) -> bool:
        """Always true."""
        return True

    def read(self, size: int = -1, /) -> bytes:
        """Read up to `size` bytes; b"" at the end."""
        self.file.check()
        try:
            data = self._handle.read(size)
        except OSError as error:
            raise unreadable(self.file.label, error) from None
        self._hash.update(data)
        self.position += len(data)
        return data

    def hexdigest(self) -> str:
        """SHA-256 of what was read so far."""
        return self._hash.hexdigest()

    def close(self) -> None:
        """Close the file; the hash stays."""
        self._handle.close()
        super().close()


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class _GzipReader:
    """All members of a gzip file, never more than asked for at a time."""

    def __init__(self, raw: RawReader) -> None:
        self._raw = raw
        self._member = zlib.decompressobj(31)
        self._used = False

    def read(self, size: int, /) -> bytes:
        while True:
            if self._member.eof:
                rest = self._member.unused_data.lstrip(b"\0")
                while len(rest) < 2 and (more := self._raw.read(BLOCK)):
                    rest = (rest + more).lstrip(b"\0")
                if not rest:
                    return b""
                if not rest.startswith(GZIP_MAGIC):
                    raise zlib.error("bytes after the compressed data")
                self._member, data = zlib.decompressobj(31), rest
            else:
                data = self._member.unconsumed_tail or self._raw.read(BLOCK)
                if not data:
                    raise EOFError
            out = self._member.decompress(data, size)
            if out:
                return out


def _zstd_reader(raw: RawReader) -> _Readable:
    import pyarrow as pa

    source: Any = pa.PythonFile(raw, mode="r")
    stream: _Readable = pa.CompressedInputStream(source, "zstd")
    return stream


class ByteStream:
    """Decompressed bytes of an input with the expansion limits applied; errors are InputError."""

    def __init__(self, file: InputFile, compression: Compression | None, limits: Limits) -> None:
        self.file = file
        self.compression = compression
        self.limits = limits
        self.produced = 0
        self.raw = RawReader(file)
        self._reader: _Readable = self.raw
        if compression == "gz":
            self._reader = _GzipReader(self.raw)
        elif compression == "zst":
            self._reader = _zstd_reader(self.raw)

    def __enter__(self) -> ByteStream:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.raw.close()

    @property
    def position(self) -> int:
        """Bytes of the stored file read so far."""
        return self.raw.position

    def read(self, size: int) -> bytes:
        """Read about `size` bytes, fewer only at the end; b"" when there is nothing left."""
        parts: list[bytes] = []
        wanted = size
        while wanted > 0 and (data := self._some(min(wanted, 16 * BLOCK))):
            parts.append(data)
            wanted -= len(data)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _some(self, size: int) -> bytes:
        try:
            data = self._reader.read(size)
        except InputError:
            raise
        except EOFError:
            raise self._damaged("ends in the middle of its compressed data") from None
        except (zlib.error, OSError, ValueError) as error:
            # An InputError raised while pyarrow calls back into RawReader may arrive wrapped.
            self.file.check()
            cut = "runcated" in str(error)
            what = "ends in the middle of its compressed data" if cut else "has damaged compressed data"
            raise self._damaged(what) from None
        self.produced += len(data)
        if self.compression is not None:
            self._check_expansion()
        return data

    def _check_expansion(self) -> None:
        limits, stored = self.limits, max(1, self.raw.position)
        ratio = self.produced / stored
        if self.produced > limits.max_bytes or (
            self.produced > limits.ratio_applies_from and ratio > limits.max_ratio
        ):
            raise InputError(
                f"{self.file.label}: {stored:,} compressed bytes expand to {self.produced:,} bytes and more; "
                "this looks like a zip bomb, not a claim file.",
                hint="If the file is genuine, decompress it first and read the plain file.",
            )

    def _damaged(self, what: str) -> InputError:
        return InputError(f"{self.file.label}: the file {what}.", hint="Copy or download it again.")


class Utf8Stream:
    """An input's text as UTF-8 bytes, decoded in pieces; a byte order mark is left out.

    What is stated to be "utf-8" is passed on unchecked, so that single damaged records can be told apart,
    unless the first text that is not ASCII shows that the whole file is Windows-1252; `encoding` then
    changes. Other encodings replace what they cannot decode by U+FFFD.
    """

    def __init__(
        self, file: InputFile, compression: Compression | None, encoding: str, limits: Limits
    ) -> None:
        self.bytes = ByteStream(file, compression, limits)
        self.encoding = encoding
        self._decoder: codecs.IncrementalDecoder | None = None
        self._undecided = encoding == "utf-8"
        self._held = b""
        self._started = False

    def __enter__(self) -> Utf8Stream:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bytes.raw.close()

    @property
    def position(self) -> int:
        """Bytes of the stored file read so far."""
        return self.bytes.position

    def read(self, size: int) -> bytes:
        """Read text worth about `size` stored bytes; b"" only at the end."""
        while True:
            data = self.bytes.read(size)
            final = not data
            if not self._started:
                self._started = True
                if self.encoding == "utf-8-sig":
                    data = data.removeprefix(codecs.BOM_UTF8)
            if self._undecided:
                data = self._decide(self._held + data, final)
            if self.encoding not in ("utf-8", "utf-8-sig"):
                if self._decoder is None:
                    self._decoder = codecs.getincrementaldecoder(self.encoding)(errors="replace")
                data = self._decoder.decode(data, final=final).encode("utf-8", "replace")
            if data or final:
                return data

    def _decide(self, data: bytes, final: bool) -> bytes:
        """Settle the encoding at the first text that is not ASCII; a cut-off character waits."""
        self._held = b""
        if data.isascii():
            return data
        try:
            _, used = codecs.utf_8_decode(data, "strict", final)
        except UnicodeDecodeError as error:
            self._undecided = False
            if data[: error.start].isascii():
                self.encoding = decide_encoding(self.bytes.file, self.bytes.compression, self.bytes.limits)
            return data
        self._undecided = data[:used].isascii()
        if self._undecided:
            data, self._held = data[:used], data[used:]
        return data


def decide_encoding(file: InputFile, compression: Compression | None, limits: Limits) -> str:
    """Whether a file whose first non-ASCII text is not UTF-8 is Windows-1252 ("cp1252") or damaged "utf-8".

    Windows-1252 when most lines with such text are not valid UTF-8, and bytes that are undefined there stand
    in one of them or in one of a hundred: more of them tell of another code page, whose letters would be
    misread in silence.
    """
    valid = windows = damaged = 0
    with ByteStream(file, compression, limits) as stream:
        for line in _lines_not_ascii(stream):
            if is_utf8(line):
                valid += 1
            elif len(line.translate(None, _CP1252_UNDEFINED)) < len(line):
                damaged += 1
            else:
                windows += 1
    return "cp1252" if windows > valid + damaged and damaged <= max(1, windows // 100) else "utf-8"


def _lines_not_ascii(stream: ByteStream) -> Iterator[bytes]:
    rest = b""
    while data := stream.read(4 * BLOCK):
        cut = max(data.rfind(b"\n"), data.rfind(b"\r")) + 1
        if not cut and len(rest) > 16 * BLOCK:
            cut = len(data)
        block, rest = (rest + data[:cut], data[cut:]) if cut else (b"", rest + data)
        if not block.isascii():
            yield from (line for line in block.splitlines() if not line.isascii())
    if not rest.isascii():
        yield rest


def is_utf8(data: bytes) -> bool:
    """Whether all of `data` decodes as UTF-8."""
    if data.isascii():
        return True
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
