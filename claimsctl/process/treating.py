"""What becomes of patients' data in the files of a run, as `[output]` of the settings says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

import polars as pl

from claimsctl.claim import BY_NAME
from claimsctl.process.request import Dates, Request
from claimsctl.process.routing import Reviewed
from claimsctl.requiring import require
from claimsctl.security.deidentify import AGE, PATIENT, Deidentifier, way_of, without_ssn
from claimsctl.security.keys import Keys
from claimsctl.security.masking import MASKED
from claimsctl.security.policy import Phi, Treatment
from claimsctl.store.patients import patient_keys

if TYPE_CHECKING:
    from claimsctl.process.intake import Input
    from claimsctl.store.workspace import Workspace


@dataclass(frozen=True)
class Treating:
    """The policy of a run; `keys` and `deidentify_key` are of its practice."""

    phi: Phi = "plain"
    dates: Dates = "shift"
    practice_id: str = "default"
    as_of: date = date.min
    keys: Keys | None = None
    deidentify_key: bytes = b""

    def treatment(self) -> Treatment:
        """The policy for one more file."""
        how = Deidentifier(lambda _: self.deidentify_key, self.as_of, self.dates)
        return Treatment(self.phi, self._keys, self.practice_id, how if self.phi == "deidentify" else None)

    def patients(self, frame: pl.DataFrame, some: pl.Series) -> pl.Series | None:
        """Patient keys of some lines of a part, as the store has them; None where nothing asks for them."""
        if self.phi != "deidentify":
            return None
        people = frame.filter(some).with_columns(pl.lit(self.practice_id).alias("practice_id"))
        return patient_keys(people, self._keys(self.practice_id))

    def rows(
        self,
        part: Reviewed,
        some: pl.Series,
        given: pl.DataFrame,
        treatment: Treatment,
        names: Mapping[str, str],
    ) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Some rows of a part as they came (row_number, c0, c1, ...), treated, and the findings of the part.

        `names` has the header of each raw column in the file. De-identified rows have only cells that could
        be read, and of findings only the codes: messages quote values.
        """
        if self.phi == "plain":
            return given, part.findings
        meant = _meant(part.input)
        if self.phi != "deidentify":
            named = given.rename({raw: name for raw, name in names.items() if raw in given.columns})
            back = {name: raw for raw, name in names.items() if raw in given.columns}
            told = {names[raw]: column for raw, column in meant.items() if raw in names}
            return treatment.cells(named, told).rename(back), part.findings
        codes = part.findings.with_columns(
            pl.col("code").alias("message"), pl.lit(None, pl.String).alias("suggestion")
        )
        return self._without_persons(part, some, given, treatment, meant), codes

    def malformed(self, records: pl.DataFrame, treatment: Treatment) -> pl.DataFrame:
        """Records that could not be read: nobody knows what their text (`raw`) holds."""
        if self.phi == "plain" or not records.height:
            return records
        if self.phi == "encrypt":
            return treatment.sealed(records, ["raw"])
        return records.with_columns(pl.lit(MASKED if self.phi == "mask" else "").alias("raw"))

    def _without_persons(
        self,
        part: Reviewed,
        some: pl.Series,
        given: pl.DataFrame,
        treatment: Treatment,
        meant: Mapping[str, str | None],
    ) -> pl.DataFrame:
        frame = part.frame.filter(some)
        typed = frame.select(name for name in frame.columns if name in BY_NAME)
        lines = treatment.lines(typed, self.patients(part.frame, some)).drop(PATIENT, AGE)
        cells = []
        for raw, column in meant.items():
            if raw not in given.columns:
                continue
            if column is not None and way_of(column) == "keep":
                cells.append(without_ssn(given[raw]))  # readable or not: it may be what has to be corrected
            elif column is not None and column in lines.columns:
                cells.append(lines[column].cast(pl.String).alias(raw))
            else:
                cells.append(pl.repeat(None, given.height, dtype=pl.String, eager=True).alias(raw))
        return given.with_columns(cells)

    def _keys(self, _practice: str) -> Keys:
        assert self.keys is not None
        return self.keys


PLAIN: Final = Treating()


def treating_of(request: Request, workspace: Workspace, keys: Keys) -> Treating:
    """The policy that a run was asked for; PermissionDenied where its user may not write such files."""
    key = b""
    if request.phi == "deidentify":
        key = require(workspace, "deidentified").deidentify_key(request.practice_id)
    return Treating(request.phi, request.dates, request.practice_id, request.run_date, keys, key)


def _meant(each: Input) -> dict[str, str | None]:
    """Raw column -> canonical column; None for what nobody mapped. A full name counts as a last name."""
    found: dict[str, str | None] = {f"c{n}": None for n in range(each.source.width)}
    found |= {f"c{n}": name for name, n in each.header_map.columns.items()}
    for who, index in (
        ("patient", each.header_map.patient_name_index),
        ("subscriber", each.header_map.subscriber_name_index),
    ):
        if index is not None:
            found[f"c{index}"] = f"{who}_last_name"
    return found
