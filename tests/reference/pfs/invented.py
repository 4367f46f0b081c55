"""Small invented files in the shape of those of the Medicare physician fee schedule."""

from __future__ import annotations

# --- relative values

DESCRIPTOR = "Licensed words"
PLAIN = {"modifier": "", "status": "A", "work": "0.00", "pe": "0.00", "pe_na": "", "facility": "0.00"}
PLAIN |= {"facility_na": "", "mp": "0.00", "days": "000", "pricing": "9", "base": "", "supervision": "09"}
PLAIN |= {"opps": "0.00", "words": DESCRIPTOR}
RECORDS = [
    PLAIN | {"code": "00100", "status": "J", "days": "XXX"},
    PLAIN | {"code": "45378", "work": "3.26", "pe": "6.44", "facility": "1.79", "mp": ".44"},
    PLAIN | {"code": "45378", "modifier": "53", "work": "1.63", "base": "44388", "supervision": "6A"},
    PLAIN | {"code": "76145", "pe": "29.03", "facility": "29.03", "facility_na": "NA", "opps": "0.0125"},
    PLAIN | {"code": "A4100", "pe": "", "pe_na": "NA", "facility": "3.81", "pricing": "1", "days": "090"},
]
HEADER = (
    "HCPCS,MOD,DESCRIPTION,CODE,PAYMENT,RVU,PE RVU,INDICATOR,PE RVU,INDICATOR,RVU,TOTAL,TOTAL,IND,DAYS,OP,OP,"
    "OP,PROC,SURG,SURG,SURG,SURG,IND,BASE,FACTOR,PROCEDURES,FLAG,INDICATOR,AMOUNT,AMOUNT,AMOUNT\n"
)


def pprrvu_csv(
    records: list[dict[str, str]] = RECORDS,
    *,
    year: int = 2026,
    title: str = "2026 National Physician Fee Schedule Relative Value File July Release",
    released: str = "06/30/2026",
) -> str:
    rest = "," * 29
    text = f",,{title}{rest}\n,,CPT codes are copyright 2024 AMA.  ,{rest}\n,, ,{rest}\n"
    text += f",,RELEASED {released}{rest}\n,,,STATUS,MEDICARE ,WORK,NON-FAC,NA,FACILITY ,NA{rest}\n"
    text += HEADER if year >= 2026 else HEADER.replace("SURG,IND,BASE", "SURG,BASE")
    for r in records:
        pricing = f"{r['pricing']}," if year >= 2026 else ""
        text += (
            f"{r['code']},{r['modifier']},{r['words']},{r['status']},+,{r['work']},{r['pe']},{r['pe_na']},"
        )
        text += (
            f"{r['facility']},{r['facility_na']},{r['mp']},9.99,9.99,3,{r['days']},0.10,0.80,0.11,2,0,1,0,9,"
        )
        text += f"{pricing}{r['base']},33.4009,{r['supervision']},0,99,{r['opps']},{r['opps']},{r['opps']}\n"
    return text


def pprrvu_text(records: list[dict[str, str]] = RECORDS, *, year: int = 2026) -> str:
    text = "HDR CPT CODES AND DESCRIPTIONS ONLY ARE COPYRIGHT \nHDR 2026 AMERICAN MEDICAL ASSOCIATION.  \n"
    for r in records:
        pricing = r["pricing"] if year >= 2026 else " "
        text += f"{r['code']}{r['modifier']:2}{r['words']:50}{r['status']} {r['work']:>6} {r['pe']:>6}"
        text += f"{r['pe_na']:2} {r['facility']:>6}{r['facility_na']:2} {r['mp']:>5}   9.99  9.993{r['days']}"
        text += f".10.80.1120109{pricing}      {r['base']:5} 33.4009 {r['supervision']}0 99    "
        text += f"{r['opps']:>6} {r['opps']:>6} {r['opps']:>6}\n"
    return text


# --- indices

GPCI_TITLE = (
    "ADDENDUM E. FINAL CY 2025 GEOGRAPHIC PRACTICE COST INDICES (GPCIs) BY STATE AND MEDICARE LOCALITY"
)
GPCI_2025 = (
    f"{GPCI_TITLE},,,,,,\n,,,,,,\nMedicare Administrative Contractor (MAC),State,Locality Number,"
    "Locality Name,2025 PW GPCI (with 1.0 Floor),2025 PE GPCI,2025 MP GPCI\n"
    "10112,AL,00,ALABAMA,1,0.869,0.575\n2102,AK,1,ALASKA*,1.5,1.081,0.592\n"
    "01112,CA,05,SAN FRANCISCO,1.094,1.419,0.445\n01182,CA,17,VENTURA,1.022,1.221,0.77\n"
    "03602,WY,21,WYOMING**,1,1,0.739\n"
    '"MAC Assignments as of November 22, 2023",,,,,,\n,,,,,,\n'
    "**PE GPCI reflects a 1.0 floor for frontier states established by the ACA.,,,,,,\n"
)
GPCI_2026 = (
    GPCI_2025.replace("2025 PW GPCI (with", "2026 PW GPCI (without 1.0 Floor),2026 PW GPCI (with")
    .replace(",,,,,,", ",,,,,,,")
    .replace("1,0.869", "0.988,1.000,0.869")
    .replace("1.5,1.081", "1.5,1.5,1.081")
    .replace("1.094,", "1.094,1.094,")
    .replace("1.022,", "1.022,1.022,")
    .replace("WYOMING**,1,", "WYOMING**,0.991,1,")
)


def gpci_text(csv: str) -> str:
    text = f"{GPCI_TITLE}\n\nMedicare Admi State  Locality    Locality Name   "
    text += "2025 PW GPCI2025 PE GPCI2025 MP GPCI\n"
    for line in csv.splitlines():
        if line[:1].isdigit():
            contractor, state, number, name, *indices = line.split(",")
            text += f"{contractor:0>5}           {state}      {number:0>2}   {name:92}"
            text += "".join(f"{index:5}       " for index in indices).rstrip() + "\n"
    return text + "MAC Assignments as of November 22, 2023\n\n**PE GPCI reflects a 1.0 floor.\n\n"


# --- counties

COUNTIES = (
    "COUNTIES INCLUDED IN 2025 LOCALITIES. (ALPHABETICALLY BY STATE),,,,\n,,,,\n"
    "Medicare Adminstrative Contractor,Locality Number,State ,Fee Schedule Area ,Counties\n,,,,\n"
    "7102,13,ARKANSAS ,STATEWIDE ,ALL COUNTIES \n,,,,\n"
    "1182,18,CALIFORNIA,LOS ANGELES (LOS ANGELES CNTY),LOS ANGELES /ORAGNGE CNTY\n"
    '1112,62,,RIVERSIDE,"SAN BERNARDINO, RIVERSIDE"\n1112,75, ,REST OF STATE*,ALL OTHER COUNTIES\n , , , , \n'
    "5302,2,MISSOURI ,METROPOLITAN KANSAS CITY,CLAY\u00a0\n5302,99,,REST OF STATE* ,ALL OTHER COUNTIES \n"
    "5302,99,,REST OF STATE*,ALL OTHER COUNTIES \n,,,,\n"
    "*  Payment locality is serviced by two carriers.,,,,\n"
)


def counties_text() -> str:
    rows = [
        ("07102", "13", "ARKANSAS", "STATEWIDE", "ALL COUNTIES"),
        (),
        ("01182", "18", "", "LOS ANGELES (LOS ANGELES CNTY/ORANG CNTY)", "LOS ANGELES/ORANGE"),
        ("01112", "75", "", "REST OF STATE*", "ALL OTHER COUNTIES"),
        (),
        ("05302", "02", "MISSOURI", "METROPOLITAN KANSAS CITY", "CLAY"),
        ("05302", "99", "", "REST OF STATE*", "ALL OTHER COUNTIES"),
    ]
    lines = ["    {:12}{:6}{:23}{:98}{}".format(*row) if row else "" for row in rows]
    head = "COUNTIES INCLUDED IN 2025 LOCALITIES. (ALPHABETICALLY)\n\n"
    head += "Medicare AdmiLocality         State            Fee Schedule Area              Counties\n\n"
    return head + "\n".join(lines) + "\n\n\n*  Payment locality is serviced by two carriers.\n"


# --- anesthesia

ANES_CSV = (
    "Contractor,Locality,Locality Name,National Anes CF of 20.3178\n10112 ,00 ,ALABAMA,19.31 \n"
    "2102 ,1 ,ALASKA*,27.86 \n01182 ,18 ,LOS ANGELES (LOS ANGELES/ORANGE CNTY),21.22 \n,,,\n"
)
ANES_TEXT = "".join(
    f"{contractor}       {number}    {name:40}               {cents}\n"
    for contractor, number, name, cents in [
        ("10112", "00", "ALABAMA", "1931"),
        ("02102", "01", "ALASKA", "2786"),
        ("01182", "18", "LOS ANGELES-LONG BEACH-ANAHEIM (LOS ANGE", "2122"),
    ]
)


# --- OPPS cap

CAP_CSV = (
    "HCPCS,MOD,PROCSTAT,CARRIER,LOCALITY,FACILITY PRICE,NON-FACILTY PRICE\n0633T,TC,C,01112,05,150.69,150.7\n"
    "0633T,TC,C,01112,17,125.72,125.72\n0633T,TC,C,01182,17,125.72,125.72\n70336,,A,15202,00,1093.37,97.07\n,,,,,,\n"
)
CAP_TEXT = (
    "0633TTC C 01112  05   150.69    150.70\n0633TTC C 01112  17   125.72    125.72\n"
    "0633TTC C 01182  17   125.72    125.72\n70336   A 15202  00  1093.37     97.07\n"
)


# --- ZIP codes


def zip_line(key: str, rural: str = " ", flag: str = "0", said: str = "20254") -> str:
    return f"{key}{rural}Z9{rural}  {flag} A{'':52}{said}\n"


ZIPS = (
    zip_line("AK995010210201")
    + zip_line("CA930010118217", flag="1")
    + zip_line("EM630010530299", "R")
    + zip_line("WY831230360221", "B")
)


def zip9_line(key: str, plus_four: str, rural: str = " ") -> str:
    flag = "1" if plus_four else "0"
    return f"{key}{rural}{'':5}{flag}{plus_four:4}{'':6}A{'':43}20254\n"


ZIPS_9 = (
    zip9_line("CA930010118217", "0007")
    + zip9_line("MA014341421299", "0001", "B")
    + zip9_line("AK995010210201", "")
)
