"""Columns of notes and signatures, rare ones, and those of institutional claims."""

from __future__ import annotations

from typing import Final

from claimsctl.claim.column import SEQUENCE, Group

_SIGNED: Final = {"SOF": "Y", "SIGNATURE ON FILE": "Y"}


# fmt: off
# One column is one call, in few lines: the list is read as a table.
def _other() -> Group:
    g = Group("notes and signatures", "claim")
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
          segment="2320 SBR01", aliases=SEQUENCE, example="S")
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


def _rare() -> Group:
    g = Group("rare", "claim")
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


def _institutional() -> Group:
    g = Group("institutional", "claim")
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


OTHERS: Final = (_other(), _rare(), _institutional())
