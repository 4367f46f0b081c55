"""Columns of who is on a claim: practice, claim itself, patient, subscriber, payer, providers."""

from __future__ import annotations

from typing import Final

from claimsctl.claim.column import SEQUENCE, Group

_SEX: Final = {"FEMALE": "F", "MALE": "M", "UNKNOWN": "U"}
_CLAIM_TYPE: Final = {
    **dict.fromkeys(("P", "PROF", "837P", "CMS-1500", "CMS1500", "HCFA", "HCFA-1500", "HCFA1500", "1500"),
                    "PROFESSIONAL"),
    **dict.fromkeys(("I", "INST", "837I", "UB-04", "UB04", "UB"), "INSTITUTIONAL"),
    **dict.fromkeys(("D", "837D", "ADA"), "DENTAL"),
}  # fmt: skip


# fmt: off
# One column is one call, in few lines: the list is read as a table.
def _practice() -> Group:
    g = Group("practice", "claim")
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


def _claim() -> Group:
    g = Group("claim", "claim")
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


def _patient() -> Group:
    g = Group("patient", "claim")
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


def _subscriber() -> Group:
    g = Group("subscriber", "claim")
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


def _payer() -> Group:
    g = Group("payer", "claim")
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
          segment="2000B SBR01", aliases=SEQUENCE, example="P")
    g.add("coverage_start_date", "date", "First day of the coverage",
          "Eff Date | Enrollment Start Date | Policy Eff Date | Coverage Effective Date | Effective Date"
          " | Coverage Start", phi="quasi", example="2026-01-01")
    g.add("coverage_end_date", "date", "Last day of the coverage; blank is open",
          "Term Date | Enrollment End Date | Termination Date | Policy Term Date | Coverage End",
          phi="quasi", example="2026-12-31")
    return g


def _provider() -> Group:
    g = Group("provider", "claim")
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

# fmt: on


PARTIES: Final = (_practice(), _claim(), _patient(), _subscriber(), _payer(), _provider())
