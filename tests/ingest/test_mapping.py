"""Headers to columns: ranks, conflicts, what is missing, and what a user may say."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimsctl import claim
from claimsctl.errors import MappingError
from claimsctl.ingest.headers import fold, spellings
from claimsctl.ingest.mapping import (
    HeaderMap,
    map_headers,
    parse_map,
    parse_set,
    require_headers,
    required_columns,
    x_names,
)
from claimsctl.price.line import OUTPUT


def mapped(*header: str, **options: Any) -> HeaderMap:
    settings: dict[str, Any] = {"extra": {}, "constants": {}, "profile": "professional", **options}
    return map_headers(header, **settings)


def sources(*header: str, **options: Any) -> dict[str, str]:
    """Column -> the header it comes from."""
    return {column: header[index] for column, index in mapped(*header, **options).columns.items()}


@pytest.mark.parametrize(
    ("header", "column"),
    [
        ("CPT", "procedure_code"),
        (" cpt ", "procedure_code"),
        ("Proc. Code", "procedure_code"),
        ("PROC_CODE", "procedure_code"),
        ("Claim #", "claim_number"),
        ("Claim No.", "claim_number"),
        ("Claim Num", "claim_number"),
        ("claim_id", "claim_number"),
        ("Group", "billing_name"),
        ("Group #", "group_number"),
        ("Grp No", "group_number"),
        ("SS#", "patient_ssn"),
        ("W/O", "adjustment_amount"),
        ("Pri/Sec", "payer_sequence"),
        ("Days/Units", "units"),
        ("hcpcs_modifier_2", "modifier_2"),
        ("diagnosis_code_12", "diagnosis_12"),
        ("diagnosis_poa_25", "poa_25"),
        ("ICD-10", "diagnosis_1"),
        ("revenue_center_code", "revenue_code"),
        ("Date de naissance", None),
        ("Naïve", None),
    ],
)
def test_one_header(header: str, column: str | None) -> None:
    found = sources(header)
    assert found == ({column: header} if column else {})


@pytest.mark.parametrize("column", claim.COLUMNS, ids=lambda column: column.name)
def test_every_name_and_synonym_maps_to_its_own_column_alone(column: claim.Column) -> None:
    for text in (column.name, *column.synonyms, *column.fallbacks):
        for variant in (text, text.upper(), text.replace(" ", "_"), text.replace("#", "No.")):
            assert sources(variant) == {column.name: variant}


def test_exact_name_beats_synonym_and_the_synonym_is_carried_through() -> None:
    result = mapped("CPT", "procedure_code")
    assert result.columns == {"procedure_code": 1}
    assert result.ignored == {0: "CPT"}
    assert result.x_names == {0: "x_cpt"}


def test_a_number_sign_makes_a_synonym_not_the_exact_name() -> None:
    assert sources("Claim #", "claim_number") == {"claim_number": "claim_number"}


def test_equal_rank_conflict_names_both_headers_the_column_and_the_way_out() -> None:
    with pytest.raises(MappingError) as caught:
        mapped("CPT", "Service Code")
    message = str(caught.value)
    assert "'CPT' and 'Service Code' both map to procedure_code" in message
    assert '--map "CPT=procedure_code"' in message


def test_the_way_out_of_a_conflict_works() -> None:
    result = mapped("CPT", "Service Code", extra={"CPT": "procedure_code"})
    assert result.columns == {"procedure_code": 0}
    assert result.ignored == {1: "Service Code"}


def test_all_conflicts_are_told_at_once() -> None:
    with pytest.raises(MappingError, match=r"procedure_code.*service_date_from"):
        mapped("CPT", "HCPCS", "DOS", "Svc Date")


def test_duplicate_headers_are_told_apart_by_number() -> None:
    with pytest.raises(MappingError, match=r'--map "Mod \(2\)=modifier_2"'):
        mapped("Mod", "Mod")
    assert mapped("Mod", "Mod", extra={"Mod (2)": "modifier_2"}).columns == {"modifier_1": 0, "modifier_2": 1}
    with pytest.raises(MappingError, match=r"'Mod' stands 2 times"):
        mapped("Mod", "Mod", extra={"Mod": "modifier_2"})


def test_a_header_of_two_lines_is_named_on_one() -> None:
    with pytest.raises(MappingError, match=r'--map "Proc Code=procedure_code"'):
        mapped("Proc\nCode", "CPT")
    assert mapped("Proc\nCode", "CPT", extra={"Proc Code": "procedure_code"}).columns == {"procedure_code": 0}


def test_duplicate_unknown_headers_get_names_of_their_own() -> None:
    assert mapped("Foo", "foo", "Foo 2").x_names == {0: "x_foo", 1: "x_foo_2", 2: "x_foo_2_2"}


def test_blank_headers_are_carried_through_by_position() -> None:
    result = mapped("CPT", "", "  ")
    assert result.ignored == {1: "", 2: ""}
    assert result.x_names == {1: "x_column_2", 2: "x_column_3"}
    assert mapped("CPT", "", extra={"column_2": "units"}).columns["units"] == 1


def test_carried_through_names_are_snake_case_and_keep_their_x() -> None:
    given_names = {0: "Referral Source", 1: "VisionCode", 2: "x_old", 3: "%%", 4: "Größe (cm)"}
    assert list(x_names(given_names).values()) == [
        "x_referral_source",
        "x_vision_code",
        "x_old",
        "x_column_4",
        "x_grosse_cm",
    ]


def test_patient_account_is_the_claim_number_only_where_nothing_else_is() -> None:
    assert sources("Patient Acct") == {"claim_number": "Patient Acct"}
    assert sources("Acct #", "PCN") == {"claim_number": "PCN"}
    with pytest.raises(MappingError):
        mapped("Patient Acct", "Acct #")


def test_patient_name_is_split() -> None:
    result = mapped("Patient Name", "DOB")
    assert result.patient_name_index == 0
    assert "split" in result.how["patient_last_name"]
    assert 0 not in result.ignored


def test_patient_name_is_carried_through_beside_last_and_first_name() -> None:
    result = mapped("Patient Name", "LName", "FName")
    assert result.patient_name_index is None
    assert result.ignored == {0: "Patient Name"}
    assert result.columns == {"patient_last_name": 1, "patient_first_name": 2}


def test_a_full_name_the_user_points_at_wins_over_parts() -> None:
    result = mapped("Kunde", "LName", extra={"Kunde": "patient_name"})
    assert result.patient_name_index == 0
    assert result.ignored == {1: "LName"}


def test_policy_holder_is_split_too() -> None:
    assert mapped("Policy Holder").subscriber_name_index == 0
    assert mapped("Policy Holder", "Subscriber Last").subscriber_name_index is None


def test_insurance_id_is_flagged() -> None:
    assert mapped("Ins ID").member_id_from_insurance_id
    assert mapped("Insurance_ID").member_id_from_insurance_id
    assert not mapped("Subscriber ID").member_id_from_insurance_id
    assert not mapped("Ins ID", "Member ID").member_id_from_insurance_id
    assert not mapped("Ins ID", extra={"Ins ID": "member_id"}).member_id_from_insurance_id


def test_columns_of_our_rejected_files_are_dropped() -> None:
    result = mapped("CPT", "row_number", "error_codes", "error_messages")
    assert result.own_columns == {1: "row_number", 2: "error_codes", 3: "error_messages"}
    assert not result.ignored


def test_price_columns_of_our_files_are_dropped() -> None:
    assert tuple(OUTPUT) == claim.PRICE_COLUMNS
    result = mapped("CPT", *OUTPUT, "work_rvu_note")
    assert list(result.own_columns.values()) == list(OUTPUT)
    assert result.x_names == {len(OUTPUT) + 1: "x_work_rvu_note"}


def test_a_column_of_the_users_own_that_is_called_like_a_price_is_kept() -> None:
    assert mapped("CPT", "work_rvu", "pricing_status").x_names == {1: "x_work_rvu", 2: "x_pricing_status"}
    chosen = mapped("CPT", *OUTPUT, extra={"expected_allowed_amount": "allowed_amount"})
    assert chosen.columns["allowed_amount"] == 1
    assert "x_pricing_status" in chosen.x_names.values(), "a file that is mapped is the user's own"


def test_a_row_number_of_the_users_own_is_kept() -> None:
    assert mapped("CPT", "row_number").x_names == {1: "x_row_number"}


class TestSaying:
    def test_header_and_column_in_any_case(self) -> None:
        assert mapped("Their Column", extra={"their column": "Procedure_Code"}).columns == {
            "procedure_code": 0
        }

    def test_a_chosen_header_no_longer_feeds_its_own_column(self) -> None:
        assert sources("Type", extra={"Type": "practice_type"}) == {"practice_type": "Type"}

    @pytest.mark.parametrize("target", ["", "ignore", " Ignore "])
    def test_ignoring_a_header(self, target: str) -> None:
        assert mapped("Type", extra={"Type": target}).ignored == {0: "Type"}

    def test_unknown_header_with_a_suggestion(self) -> None:
        with pytest.raises(MappingError, match=r"no header 'Procedure Cod'; did you mean 'Proc\. Code'"):
            mapped("Proc. Code", "DOS", extra={"Procedure Cod": "procedure_code"})

    @pytest.mark.parametrize(
        ("column", "guess"), [("proceedure_code", "procedure_code"), ("DOB", "patient_dob")]
    )
    def test_unknown_column_with_a_suggestion(self, column: str, guess: str) -> None:
        with pytest.raises(MappingError, match=f"did you mean '{guess}'"):
            mapped("X", extra={"X": column})

    def test_two_headers_said_to_be_one_column(self) -> None:
        with pytest.raises(MappingError, match=r"'A' and 'B' both map to units"):
            mapped("A", "B", extra={"A": "units", "B": "units"})

    def test_one_header_said_to_be_two_columns(self) -> None:
        with pytest.raises(MappingError, match="two columns: units and minutes"):
            mapped("A", extra={"A": "units", "a": "minutes"})

    def test_house_mapping_is_lenient_about_headers_and_yields_to_the_command_line(self) -> None:
        house = {"Not here": "units", "Old": "procedure_code", "Rate": "charge_amount"}
        result = mapped("Old", "New", "Rate", house=house, extra={"New": "procedure_code"})
        assert result.columns == {"procedure_code": 1, "charge_amount": 2}
        assert "[mapping]" in result.how["charge_amount"]

    def test_house_mapping_with_an_unknown_column(self) -> None:
        with pytest.raises(MappingError, match=r"\[mapping\]: there is no column 'cost'"):
            mapped("X", house={"X": "cost"})

    def test_several_inputs(self) -> None:
        headers = [("A", "CPT"), ("B", "DOS")]
        require_headers(headers, {"A": "units", "B": "minutes"})
        assert mapped("A", extra={"A": "units", "B": "minutes"}, strict=False).columns == {"units": 0}
        with pytest.raises(MappingError, match="no header 'C'"):
            require_headers(headers, {"C": "units"})


class TestConstants:
    def test_stand_in_for_a_missing_column(self) -> None:
        result = mapped("CPT", constants={"billing_npi": "2718281829", "units": " "})
        assert result.constants == {"billing_npi": "2718281829"}
        assert "billing_npi" not in result.missing
        assert "units" in result.missing
        assert result.how["billing_npi"] == "constant '2718281829'"

    def test_values_of_identifiers_are_not_shown(self) -> None:
        assert "A1234" not in mapped("CPT", constants={"member_id": "A1234"}).how["member_id"]

    def test_unknown_column(self) -> None:
        with pytest.raises(MappingError, match=r"--set: .*did you mean 'billing_npi'"):
            mapped("CPT", constants={"biling_npi": "1"})


PROFESSIONAL = (
    "claim_number", "patient_dob", "payer_id", "member_id", "billing_npi", "service_date_from", "diagnosis_1",
    "units", "charge_amount", "place_of_service", "procedure_code",
)  # fmt: skip


class TestMissing:
    def test_nothing_there(self) -> None:
        assert mapped("Foo").missing == PROFESSIONAL

    def test_nothing_missing(self) -> None:
        assert mapped(*PROFESSIONAL).missing == ()

    @pytest.mark.parametrize("name", PROFESSIONAL)
    def test_each_one(self, name: str) -> None:
        assert mapped(*(column for column in PROFESSIONAL if column != name)).missing == (name,)

    def test_alternatives(self) -> None:
        result = mapped(*PROFESSIONAL[:2])
        assert result.alternatives == {"payer_id": "payer_name", "service_date_from": "statement_date_from"}
        swapped = {"payer_id": "payer_name", "service_date_from": "statement_date_from"}
        assert mapped(*(swapped.get(name, name) for name in PROFESSIONAL)).missing == ()

    def test_a_bill_type_makes_it_institutional(self) -> None:
        header = (*PROFESSIONAL[:-2], "bill_type_code")
        assert mapped(*header).missing == ("revenue_code",)
        assert mapped(*header, "revenue_code").missing == ()

    def test_session(self) -> None:
        rest = ("Session Date", "CPT", "ICD-10", "Fee", "Payer")
        assert mapped("Client", *rest, profile="session").missing == ()
        assert mapped("MRN", *rest, profile="session").missing == ()
        result = mapped("LName", *rest, profile="session")
        assert result.missing == ("patient_id",)
        assert result.alternatives["patient_id"] == "patient_last_name and patient_first_name"

    def test_status(self) -> None:
        assert mapped("ICN", profile="status").missing == ()
        assert mapped("claim_number", profile="status").missing == ()
        assert mapped("Patient Name", "DOB", "DOS", profile="status").missing == ()
        assert mapped("Patient Name", "DOB", profile="status").missing == ("claim_number",)

    def test_unknown_profile(self) -> None:
        with pytest.raises(MappingError, match="did you mean 'session'"):
            mapped("CPT", profile="sesion")

    def test_required_columns_hold_the_alternatives(self) -> None:
        assert {"payer_id", "payer_name", "revenue_code"} <= required_columns("professional")
        assert "revenue_code" not in required_columns("session")


class TestParsing:
    def test_map(self) -> None:
        assert parse_map(["A=units", "x = y=minutes", "Type="]) == {
            "A": "units",
            "x = y": "minutes",
            "Type": "",
        }

    @pytest.mark.parametrize("entry", ["units", "=units", ""])
    def test_map_without_two_sides(self, entry: str) -> None:
        with pytest.raises(MappingError, match="HEADER=COLUMN"):
            parse_map([entry])

    def test_map_that_contradicts_itself(self) -> None:
        with pytest.raises(MappingError, match="two columns"):
            parse_map(["A=units", "A=minutes"])

    def test_set(self) -> None:
        assert parse_set(["Units= 1", "billing_name=A=B"]) == {"units": "1", "billing_name": "A=B"}

    def test_set_without_a_value_does_not_repeat_what_was_typed_as_value(self) -> None:
        with pytest.raises(MappingError, match="has no value"):
            parse_set(["units"])


KNOWN = [text for column in claim.COLUMNS for text in (column.name, *column.synonyms, *column.fallbacks)]
ODD = [
    "",
    "Patient Name",
    "Policy Holder",
    "row_number",
    "error_codes",
    "x_foo",
    "Mod (2)",
    "column_3",
    "Proc\nCode",
]
ANY_HEADER = st.lists(
    st.one_of(st.text(max_size=12), st.sampled_from(KNOWN), st.sampled_from(ODD)), max_size=12
)
ANY_MAP = st.dictionaries(
    st.one_of(st.text(max_size=8), st.sampled_from(["CPT", "Mod (2)", "column_3", "Units"])),
    st.one_of(st.text(max_size=8), st.sampled_from(["", "units", "patient_name", "modifier_2"])),
    max_size=3,
)


@given(st.text())
def test_folding_is_idempotent(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(ANY_HEADER, ANY_MAP, ANY_MAP, ANY_MAP, st.booleans())
def test_arbitrary_headers_map_or_raise_a_mapping_error(
    header: list[str], extra: dict[str, str], constants: dict[str, str], house: dict[str, str], strict: bool
) -> None:
    try:
        result = map_headers(
            header, extra=extra, constants=constants, profile="professional", house=house, strict=strict
        )
    except MappingError as refused:
        message = str(refused)
        assert len(message.splitlines()) == 1
        return
    used = [*result.columns.values(), *result.ignored, *result.own_columns]
    used += [i for i in (result.patient_name_index, result.subscriber_name_index) if i is not None]
    assert sorted(used) == list(range(len(header)))  # nothing is lost, nothing is used twice
    assert list(result.x_names) == sorted(result.ignored)
    assert len(set(result.x_names.values())) == len(result.ignored)
    assert not set(result.missing) & set(result.how)


@given(ANY_HEADER, st.randoms())
def test_the_order_of_headers_does_not_matter(header: list[str], random: Any) -> None:
    unique = list({fold(text): text for text in header}.values())
    shuffled = unique.copy()
    random.shuffle(shuffled)
    try:
        expected = mapped(*unique)
    except MappingError:
        with pytest.raises(MappingError):
            mapped(*shuffled)
        return
    result = mapped(*shuffled)
    assert {c: shuffled[i] for c, i in result.columns.items()} == {
        c: unique[i] for c, i in expected.columns.items()
    }
    assert (result.missing, result.how) == (expected.missing, expected.how)
    assert sorted(result.ignored.values()) == sorted(expected.ignored.values())


def test_a_number_sign_stands_for_every_way_to_write_number() -> None:
    assert spellings("Claim #") == {"claimno", "claimnum", "claimnbr", "claimnumber"}
