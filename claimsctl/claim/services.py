"""Columns of what was done and what it costs: service, diagnoses, money, other payers, drugs."""

from __future__ import annotations

from typing import Final

from claimsctl.claim.column import Group


# fmt: off
# One column is one call, in few lines: the list is read as a table.
def _service() -> Group:
    g = Group("service", "line")
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


def _diagnosis() -> Group:
    g = Group("diagnosis", "claim")
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


def _financial() -> Group:
    g = Group("financial", "line")
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


def _coordination() -> Group:
    g = Group("coordination of benefits", "claim")
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


def _drug() -> Group:
    g = Group("drug", "line")
    g.add("ndc_code", "code", "National drug code, 11 digits", "NDC | NDC # | Drug Code", box="24 shaded",
          segment="2410 LIN03", example="00093721410")
    g.add("ndc_quantity", "decimal", "Amount of the drug in ndc_unit", "NDC Qty | NDC Units | Drug Quantity",
          box="24 shaded", segment="2410 CTP04", example="10")
    g.add("ndc_unit", "code", "Unit of ndc_quantity: F2, GR, ME, ML or UN", "NDC UOM | NDC Unit of Measure"
          " | NDC Unit Type", box="24 shaded", segment="2410 CTP05", example="ML")
    return g

# fmt: on


SERVICES: Final = (_service(), _diagnosis(), _financial(), _coordination(), _drug())
