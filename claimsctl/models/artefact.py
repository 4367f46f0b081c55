"""A model as files: numbers and texts only, sealed by their sha256, so that loading one runs nothing.

models/<name>/ holds model.json (what it is), parameters.npz (its arrays) or model.onnx, card.md, card.json,
plots, and seal.json, which has the sha256 of each. There is no time in them: the same claims, settings and
seed give the same bytes.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import secrets
import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from claimsctl.errors import InputError, UsageError
from claimsctl.score.encoding import columns_of
from claimsctl.score.estimators import Estimator, arrays_of, estimator_of
from claimsctl.score.features import BY_NAME, FEATURES_VERSION
from claimsctl.score.own import OWN
from claimsctl.score.trained import Calibration, TrainedModel
from claimsctl.security.files import disk_errors, private_directory, write_private

if TYPE_CHECKING:
    from claimsctl.store.workspace import Workspace

FORMAT: Final = 1
MODEL, PARAMETERS, ONNX, SEAL, CARD = "model.json", "parameters.npz", "model.onnx", "seal.json", "card.json"
ACTIVE: Final = "active.json"
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_MOST_BYTES: Final = 500_000_000


@dataclass(frozen=True)
class Loaded:
    """A model with what its files say of it; `digest` is the sha256 of its seal."""

    model: TrainedModel
    document: Mapping[str, Any]
    digest: str
    path: Path

    @property
    def own(self) -> dict[str, str]:
        """Columns of the house's own that it reads, and the kind of each."""
        kinds = {str(each["name"]): str(each["kind"]) for each in self.document.get("features", ())}
        return {name: kinds.get(name, "number") for name in self.model.needed if name.startswith(OWN)}


@dataclass(frozen=True)
class ModelStore:
    """The models of a workspace."""

    workspace: Workspace

    @property
    def root(self) -> Path:
        """Where they are."""
        return self.workspace.root / "models"

    def names(self) -> list[str]:
        """Their names, in order."""
        if not self.root.is_dir():
            return []
        return sorted(path.name for path in self.root.iterdir() if (path / SEAL).is_file())

    def path(self, name: str) -> Path:
        """Where a model is; UsageError where there is none of that name."""
        if name not in self.names():
            known = ", ".join(self.names())
            raise UsageError(
                f"There is no model {name!r} in this workspace.",
                hint=f"There is {known}." if known else "`claimsctl model train` makes one.",
            )
        return self.root / name

    def load(self, name: str) -> Loaded:
        """A model, its bytes verified; InputError where they cannot be trusted or understood."""
        return load(self.path(name))

    def save(self, name: str, files: Mapping[str, bytes], *, replace: bool = False) -> Path:
        """Put the files of a model into its directory, sealed; complete or not at all."""
        require_name(name)
        place = self.root / name
        if place.exists() and not replace:
            raise UsageError(
                f"There is a model {name!r} already.", hint="Give another --name, or replace it with --yes."
            )
        private_directory(self.root)
        aside = self.root / f".{name}.{secrets.token_hex(4)}"
        try:
            for path, data in {**files, SEAL: _json(_seal(files))}.items():
                private_directory((aside / path).parent)
                write_private(aside / path, data)
            with disk_errors(place, "write"):
                if place.exists():
                    shutil.rmtree(place)
                aside.rename(place)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
        return place

    def use(self, name: str | None) -> None:
        """Have runs score with a model from now on; None: with points."""
        if name is None:
            with disk_errors(self.root / ACTIVE, "remove"):
                (self.root / ACTIVE).unlink(missing_ok=True)
            return
        loaded = self.load(name)
        write_private(self.root / ACTIVE, _json({"name": name, "sha256": loaded.digest}))

    def active_name(self) -> str | None:
        """The model that scores; None where points do."""
        entry = self._active()
        return None if entry is None else str(entry.get("name"))

    def _active(self) -> Mapping[str, Any] | None:
        path = self.root / ACTIVE
        if not path.is_file():
            return None
        found = _read_json(path)
        if not isinstance(found.get("name"), str) or not isinstance(found.get("sha256"), str):
            raise InputError(f"{path} is damaged.", hint="Choose a model again with `claimsctl model use`.")
        return found

    def active(self) -> Loaded | None:
        """The model that scores, verified to be the one that was chosen; None where points do."""
        entry = self._active()
        if entry is None:
            return None
        loaded = self.load(str(entry["name"]))
        if loaded.digest != entry["sha256"]:
            raise InputError(
                f"The model {entry['name']!r} is another than the one that was chosen.",
                hint=f"Look at it with `claimsctl model show {entry['name']}`, and choose it again with "
                f"`claimsctl model use {entry['name']}`.",
            )
        return loaded


def require_name(name: str) -> None:
    """UsageError for what cannot be the name of a model."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} is no name of a model.",
            hint="Use small letters, digits, dots, dashes and underscores, as in denials-2026.",
        )


def files_of(model: TrainedModel, document: Mapping[str, Any]) -> dict[str, bytes]:
    """model.json and parameters.npz of a model; `document` is what else is said of it."""
    kind, arrays, numbers = arrays_of(model.estimator)
    described = {
        "format": FORMAT,
        "features_version": FEATURES_VERSION,
        **document,
        "name": model.name,
        "estimator": {"kind": kind, **numbers},
        "columns": [column.as_dict() for column in model.columns],
        "calibration": model.calibration.as_dict(),
    }
    packed = io.BytesIO()
    np.savez_compressed(packed, **arrays)
    return {MODEL: _json(described), PARAMETERS: packed.getvalue()}


def load(path: Path) -> Loaded:
    """The model of a directory, its bytes verified before any is understood.

    Raises InputError where files are missing or altered, or of another version of claimsctl.
    """
    files, digest = _verified(path)
    document = _parsed(files[MODEL], path)
    _require_version(document, path)
    try:
        columns = columns_of(document["columns"])
        calibration = Calibration(**document["calibration"])
        estimator = _estimator(document, files)
    except (KeyError, ValueError, TypeError, OSError, zipfile.BadZipFile):
        raise InputError(
            f"{path / MODEL} does not describe a model.", hint="Train it again, or import it again."
        ) from None
    model = TrainedModel(path.name, columns, estimator, calibration)
    _require_features(model, path.name)
    return Loaded(model, document, digest, path)


def _estimator(document: Mapping[str, Any], files: Mapping[str, bytes]) -> Estimator:
    described = document["estimator"]
    if described["kind"] == "onnx":
        from claimsctl.models.onnx import OnnxEstimator

        return OnnxEstimator(files[ONNX], described.get("input"), described.get("output"))
    with np.load(io.BytesIO(files[PARAMETERS]), allow_pickle=False) as arrays:
        return estimator_of(described["kind"], dict(arrays), described)


def _verified(path: Path) -> tuple[dict[str, bytes], str]:
    sealed = _read(path / SEAL)
    sums = _parsed(sealed, path).get("sha256")
    if not isinstance(sums, dict) or MODEL not in sums:
        raise InputError(f"{path / SEAL} is damaged.", hint=_AGAIN)
    files = {}
    for name, expected in sums.items():
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise InputError(f"{path / SEAL} names a file outside of the model.", hint=_AGAIN)
        data = _read(path / name)
        if hashlib.sha256(data).hexdigest() != expected:
            raise InputError(f"{path / name} was changed after the model had been made.", hint=_AGAIN)
        files[name] = data
    return files, hashlib.sha256(sealed).hexdigest()


_AGAIN: Final = "Bring it back from a backup, import it again, or train it again."


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise InputError(f"{path} is larger than a model can be.")
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or 'error'}.", hint=_AGAIN) from None


def _read_json(path: Path) -> Mapping[str, Any]:
    return _parsed(_read(path), path)


def _parsed(data: bytes, path: Path) -> Mapping[str, Any]:
    try:
        found = json.loads(data)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise InputError(f"{path} is damaged.", hint=_AGAIN)
    return found


def _require_version(document: Mapping[str, Any], path: Path) -> None:
    ours = {"format": FORMAT, "features_version": FEATURES_VERSION}
    theirs = {name: document.get(name) for name in ours}
    if theirs != ours:
        raise InputError(
            f"The model {path.name!r} was made by another version of claimsctl (format "
            f"{theirs['format']}, features {theirs['features_version']}; this one reads {FORMAT} and "
            f"{FEATURES_VERSION}).",
            hint="Train it again with this version.",
        )


def _require_features(model: TrainedModel, name: str) -> None:
    unknown = [each for each in model.needed if each not in BY_NAME and not each.startswith(OWN)]
    if unknown:
        raise InputError(
            f"The model {name!r} reads features that this version does not make: {', '.join(unknown)}.",
            hint="Train it again with this version.",
        )


def _seal(files: Mapping[str, bytes]) -> dict[str, Any]:
    sums = {name: hashlib.sha256(data).hexdigest() for name, data in sorted(files.items())}
    return {"format": FORMAT, "sha256": sums}


def _json(document: Mapping[str, Any]) -> bytes:
    return (json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


json_bytes = _json
