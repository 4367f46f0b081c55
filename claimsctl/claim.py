"""The one list of claim columns: everything that knows a column by name reads it here.

Casts, header mapping, templates, masking, sealing and docs/columns.md all derive from `COLUMNS`.
Sources: CMS-1500 (02/12) boxes, UB-04 form locators (FL) and ASC X12N 005010X222A1/X223A2 segments.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal

ColumnType = Literal["text", "code", "date", "time", "integer", "decimal", "money"]
Level = Literal["line", "claim"]
PhiClass = Literal["identifier", "quasi", "none"]
Profile = Literal["professional", "session", "status"]

PROFILES: Final[tuple[Profile, ...]] = ("professional", "session", "status")
PATIENT_NAME: Final = "patient_name"
"""Pseudo column of one "Last, First" header; it is split and never reaches a rule."""
SUBSCRIBER_NAME: Final = "subscriber_name"


@dataclass(frozen=True, slots=True)
class Column:
    """One canonical column of a claim line.

    `code` is text that rules see stripped and upper-cased; `money` and `decimal` are exact numbers.
    `level` claim: the value repeats on every line of the claim. A `#` in a synonym also stands for
    No, Num, Nbr and Number. `fallbacks` are headers used only where no other header maps to the
    column. `is_list`: a cell may hold several values parted by semicolons. `value_aliases` maps
    upper-cased spellings to the code that rules see.
    """

    name: str
    type: ColumnType
    meaning: str
    group: str
    level: Level
    phi: PhiClass
    required: frozenset[str] = frozenset()
    synonyms: tuple[str, ...] = ()
    box: str = ""
    segment: str = ""
    example: str = ""
    max_length: int | None = None
    value_aliases: Mapping[str, str] = field(default_factory=dict, hash=False)
    fallbacks: tuple[str, ...] = ()
    is_list: bool = False

    @property
    def cell_type(self) -> ColumnType:
        """Type of a whole cell: a list of amounts or dates is text."""
        return "text" if self.is_list and self.type not in ("text", "code") else self.type


def _items(text: str) -> tuple[str, ...]:
    return tuple(item.strip() for item in text.split("|") if item.strip())


class _Group:
    """Columns of one group, in the order they are declared."""

    def __init__(self, name: str, level: Level) -> None:
        self.name = name
        self.level = level
        self.columns: list[Column] = []

    def add(
        self,
        name: str,
        kind: ColumnType,
        meaning: str,
        synonyms: str = "",
        *,
        example: str,
        box: str = "",
        segment: str = "",
        phi: PhiClass = "none",
        required: str = "",
        level: Level | None = None,
        max_length: int | None = None,
        aliases: Mapping[str, str] | None = None,
        fallbacks: str = "",
        is_list: bool = False,
    ) -> None:
        self.columns.append(
            Column(
                name=name,
                type=kind,
                meaning=meaning,
                group=self.name,
                level=level or self.level,
                phi=phi,
                required=frozenset(required.split()),
                synonyms=_items(synonyms),
                box=box,
                segment=segment,
                example=example,
                max_length=max_length,
                value_aliases=MappingProxyType(dict(aliases or {})),
                fallbacks=_items(fallbacks),
                is_list=is_list,
            )
        )


_SIGNED: Final = {"SOF": "Y", "SIGNATURE ON FILE": "Y"}
_SEX: Final = {"FEMALE": "F", "MALE": "M", "UNKNOWN": "U"}
_SEQUENCE: Final = {"1": "P", "PRIMARY": "P", "2": "S", "SECONDARY": "S", "3": "T", "TERTIARY": "T"}
_CLAIM_TYPE: Final = {
    **dict.fromkeys(("P", "PROF", "837P", "CMS-1500", "CMS1500", "HCFA", "HCFA-1500", "HCFA1500", "1500"),
                    "PROFESSIONAL"),
    **dict.fromkeys(("I", "INST", "837I", "UB-04", "UB04", "UB"), "INSTITUTIONAL"),
    **dict.fromkeys(("D", "837D", "ADA"), "DENTAL"),
}  # fmt: skip


# fmt: off
# One column is one call, in few lines: the list is read as a table.
def _practice() -> _Group:
    g = _Group("practice", "claim")
    g.add("practice_id", "text", "Practice the claim belongs to, as named in settings",
          "Practice | Location Code | Tenant", example="main-street")
    g.add("payer_claim_number", "text", "Number the payer gave the claim",
          "ICN | Payer ICN | FC number | Payer Claim # | Payer Claim ID | Payer Control #", phi="quasi",
          segment="277 2200D REF*1K", example="2026061500417")
    g.add("therapist_id", "text", "Therapist as the practice knows them; the roster gives rendering_npi",
          "Therapist | Clinician ID | Clinician | Therapist #", level="line", example="T-07")
    g.add("medicare_locality", "code", "Medicare contractor and payment locality, such as 01112/05",
          "Locality | MAC Locality", example="01112/05")
    return g


def _claim() -> _Group:
    g = _Group("claim", "claim")
    g.add("claim_number", "text", "Our number of the claim; the payer returns it in the 277CA and 835",
          "Claim # | Claim ID | Claim | PCN | Patient Control #", box="26", segment="2300 CLM01",
          phi="quasi", required="professional", max_length=20, example="C-2026-0417",
          fallbacks="Patient Acct | Patient Acct # | Acct # | Acct | Patient Account | Patient Account #"
                    " | Patient's Account # | Account # | Account | Pt Acct | Pt Acct #")
    g.add("line_number", "integer", "Number of the service line within the claim, from 1",
          "Line | Line # | Ln | Ln # | Svc Line | Service Line | Service Line # | Claim Line #",
          level="line", segment="2400 LX01", example="1")
    g.add("claim_type", "code", "Form of the claim: professional, institutional or dental",
          "Form Type | Type | Claim Form", aliases=_CLAIM_TYPE, example="professional")
    g.add("frequency_code", "code", "1 original, 7 replacement, 8 void",
          "Resub Code | Freq | Bill Freq | Resubmission Code | Claim Frequency | Claim Frequency Code"
          " | Freq Code", box="22", segment="2300 CLM05-3", example="1")
    g.add("original_claim_number", "text", "The payer's number of the claim that is replaced or voided",
          "DCN | Orig Ref # | Original Claim # | Orig Claim # | Original Ref # | Original Reference #",
          box="22", segment="2300 REF*F8", phi="quasi", max_length=50, example="2026040100088")
    g.add("prior_auth_number", "text", "Prior authorisation the payer gave",
          "Auth # | PA Number | Prior Auth | Prior Auth # | Authorization # | Authorization | Auth"
          " | Prior Authorization | Prior Authorization # | Auth Code", box="23", segment="2300 REF*G1",
          max_length=50, example="PA4471902")
    g.add("referral_number", "text", "Referral of the primary care physician",
          "Referral # | Referral ID", box="23", segment="2300 REF*9F", max_length=50, example="RF20931")
    g.add("clia_number", "code", "CLIA certificate of the laboratory that bills (99D9999999)",
          "CLIA | CLIA # | CLIA ID", box="23", segment="2300 REF*X4", example="05D0987654")
    g.add("reference_clia_number", "code", "CLIA certificate of the reference laboratory",
          "Ref Lab CLIA | Reference CLIA | Reference Lab CLIA", box="23", segment="2400 REF*F4",
          level="line", example="33D0123456")
    return g


def _patient() -> _Group:
    g = _Group("patient", "claim")
    g.add("patient_id", "text", "The practice's number of the patient",
          "MRN | Chart # | Chart | Pt ID | Person ID | Patient # | Medical Record # | Client ID | Client #",
          segment="2300 REF*EA", phi="identifier", max_length=50, example="MRN10442")
    g.add("patient_last_name", "text", "Last name of the person treated",
          "Pt Last | LName | Last Name | Pt Last Name | Pt LName | Patient Last | Patient LName"
          " | Member Last Name | Client Last Name | Patient Surname | Surname | Last", box="2",
          segment="2010CA/BA NM103", phi="identifier", required="professional", max_length=60,
          example="Rivera")
    g.add("patient_first_name", "text", "First name of the person treated",
          "FName | First Name | Pt First | Pt First Name | Pt FName | Patient First | Patient FName"
          " | Member First Name | Client First Name | Given Name | First", box="2",
          segment="2010CA/BA NM104", phi="identifier", required="professional", max_length=35,
          example="Elena")
    g.add("patient_dob", "date", "Birth date of the person treated",
          "DOB | Birth Date | Pt DOB | Date of Birth | Patient Birth Date | Patient Date of Birth | Birthday"
          " | Pt Birth Date | Member DOB | Member Birth Date | Client DOB",
          box="3", segment="2010CA/BA DMG02", phi="quasi", required="professional", example="1984-03-09")
    g.add("patient_sex", "code", "F female, M male, U unknown",
          "Sex | Gender | Pt Sex | Patient Gender | Pt Gender | Member Gender | Member Sex", box="3",
          segment="2010CA/BA DMG03", required="professional", aliases=_SEX, example="F")
    g.add("patient_ssn", "text", "Social security number of the person treated",
          "SSN | Social | SS# | SSN # | Social Security # | Patient SSN # | Pt SSN | SSN Patient",
          phi="identifier", example="745-38-2916")
    g.add("patient_address", "text", "Street address of the person treated",
          "Addr1 | Address | Address 1 | Address Line 1 | Addr | Street | Street Address | Pt Address"
          " | Patient Address 1 | Patient Street | Pt Addr", box="5", segment="2010CA/BA N301",
          phi="identifier", max_length=55, example="18 Alder Court")
    g.add("patient_city", "text", "City of the person treated", "City | Pt City", box="5",
          segment="2010CA/BA N401", phi="quasi", max_length=30, example="Sacramento")
    g.add("patient_state", "code", "State or province of the person treated", "ST | State | Pt State",
          box="5", segment="2010CA/BA N402", example="CA")
    g.add("patient_zip", "code", "ZIP or postal code of the person treated",
          "Zip | Postal Code | Zip Code | Pt Zip | Patient Zip Code | Patient Postal Code",
          box="5", segment="2010CA/BA N403", phi="quasi", example="95814")
    g.add("patient_country", "code", "Country of the person treated; blank is the United States",
          "Country | Pt Country", box="5", segment="2010CA/BA N404", example="US")
    g.add("patient_name_suffix", "text", "Suffix of the patient's name, such as Jr",
          "Suffix | Name Suffix | Pt Suffix | Patient Suffix", box="2", segment="2010CA/BA NM107",
          phi="identifier", example="Jr")
    g.add("patient_phone", "text", "Phone of the person treated",
          "Phone | Pt Phone | Patient Phone # | Phone # | Telephone | Home Phone | Cell Phone", box="5",
          segment="2010BA PER04", phi="identifier", example="916-555-0142")
    g.add("patient_death_date", "date", "Date of death of the person treated",
          "DOD | Death Date | Date of Death", segment="2000B/C PAT06", phi="quasi", example="2026-02-11")
    return g


def _subscriber() -> _Group:
    g = _Group("subscriber", "claim")
    g.add("relationship_code", "code",
          "Patient's relationship to the subscriber: 18 self, 01 spouse, 19 child",
          "Rel | Relationship | Pt Rel to Ins | Subscriber Relation | Patient Relationship | Rel Code"
          " | Relationship to Insured | Patient Relationship to Insured | Relation", box="6",
          segment="2000B SBR02, 2000C PAT01", required="professional",
          aliases={"SELF": "18", "SPOUSE": "01", "CHILD": "19", "OTHER": "G8"}, example="18")
    g.add("member_id", "text", "Subscriber's number at the payer, as on the card",
          "Subscriber ID | Policy # | Insured ID | Ins ID | Insurance ID | Member # | Policy ID | MBI"
          " | Insured's ID # | Insured ID # | Subscriber # | Medicare ID | Medicaid ID", box="1a",
          segment="2010BA NM109", phi="identifier", required="professional", max_length=80,
          example="W264518907")
    g.add("group_number", "text", "Number of the group or plan policy",
          "Group # | Grp # | Grp | Group ID | Policy Group #", box="11", segment="2000B SBR03",
          max_length=50, example="0078215")
    g.add("subscriber_last_name", "text", "Last name of the policy holder",
          "Subscriber Last | Insured Last Name | Insured Last | Sub Last Name | Policy Holder Last Name",
          box="4", segment="2010BA NM103", phi="identifier", max_length=60, example="Rivera")
    g.add("subscriber_first_name", "text", "First name of the policy holder",
          "Subscriber First | Insured First Name | Insured First | Sub First Name"
          " | Policy Holder First Name", box="4", segment="2010BA NM104", phi="identifier", max_length=35,
          example="Elena")
    g.add("subscriber_dob", "date", "Birth date of the policy holder",
          "Subscriber Birth Date | Insured DOB | Insured Birth Date | Sub DOB | Subscriber Date of Birth"
          " | Policy Holder DOB", box="11a", segment="2010BA DMG02", phi="quasi", example="1984-03-09")
    g.add("subscriber_sex", "code", "Sex of the policy holder: F, M or U",
          "Insured Sex | Subscriber Gender | Insured Gender | Sub Sex", box="11a", segment="2010BA DMG03",
          aliases=_SEX, example="F")
    return g


def _payer() -> _Group:
    g = _Group("payer", "claim")
    g.add("payer_id", "code", "Payer the claim goes to: an id or alias of the payer registry",
          "Payer Code | Ins Code | Carrier ID | Payor ID | Insurance Code | Carrier Code | Payer #"
          " | Payor Code | Insurance Company ID", segment="2010BB NM109",
          required="professional session", example="UHC")
    g.add("payer_name", "text", "Name of the payer",
          "Payer | Insurance | Carrier | Payor | Payor Name | Insurance Name | Ins Name | Carrier Name"
          " | Insurance Company | Ins Co | Primary Insurance | Primary Payer", box="11c",
          segment="2010BB NM103", max_length=60, example="UnitedHealthcare")
    g.add("claim_filing_code", "code", "Kind of coverage: MB Medicare B, MC Medicaid, CI commercial, ...",
          "Filing Ind | Ins Type | Filing Indicator | Claim Filing Indicator | Insurance Type | Filing Code"
          " | Claim Filing Ind", box="1", segment="2000B SBR09", example="CI")
    g.add("payer_sequence", "code", "This payer's place: P primary, S secondary, T tertiary",
          "Pri/Sec | COB Order | Payer Order | Payer Seq | Pri Sec Ter | COB Sequence",
          segment="2000B SBR01", aliases=_SEQUENCE, example="P")
    g.add("coverage_start_date", "date", "First day of the coverage",
          "Eff Date | Enrollment Start Date | Policy Eff Date | Coverage Effective Date | Effective Date"
          " | Coverage Start", phi="quasi", example="2026-01-01")
    g.add("coverage_end_date", "date", "Last day of the coverage; blank is open",
          "Term Date | Enrollment End Date | Termination Date | Policy Term Date | Coverage End",
          phi="quasi", example="2026-12-31")
    return g


def _provider() -> _Group:
    g = _Group("provider", "claim")
    g.add("billing_npi", "code", "NPI of the provider who is paid",
          "Group NPI | Bill NPI | Practice NPI | Billing Provider NPI | Billing NPI # | Org NPI", box="33a",
          segment="2010AA NM109", required="professional", example="2718281829")
    g.add("billing_name", "text", "Name of the provider who is paid",
          "Practice Name | Group | Billing Provider | Billing Provider Name | Bill Name", box="33",
          segment="2010AA NM103", max_length=60, example="Main Street Family Practice")
    g.add("billing_address", "text", "Street address of the provider who is paid; no PO box",
          "Billing Provider Address | Practice Address | Bill Address", box="33", segment="2010AA N301",
          max_length=55, example="400 Main Street")
    g.add("billing_city", "text", "City of the provider who is paid",
          "Billing Provider City | Practice City | Bill City", box="33", segment="2010AA N401",
          max_length=30, example="Sacramento")
    g.add("billing_state", "code", "State of the provider who is paid",
          "Billing Provider State | Practice State | Bill State", box="33", segment="2010AA N402",
          example="CA")
    g.add("billing_zip", "code", "ZIP of the provider who is paid, nine digits",
          "Billing Provider Zip | Practice Zip | Billing Zip Code | Bill Zip", box="33",
          segment="2010AA N403", example="958142201")
    g.add("billing_tax_id", "text", "Tax number of the payee: EIN or SSN, nine digits",
          "TIN | Tax ID | EIN | FEIN | Billing TIN | Provider TIN | Provider Tax ID | Tax ID # | Fed Tax ID"
          " | Federal Tax ID | Tax # | Group Tax ID", box="25", segment="2010AA REF*EI",
          required="professional", example="68-4410275")
    g.add("billing_tax_id_type", "code", "EI when billing_tax_id is an EIN, SY when it is an SSN",
          "SSN/EIN | Tax ID Type | TIN Type", box="25", segment="2010AA REF01",
          aliases={"EIN": "EI", "E": "EI", "SSN": "SY", "S": "SY"}, example="EI")
    g.add("billing_taxonomy", "code", "NUCC specialty code of the provider who is paid",
          "Taxonomy | Taxonomy Code | Billing Taxonomy Code | Group Taxonomy", box="33b",
          segment="2000A PRV03", example="207Q00000X")
    g.add("rendering_taxonomy", "code", "NUCC specialty code of the provider who did the service",
          "Specialty Code | Rendering Taxonomy Code | Provider Taxonomy | Provider Taxonomy Code",
          box="24I", segment="2310B PRV03", level="line", example="207Q00000X")
    g.add("rendering_npi", "code", "NPI of the provider who did the service",
          "Provider NPI | Render NPI | Dr NPI | Rendering Provider NPI | Rendering | Doctor NPI"
          " | Therapist NPI | Clinician NPI | Physician NPI | Servicing NPI", box="24J",
          segment="2310B/2420A NM109", level="line", example="2314159262")
    g.add("referring_npi", "code", "NPI of the provider who sent the patient",
          "Ref NPI | Referring | Referring Provider NPI | Referring NPI #", box="17b",
          segment="2310A NM1*DN", example="2141421356")
    g.add("ordering_npi", "code", "NPI of the provider who ordered the service",
          "Ordering | Ordering Provider NPI | Order NPI", box="17b", segment="2420E NM1*DK", level="line",
          example="2173205081")
    g.add("supervising_npi", "code", "NPI of the provider who oversaw the service",
          "Supervising | Supervising Provider NPI | Supervisor NPI", box="17b", segment="2310D NM1*DQ",
          example="2223606791")
    g.add("facility_npi", "code", "NPI of the place where the service was done",
          "Service Facility NPI | Location NPI | Facility Provider NPI", box="32a", segment="2310C NM109",
          example="2264575137")
    g.add("facility_name", "text", "Name of the place where the service was done",
          "Location | Service Facility | Facility | Service Facility Name | Location Name | Service Location",
          box="32", segment="2310C NM103", max_length=60, example="Riverbend Hospital")
    g.add("facility_address", "text", "Street address of the place where the service was done",
          "Service Facility Address | Location Address", box="32", segment="2310C N301", max_length=55,
          example="75 River Road")
    g.add("facility_zip", "code", "ZIP of the place where the service was done",
          "Service Facility Zip | Location Zip | Facility Zip Code", box="32", segment="2310C N403",
          example="958142207")
    return g


def _service() -> _Group:
    g = _Group("service", "line")
    g.add("place_of_service", "code", "Two-digit CMS place of service, such as 11 for an office",
          "POS | Place of Svc | Place of Service Code | POS Code", box="24B",
          segment="2300 CLM05-1, 2400 SV105", required="professional", example="11")
    g.add("service_date_from", "date", "First day of the service",
          "DOS | Svc Date | From Date | Session Date | Claim Line Start Date | Date of Service | Service Date"
          " | DOS From | Service From | From DOS | Service From Date | Visit Date | Appointment Date"
          " | Date From | Service Start Date | Encounter Date", box="24A", segment="2400 DTP*472",
          phi="quasi", required="professional session", example="2026-06-15", fallbacks="Date")
    g.add("service_date_to", "date", "Last day of the service; blank is the first day",
          "DOS To | Thru Date | Claim Line End Date | To Date | Service Thru | Service To | To DOS | DOS Thru"
          " | Service To Date | Through Date | Date To | Service End Date | Service Thru Date", box="24A",
          segment="2400 DTP*472", phi="quasi", example="2026-06-15")
    g.add("received_date", "date", "Day the payer received the claim, or it was filed",
          "Submit Date | Filed On | Date Received | Submission Date | Submitted Date | Date Filed"
          " | Date Submitted", level="claim", phi="quasi", example="2026-06-20")
    g.add("admission_date", "date", "Day of the hospital admission",
          "Admit | Admit Date | Date of Admission | Hospital Admit Date", level="claim", box="18",
          segment="2300 DTP*435", phi="quasi", example="2026-06-10")
    g.add("discharge_date", "date", "Day of the hospital discharge",
          "Disch | Disch Date | Date of Discharge | Hospital Discharge Date", level="claim", box="18",
          segment="2300 DTP*096", phi="quasi", example="2026-06-14")
    g.add("onset_date", "date", "Onset of the current illness",
          "Onset | Date of Onset | Date of Current Illness | Illness Date", level="claim", box="14",
          segment="2300 DTP*431", phi="quasi", example="2026-06-01")
    g.add("accident_date", "date", "Day of the accident",
          "Injury Date | Date of Accident | Date of Injury | DOI", level="claim", box="14",
          segment="2300 DTP*439", phi="quasi", example="2026-05-28")
    g.add("lmp_date", "date", "First day of the last menstrual period",
          "LMP | Last Menstrual Period", level="claim", box="14", segment="2300 DTP*484", phi="quasi",
          example="2026-01-12")
    g.add("initial_treatment_date", "date", "First treatment of this episode",
          "First Tx | Initial Treatment | First Treatment Date | First Tx Date", level="claim", box="14",
          segment="2300 DTP*454", phi="quasi", example="2026-05-04")
    g.add("last_seen_date", "date", "Last visit to the attending or supervising physician",
          "Last Seen | Date Last Seen | Last Visit Date", level="claim", box="19", segment="2300 DTP*304",
          phi="quasi", example="2026-05-20")
    g.add("related_cause_code", "code", "AA auto accident, EM employment, OA other accident",
          "Accident | Related Cause | Accident Type | Related Causes", level="claim", box="10",
          segment="2300 CLM11", example="AA")
    g.add("accident_state", "code", "State of the auto accident", "Auto State | Auto Accident State",
          level="claim", box="10b", segment="2300 CLM11-4", example="CA")
    g.add("procedure_code", "code", "CPT or HCPCS code of the service",
          "CPT | HCPCS | Proc Code | Service Code | HCPCS Code | CPT Code | Procedure | Proc | CPT/HCPCS"
          " | CPT4 | Svc Code | CPT/HCPCS Code | Proc CD | Procedure CD", box="24D",
          segment="2400 SV101-2", required="professional session", example="99213")
    for n in range(1, 5):
        bare = "Mod | Modifier | Modifiers | " if n == 1 else ""
        g.add(f"modifier_{n}", "code", f"Modifier {n} of the procedure code",
              f"{bare}Mod{n} | M{n} | HCPCS Modifier {n} | Modifier Code {n} | CPT Mod {n}"
              f" | CPT Modifier {n} | Proc Mod {n}", box="24D", segment=f"2400 SV101-{n + 2}",
              example=("25", "59", "LT", "GT")[n - 1])
    return g


def _diagnosis() -> _Group:
    g = _Group("diagnosis", "claim")
    examples = ("I10", "E11.9", "E78.5", "M54.50", "F41.1", "J45.909", "K21.9", "Z79.899", "G47.33",
                "N39.0", "R51.9", "Z00.00")
    first = ("Dx | Diagnosis | Diagnosis Code | ICD | ICD10 | ICD Code | ICD-10 Code | ICD-10-CM | Diag"
             " | Diag Code | Dx Code | Primary Diagnosis | Principal Diagnosis | Primary Dx | ")
    for n, example in enumerate(examples, start=1):
        # "ICD 10" is the code set, so the tenth diagnosis has no such synonym.
        icd = "" if n == 10 else f" | ICD {n}"
        g.add(f"diagnosis_{n}", "code",
              "First-listed (principal) ICD-10-CM code" if n == 1 else f"ICD-10-CM code {n} of the claim",
              f"{first if n == 1 else ''}Dx{n} | Diag {n} | Diagnosis Code {n} | ICD10 {n} | ICD-10-CM {n}"
              f" | Dx Code {n} | Diag Code {n}{icd}", box=f"21{'ABCDEFGHIJKL'[n - 1]}",
              segment=f"2300 HI{n:02d}-2", required="professional session" if n == 1 else "",
              example=example)
    g.add("diagnosis_pointers", "code", "Diagnoses this line points to, such as A,B or 1:2",
          "Ptr | Dx Ptr | Diag Ref | Diagnosis Pointer | Diag Ptr | Pointer | Pointers | Dx Pointer"
          " | Dx Pointers | Diag Pointer", level="line", box="24E", segment="2400 SV107", example="A,B")
    return g


def _financial() -> _Group:
    g = _Group("financial", "line")
    g.add("units", "decimal", "Units of service",
          "Qty | Unit | Days/Units | Service Unit Quantity | Quantity | Service Units | Days or Units"
          " | Units of Service | Svc Units", box="24G", segment="2400 SV104", required="professional",
          example="1")
    g.add("unit_type", "code", "UN units, MJ minutes", "UOM | Unit of Measure | Units Type",
          segment="2400 SV103",
          aliases={"UNIT": "UN", "UNITS": "UN", "MIN": "MJ", "MINUTES": "MJ"}, example="UN")
    g.add("minutes", "integer", "Minutes of service",
          "Time | Duration | Mins | Session Length | Session Minutes"
          " | Duration Minutes | Duration Min | Min", segment="2400 SV104", example="45")
    g.add("charge_amount", "money", "Amount billed for the line",
          "Billed | Charge Amt | Fee | Amount | Total | Charge | Charges | Billed Amount | Billed Charges"
          " | Charged Amount | Line Charge | Billed Amt | Session Fee", box="24F",
          segment="2400 SV102", required="professional session", example="145.00")
    g.add("claim_charge_amount", "money", "Amount billed for the whole claim",
          "Total Charge | Claim Total | Total Charges | Total Billed | Claim Charge | Total Claim Charge",
          level="claim", box="28", segment="2300 CLM02", example="145.00")
    g.add("copay_amount", "money", "Copay the patient paid or owes",
          "Copay | Copay Collected | Copayment Amount | Copayment | Copay Amt", example="25.00")
    g.add("patient_paid_amount", "money", "Amount the patient has paid on the claim",
          "Pt Paid | Patient Paid | Patient Payment | Amount Paid by Patient", level="claim", box="29",
          segment="2300 AMT*F5", example="25.00")
    g.add("allowed_amount", "money", "Contract price of the line, from the remittance",
          "Allowed | Allowed Amt", segment="835 AMT*B6", example="98.50")
    g.add("paid_amount", "money", "Amount the payer paid for the line",
          "Ins Paid | Pmt | Paid | Insurance Paid | Plan Paid | Paid Amt | Payer Paid | Payment Amount",
          segment="835 SVC03", example="73.50")
    g.add("coinsurance_amount", "money", "Coinsurance the patient owes",
          "Coins | Coinsurance | Coinsurance Amt",
          segment="835 CAS*PR*2", example="0.00")
    g.add("deductible_amount", "money", "Deductible the patient owes", "Ded | Deductible | Deductible Amt",
          segment="835 CAS*PR*1", example="0.00")
    return g


def _coordination() -> _Group:
    g = _Group("coordination of benefits", "claim")
    g.add("other_payer_id", "code", "The other payer of the patient",
          "Sec Payer | Other Payer | Secondary Payer ID"
          " | Other Payer Code | Other Insurance ID", box="9", segment="2330B NM109", example="MEDICARE")
    g.add("other_payer_paid_amount", "money", "Amount the other payer paid for the line",
          "Pri Paid | Primary Paid | Other Payer Paid | Primary Paid Amount | Other Ins Paid", level="line",
          segment="2430 SVD02", example="60.00")
    g.add("other_payer_adjudication_date", "date", "Day the other payer decided",
          "EOB Date | Adjudication Date | Primary EOB Date | Other Payer Paid Date", phi="quasi",
          segment="2430 DTP*573", example="2026-06-18")
    g.add("adjustment_group_code", "code", "Group of each adjustment: CO, CR, OA, PI, PR",
          "Adj Code | Adj Group | Adjustment Group | CAS Group", level="line", is_list=True,
          segment="2430 CAS01", example="CO")
    g.add("adjustment_reason_code", "code", "Reason (CARC) of each adjustment",
          "CARC | Adj Reason | Adjustment Reason | Adj Reason Code | Reason Code", level="line", is_list=True,
          segment="2430 CAS02", example="45")
    g.add("adjustment_amount", "money", "Amount of each adjustment",
          "W/O | Adj Amt | Adjustment | Adj Amount | Write Off | Write Off Amount", level="line",
          is_list=True,
          segment="2430 CAS03", example="46.50")
    g.add("msp_type_code", "code", "Why Medicare is secondary, such as 12 working aged",
          "MSP | MSP Type | MSP Code", segment="2000B SBR05", example="12")
    g.add("delay_reason_code", "code", "Why the claim is late", "Delay Reason", segment="2300 CLM20",
          example="7")
    return g


def _drug() -> _Group:
    g = _Group("drug", "line")
    g.add("ndc_code", "code", "National drug code, 11 digits", "NDC | NDC # | Drug Code", box="24 shaded",
          segment="2410 LIN03", example="00093721410")
    g.add("ndc_quantity", "decimal", "Amount of the drug in ndc_unit", "NDC Qty | NDC Units | Drug Quantity",
          box="24 shaded", segment="2410 CTP04", example="10")
    g.add("ndc_unit", "code", "Unit of ndc_quantity: F2, GR, ME, ML or UN", "NDC UOM | NDC Unit of Measure"
          " | NDC Unit Type", box="24 shaded", segment="2410 CTP05", example="ML")
    return g


def _other() -> _Group:
    g = _Group("notes and signatures", "claim")
    g.add("line_note", "text", "Free note or description of the line",
          "Note | Description | Notes | Line Notes | Service Description", level="line", box="19",
          segment="2400 NTE, SV101-7", phi="identifier", max_length=80, example="Left knee, second visit")
    g.add("accept_assignment_code", "code", "A assigned, B laboratory only, C not assigned",
          "Assignment | Accept Assignment | Assignment Code", box="27", segment="2300 CLM07",
          aliases={"Y": "A", "YES": "A", "TRUE": "A", "N": "C", "NO": "C", "FALSE": "C"}, example="A")
    g.add("benefits_assignment_code", "code",
          "Y benefits go to the provider, N they do not, W not applicable",
          "Assignment of Benefits | AOB | Benefits Assignment", box="13", segment="2300 CLM08",
          aliases=_SIGNED, example="Y")
    g.add("release_of_info_code", "code", "Y signed release of information, I informed consent",
          "Release of Info | ROI | Release of Information", box="12", segment="2300 CLM09", aliases=_SIGNED,
          example="Y")
    g.add("provider_signature_code", "code", "Y when the provider's signature is on file",
          "SOF | Signature on File | Provider Signature", box="31", segment="2300 CLM06", aliases=_SIGNED,
          example="Y")
    g.add("other_member_id", "text", "Subscriber's number at the other payer",
          "Other Insured ID | Secondary Member ID | Other Policy # | Secondary Policy #", box="9a",
          segment="2330A NM109", phi="identifier", example="1EG4TE5MK73")
    g.add("other_payer_sequence", "code", "The other payer's place: P, S or T", "Other Payer Order",
          segment="2320 SBR01", aliases=_SEQUENCE, example="S")
    g.add("patient_responsibility_amount", "money", "Amount the patient owes for the line",
          "Pt Resp | Patient Resp | Patient Responsibility | Patient Resp Amount", level="line",
          segment="2430 CAS*PR", example="25.00")
    g.add("session_start_time", "time", "Time the session began", "Start | Start Time | Time In",
          level="line",
          example="14:00")
    g.add("session_end_time", "time", "Time the session ended", "End | End Time | Time Out", level="line",
          example="14:53")
    g.add("practice_type", "code", "Kind of practice; THERAPY turns the therapy rules on", "Practice Kind",
          example="therapy")
    g.add("diagnosis_code_type", "code", "Code set of the diagnoses: 0 or ABK is ICD-10-CM",
          "ICD Ind | ICD Indicator | ICD Version", box="21", segment="2300 HI01-1", example="0")
    return g


def _rare() -> _Group:
    g = _Group("rare", "claim")
    g.add("property_casualty_claim_number", "text",
          "Claim number of the workers' compensation or auto insurer",
          "Property Casualty Claim # | P&C Claim # | WC Claim #", box="11b", segment="2010BA REF*Y4",
          phi="quasi", max_length=50, example="WC-77120")
    g.add("clinical_trial_number", "code", "Clinical trial (NCT) number", "Clinical Trial # | NCT # | NCT",
          box="19", segment="2300 REF*P4", example="NCT01234567")
    g.add("mammography_certificate", "code", "FDA certificate of the mammography facility",
          "Mammography Certificate # | Mammography Cert # | Mammo Cert", box="32", segment="2300 REF*EW",
          example="234567")
    g.add("purchased_service_npi", "code", "NPI of the provider a service was bought from",
          "Purchased Service Provider NPI", level="line", box="32", segment="2400 PS101",
          example="2244948974")
    g.add("pickup_zip", "code", "ZIP where the ambulance picked the patient up",
          "Pick Up Zip | Pickup Zip Code"
          " | Ambulance Pickup Zip", box="32", segment="2310E N403", phi="quasi", example="95814")
    g.add("dropoff_address", "text", "Street address where the ambulance brought the patient",
          "Drop Off Address | Ambulance Dropoff Address", box="32", segment="2310F N301", phi="identifier",
          max_length=55, example="75 River Road")
    return g


def _institutional() -> _Group:
    g = _Group("institutional", "claim")
    g.add("bill_type_code", "code", "UB-04 type of bill, such as 0131",
          "Bill Type | Type of Bill | TOB | Bill Type CD", box="FL 4", segment="2300 CLM05-1, -3",
          example="0131")
    g.add("revenue_code", "code", "UB-04 revenue code of the line",
          "Revenue Center Code | Rev Code | Revenue CD | Rev CD | Rev", level="line", box="FL 42",
          segment="2400 SV201", example="0510")
    g.add("statement_date_from", "date", "First day the claim covers",
          "Claim Start Date | Statement From | Statement From Date | Stmt From | Statement Covers From",
          box="FL 6", segment="2300 DTP*434", phi="quasi", example="2026-06-10")
    g.add("statement_date_to", "date", "Last day the claim covers",
          "Claim End Date | Statement To | Statement Thru | Statement To Date | Stmt Thru | Stmt To"
          " | Statement Through Date | Statement Covers Through", box="FL 6", segment="2300 DTP*434",
          phi="quasi", example="2026-06-14")
    g.add("admission_type_code", "code", "Priority of the admission: 1-5 or 9", "Admit Type Code | Admit Type"
          " | Admission Type", box="FL 14", segment="2300 CL101", example="3")
    g.add("admission_source_code", "code", "Point of origin of the admission",
          "Admit Source Code | Admit Source"
          " | Admission Source | Point of Origin", box="FL 15", segment="2300 CL102", example="1")
    g.add("patient_status_code", "code", "Discharge status, such as 01 home",
          "Discharge Disposition Code | Discharge Status | Patient Status | Discharge Disposition"
          " | Discharge Status Code", box="FL 17", segment="2300 CL103", example="01")
    g.add("discharge_hour", "code", "Hour of the discharge, 00 to 23", "Disch Hour | DHR", box="FL 16",
          segment="2300 DTP*096", example="14")
    g.add("attending_npi", "code", "NPI of the physician in charge of the stay",
          "Attending | Attending Provider NPI | Attending Physician NPI", box="FL 76", segment="2310A NM1*71",
          example="2236067973")
    for n in range(1, 26):
        g.add(f"poa_{n}", "code", f"Whether diagnosis {n} was present on admission: Y, N, U, W or blank",
              f"{'POA | Present on Admission | ' if n == 1 else ''}Diagnosis POA {n} | Dx POA {n}"
              f" | POA Code {n} | Present on Admission {n}", box="FL 67",
          segment=f"2300 HI{(n - 1) % 12 + 1:02d}-9",
              example="Y")
    g.add("drg_code", "code", "Diagnosis related group of the stay", "DRG | MS-DRG | MS DRG Code",
          box="FL 71",
          segment="2300 HI*DR", example="470")
    g.add("value_code", "code", "Value codes", "Value Codes", is_list=True, box="FL 39-41",
          segment="2300 HI*BE",
          example="01;A2")
    g.add("value_amount", "money", "Amounts of the value codes", "Value Amounts | Value Code Amount",
          is_list=True,
          box="FL 39-41", segment="2300 HI*BE", example="120.00;35.00")
    g.add("occurrence_code", "code", "Occurrence and occurrence span codes", "Occurrence Codes | Occ Code",
          is_list=True, box="FL 31-36", segment="2300 HI*BH, BI", example="11")
    g.add("occurrence_date", "date", "Dates of the occurrence codes", "Occurrence Dates | Occ Date",
          is_list=True,
          box="FL 31-36", segment="2300 HI*BH, BI", phi="quasi", example="2026-06-08")
    g.add("condition_code", "code", "Condition codes", "Condition Codes | Cond Code", is_list=True,
          box="FL 18-28", segment="2300 HI*BG", example="C1")
    g.add("principal_procedure_code", "code", "ICD-10-PCS code of the principal procedure",
          "Principal Procedure | ICD-10-PCS | ICD Procedure Code | Principal Proc Code", box="FL 74",
          segment="2300 HI*BBR", example="0SRD0J9")
    g.add("principal_procedure_date", "date", "Day of the principal procedure",
          "Principal Proc Date | ICD Procedure Date", box="FL 74", segment="2300 HI*BBR", phi="quasi",
          example="2026-06-11")
    return g

# fmt: on


COLUMNS: Final[tuple[Column, ...]] = tuple(
    column
    for group in (
        _practice(), _claim(), _patient(), _subscriber(), _payer(), _provider(), _service(), _diagnosis(),
        _financial(), _coordination(), _drug(), _other(), _rare(), _institutional(),
    )
    for column in group.columns
)  # fmt: skip
"""Every canonical column, once, in the order of docs/columns.md and of accepted files."""

BY_NAME: Final[Mapping[str, Column]] = MappingProxyType({column.name: column for column in COLUMNS})

PATIENT_NAME_SYNONYMS: Final = (
    "Patient Name", "Pt Name", "Client Name", "Member Name", "Patient Full Name", "Patient's Name",
    "Name of Patient",
)  # fmt: skip
PATIENT_NAME_FALLBACKS: Final = ("Patient", "Client", "Name")
SUBSCRIBER_NAME_SYNONYMS: Final = (
    "Insured Name", "Policy Holder", "Subscriber Name", "Insured's Name", "Policy Holder Name", "Subscriber",
)  # fmt: skip
INSURANCE_ID_SYNONYMS: Final = ("Ins ID", "Insurance ID")
"""Headers of `member_id` that some practices fill with the payer's code (as in INS001)."""

Requirement = tuple[tuple[str, ...], ...]
"""Alternatives of which one must be there; an alternative is the columns it needs together."""


def _any(*alternatives: str) -> Requirement:
    return tuple(tuple(alternative.split()) for alternative in alternatives)


REQUIRED_TO_RUN: Final[Mapping[str, tuple[Requirement, ...]]] = MappingProxyType({
    "professional": (
        _any("claim_number"), _any("patient_dob"), _any("payer_id", "payer_name"), _any("member_id"),
        _any("billing_npi"), _any("service_date_from", "statement_date_from"), _any("diagnosis_1"),
        _any("units"), _any("charge_amount"), _any("place_of_service"), _any("procedure_code"),
    ),
    "session": (
        _any("patient_id", "patient_last_name patient_first_name"), _any("service_date_from"),
        _any("procedure_code"), _any("diagnosis_1"), _any("charge_amount"), _any("payer_id", "payer_name"),
    ),
    "status": (
        _any("claim_number", "payer_claim_number",
             "patient_last_name patient_first_name patient_dob service_date_from"),
    ),
})  # fmt: skip
"""What a file must bring for a profile (FILE-001); narrower than `Column.required`."""

INSTITUTIONAL_INSTEAD: Final[Mapping[str, str]] = MappingProxyType(
    {"place_of_service": "bill_type_code", "procedure_code": "revenue_code"}
)
"""Professional requirement -> what stands in its place when the file has a bill_type_code column."""


def columns_where(
    *, phi: PhiClass | None = None, kind: ColumnType | None = None, level: Level | None = None
) -> tuple[str, ...]:
    """Names of the columns with the given class, type and level, in canonical order."""
    return tuple(
        column.name
        for column in COLUMNS
        if (phi is None or column.phi == phi)
        and (kind is None or column.type == kind)
        and (level is None or column.level == level)
    )
