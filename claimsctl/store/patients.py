"""Patients apart: their identifiers sealed, once per patient; claim lines carry a patient key.

What identifies a patient: practice, member id, birth date, last and first name, upper-cased and trimmed;
patient id and SSN count only where the name or the birth date is missing. The payer does not count, so
that one payer under two spellings does not double its patients.

Rules that look at earlier runs know a patient by less (glossary, same patient): payer, member id, birth
date and first initial. The history key is a keyed hash of the last three; the payer stands beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Final, Literal

import polars as pl

from claimsctl.claim import COLUMNS
from claimsctl.security.files import FILE_MODE, disk_errors
from claimsctl.security.keys import Keys
from claimsctl.security.sealing import seal_many
from claimsctl.store.records import unseal_patient
from claimsctl.store.workspace import Workspace

RECORD_COLUMNS: Final = tuple(
    column.name for column in COLUMNS if column.phi == "identifier" and column.name != "line_note"
)
"""What is sealed of a patient: all identifier columns but notes, which belong to a line."""

SEALED: Final = pl.Schema(
    {
        "patient_key": pl.String,
        "practice_id": pl.String,
        "sealed": pl.Binary,
        "record_hash": pl.UInt64,
        "member_hash": pl.UInt64,
        "name_hash": pl.UInt64,
        "ssn_hash": pl.UInt64,
    }
)

SearchKind = Literal["member", "ssn", "name"]

_ALWAYS = ("practice_id", "member_id", "patient_dob", "patient_last_name", "patient_first_name")
_ELSE = ("patient_id", "patient_ssn")
_PRACTICE = "default"
_UNIT = "\x1f"


def patient_keys(frame: pl.DataFrame, keys: Keys) -> pl.Series:
    """Patient key of each row of a canonical typed frame: 32 hex digits, a keyed BLAKE2b hash.

    Absent columns count as blank; null where nothing identifies a patient. Hashes distinct patients.
    """
    return key_columns(frame, keys)["patient_key"]


def key_columns(frame: pl.DataFrame, keys: Keys) -> pl.DataFrame:
    """Row-aligned patient_key (see `patient_keys`) and history_key (UInt64, null without a member id)."""
    present = [name for name in (*_ALWAYS, *_ELSE) if name in frame.columns]
    if not present:
        nothing = pl.repeat(None, frame.height, dtype=pl.String, eager=True).alias("patient_key")
        return nothing.to_frame().with_columns(pl.lit(None, pl.UInt64).alias("history_key"))
    rows = frame.select(
        _sum_of_hashes(present, 0).alias("a"), _sum_of_hashes(present, len(present)).alias("b"), *present
    )
    # Distinct and joined on 128 bits of hash: texts would take three times the time and memory.
    distinct = rows.unique(["a", "b"], keep="any")
    identity = distinct.select(_identity(distinct.schema).cast(pl.Binary)).to_series()
    digests = _digests(identity.to_list(), keys, "patient", 16)
    found = distinct.select(
        "a",
        "b",
        pl.Series("patient_key", digests, dtype=pl.Binary).bin.encode("hex"),
        history_keys(distinct, keys),
    )
    joined = rows.select("a", "b").join(found, on=["a", "b"], how="left", maintain_order="left")
    return joined.select("patient_key", "history_key")


def history_keys(people: pl.DataFrame, keys: Keys) -> pl.Series:
    """Keyed hash (UInt64) of member id, birth date and first initial of each row; null without a member id.

    As in the fact same_patient (claimsctl.facts.table), blanks and hyphens of a member id do not count.
    Hashes every row: give distinct ones.
    """

    def text(name: str) -> pl.Expr:
        return pl.col(name).cast(pl.String) if name in people.columns else pl.lit(None, pl.String)

    member = text("member_id").str.to_uppercase().str.replace_all(r"[- ]", "")
    initial = text("patient_first_name").str.slice(0, 1).str.to_uppercase()
    parts = [member, text("patient_dob").fill_null(""), initial.fill_null("")]
    # Beside the rows, not alone: without any of the columns it would be one value for all of them.
    known = people.with_columns(pl.concat_str(parts, separator=_UNIT).cast(pl.Binary).alias("known"))["known"]
    return _numbers(known.to_list(), keys, "history").alias("history_key")


def search_hash(kind: SearchKind, value: str, keys: Keys) -> int | None:
    """Number to look a person up by; two persons may share it, so compare what is unsealed.

    `kind` is member, ssn or name (`LAST<tab>FIRST`). None when nothing searchable is left of the value.
    """
    found: int | None = search_hashes(kind, pl.Series([value]), keys).item()
    return found


def search_hashes(kind: SearchKind, values: pl.Series, keys: Keys) -> pl.Series:
    """`search_hash` of each text (UInt64); null where nothing searchable is left of it."""
    return _search(kind, values, keys)


def seal_patients(
    frame: pl.DataFrame,
    patient_key: pl.Series,
    keys: Keys,
    *,
    known: pl.Series | None = None,
    also: Sequence[str] = (),
) -> pl.DataFrame:
    """One sealed record per patient of the frame (columns SEALED), without `known` record hashes.

    A record holds RECORD_COLUMNS and those of `also` as JSON, dates as ISO text: per column the first value
    that is not blank. It is bound to the patient key, so that records cannot be swapped.
    """
    present = [name for name in (*RECORD_COLUMNS, *also) if name in frame.columns]
    practice = pl.col("practice_id") if "practice_id" in frame.columns else pl.lit(None, pl.String)
    records = (
        frame.select(
            patient_key.alias("patient_key"),
            practice.fill_null(_PRACTICE).alias("practice_id"),
            *(pl.col(name).cast(pl.String) for name in present),
        )
        .filter(pl.col("patient_key").is_not_null())
        .group_by("patient_key", maintain_order=True)
        .agg(pl.all().first(ignore_nulls=True))
        .with_columns(_record(present).cast(pl.Binary).alias("record"))
    )
    bound = ("claimsctl patient 1 " + records["patient_key"]).cast(pl.Binary)
    hashes = _numbers((bound + records["record"]).to_list(), keys, "record")
    records = records.with_columns(hashes.alias("record_hash"), bound.alias("bound"))
    if known is not None and len(known):
        records = records.filter(~pl.col("record_hash").is_in(known.implode()))
    sealed = seal_many(records["record"].to_list(), records["bound"].to_list(), keys)
    nothing = pl.repeat(None, records.height, dtype=pl.String, eager=True)
    texts = {name: records[name] if name in present else nothing for name in RECORD_COLUMNS}
    name = pl.select(
        pl.concat_str(
            texts["patient_last_name"].fill_null(""),
            texts["patient_first_name"].fill_null(""),
            separator="\t",
        )
    ).to_series()
    return pl.DataFrame(
        {
            "patient_key": records["patient_key"],
            "practice_id": records["practice_id"],
            "sealed": pl.Series(sealed, dtype=pl.Binary),
            "record_hash": records["record_hash"],
            "member_hash": _search("member", texts["member_id"], keys),
            "name_hash": _search("name", name, keys),
            "ssn_hash": _search("ssn", texts["patient_ssn"], keys),
        },
        schema=SEALED,
    )


def read_patient(workspace: Workspace, patient_key: str, keys: Keys) -> dict[str, str] | None:
    """The identifiers last stored of a patient; None when there is no such patient."""
    from claimsctl.store.database import open_store

    if not workspace.claims_database.exists():
        return None
    with open_store(workspace, write=False) as connection:
        found = connection.execute(
            "SELECT file, record_hash FROM patients WHERE patient_key = ?::UUID "
            "ORDER BY version DESC LIMIT 1",
            [patient_key],
        ).fetchone()
    if found is None:
        return None
    path = workspace.root / str(found[0])
    with disk_errors(path, "read"):
        sealed = (
            pl.scan_parquet(path)
            .filter(pl.col("patient_key") == patient_key, pl.col("record_hash") == int(found[1]))
            .select("sealed")
            .collect()
        )
    return unseal_patient(sealed["sealed"][0], patient_key, keys)


class PatientWriter:
    """Patients of a run, part by part: keys for the lines, sealed records into `patients-N.parquet`.

    Each patient is sealed once per run, with the first values the run has of it; records in `known`
    (from `known_records`) are not sealed again. A record also has the columns `also`.
    """

    def __init__(
        self, directory: Path, keys: Keys, known: pl.Series | None = None, also: Sequence[str] = ()
    ) -> None:
        self._directory = directory
        self._keys = keys
        self._known = known
        self._also = tuple(also)
        self._seen: list[pl.Series] = []
        self.written = 0

    def add(self, frame: pl.DataFrame, found: pl.Series | None = None) -> pl.Series:
        """Patient key of each row of a typed part (`found`, where they are known); seals new patients."""
        if found is None:
            found = patient_keys(frame, self._keys)
        new = self._unseen(found)
        if new.any():
            sealed = seal_patients(
                frame.filter(new), found.filter(new), self._keys, known=self._known, also=self._also
            )
            if sealed.height:
                self._write(sealed)
        return found

    def _unseen(self, found: pl.Series) -> pl.Series:
        """True in rows whose patient no earlier part had."""
        part = found.to_frame("key").select(pl.col("key").hash(seed=1).alias("h"), "key")
        distinct = part.filter(pl.col("key").is_not_null()).select("h").unique()
        # The small side is hashed and the long list of seen patients streams past it: the reverse would
        # build a table of all patients for every part.
        again = [seen.filter(seen.is_in(distinct["h"].implode())) for seen in self._seen]
        old = pl.concat(again) if again else pl.Series("h", [], dtype=pl.UInt64)
        fresh = distinct.filter(~pl.col("h").is_in(old.implode()))["h"]
        if len(fresh):
            self._seen.append(fresh)
        return part.select(pl.col("key").is_not_null() & ~pl.col("h").is_in(old.implode())).to_series()

    def _write(self, sealed: pl.DataFrame) -> None:
        path = self._directory / f"patients-{self.written:05d}.parquet"
        with disk_errors(path, "write"):
            sealed.write_parquet(path, compression="uncompressed", statistics=False)
            path.chmod(FILE_MODE)
        self.written += 1


def _identity(schema: pl.Schema) -> pl.Expr:
    """Text that is equal for rows of the same patient; null when nothing identifies one."""

    def normal(name: str) -> pl.Expr:
        if name not in schema:
            return pl.lit("")
        text = pl.col(name).cast(pl.String)
        return text.str.strip_chars().str.to_uppercase().fill_null("")

    given = pl.col("practice_id").cast(pl.String) if "practice_id" in schema else pl.lit(None, pl.String)
    given = given.str.strip_chars()
    practice = pl.when(given != "").then(given).otherwise(pl.lit(_PRACTICE))
    last, first, birth = (normal(n) for n in ("patient_last_name", "patient_first_name", "patient_dob"))
    named = (last != "") & (first != "") & (birth != "")
    parts = [practice, *(normal(name) for name in _ALWAYS[1:])]
    parts += [pl.when(named).then(pl.lit("")).otherwise(normal(name)) for name in _ELSE]
    blank = pl.all_horizontal(part == "" for part in parts[1:])
    return pl.when(~blank).then(pl.concat_str(parts, separator=_UNIT)).alias("identity")


def _sum_of_hashes(columns: list[str], seed: int) -> pl.Expr:
    parts = [pl.col(name).hash(seed=seed + number) for number, name in enumerate(columns)]
    return sum(parts[1:], parts[0])


def _record(present: list[str]) -> pl.Expr:
    """JSON of the columns that are not null, so that absent and blank columns make the same record."""
    if not present:
        return pl.lit("{}")
    text = pl.struct(present).struct.json_encode()
    # Quotes inside a value are escaped, so this never matches one.
    return text.str.replace_all(r'"[a-z_0-9]+":null,?', "").str.replace(r",}$", "}")


def _search(kind: SearchKind, values: pl.Series, keys: Keys) -> pl.Series:
    """Keyed numbers of what is searched exactly: letters and digits in upper case, digits of an SSN."""
    text = pl.col("v")
    if kind == "ssn":
        text = text.str.replace_all(r"[^0-9]", "")
    elif kind == "name":
        text = text.str.to_uppercase().str.replace_all(r"[^\p{L}\p{N}\t]", "")
    else:
        text = text.str.to_uppercase().str.replace_all(r"[^\p{L}\p{N}]", "")
    normal = values.alias("v").to_frame().select(pl.when(text.str.strip_chars("\t") != "").then(text))
    return _numbers(normal.to_series().cast(pl.Binary).to_list(), keys, kind)


def _numbers(values: Sequence[bytes | None], keys: Keys, kind: str) -> pl.Series:
    digests = pl.Series(_digests(values, keys, kind, 8), dtype=pl.Binary)
    return digests.bin.reinterpret(dtype=pl.UInt64)


def _digests(values: Sequence[bytes | None], keys: Keys, kind: str, size: int) -> list[bytes | None]:
    """Keyed BLAKE2b of each value, null for null; `kind` keeps uses apart."""
    # Copying a keyed state costs two thirds of keying a new one; this loop is most of what sealing costs.
    fresh = blake2b(key=keys.lookup, digest_size=size, person=kind.encode()).copy
    found: list[bytes | None] = []
    keep = found.append
    for value in values:
        if value is None:
            keep(None)
            continue
        state = fresh()
        state.update(value)
        keep(state.digest())
    return found
