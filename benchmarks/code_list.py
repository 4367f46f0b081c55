"""Write every ICD-10-CM code, and a claim for each, to see which codes a tool takes as valid.

    python -m benchmarks.code_list codes.csv claims.csv 1

The last argument takes every n-th code only. Row n of the claims has the code of row n of the list.
"""

from __future__ import annotations

import sys

import polars as pl

from claimsctl.reference import icd10cm

SERVICE_DATE = "2026-06-15"
CODE = pl.col("code")
DOTTED = (
    pl.when(CODE.str.len_chars() > 3)
    .then(pl.concat_str(CODE.str.head(3), pl.lit("."), CODE.str.slice(3)))
    .otherwise(CODE)
)


def codes(every: int = 1) -> pl.DataFrame:
    """code, dotted, billable (`yes`, or `no` for a heading), in the order of the codes."""
    _release, known = icd10cm.load()
    billable = pl.when("billable").then(pl.lit("yes")).otherwise(pl.lit("no")).alias("billable")
    return known.sort("code").gather_every(every).select("code", DOTTED.alias("dotted"), billable)


def claims(listed: pl.DataFrame) -> pl.DataFrame:
    """One claim of one line per code."""
    number = pl.int_range(1, pl.len() + 1).cast(pl.String).str.zfill(6)
    return listed.select(
        pl.concat_str(pl.lit("C"), number).alias("claim_number"),
        pl.lit(SERVICE_DATE).alias("service_date_from"),
        pl.col("dotted").alias("diagnosis_1"),
    )


def main(list_file: str, claims_file: str, every: str) -> None:
    """Write both files."""
    listed = codes(int(every))
    listed.write_csv(list_file)
    claims(listed).write_csv(claims_file)


if __name__ == "__main__":
    main(*sys.argv[1:])
