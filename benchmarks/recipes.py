"""Clinical recipes: what one visit looks like on a claim.

A recipe is a claim without people, dates and money: its service lines, diagnoses, place and the kind of
patient, payer and clinician it fits. They are written so that no shipped rule has anything to say about
them; charges are dollars in the tables and cents afterwards, before a practice's own factor.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

SPECIALTIES: dict[str, str] = {
    "family": "207Q00000X",
    "internal": "207R00000X",
    "pediatrics": "208000000X",
    "nurse": "363LF0000X",
    "psychiatry": "2084P0800X",
    "social_work": "1041C0700X",
    "psychology": "103TC0700X",
    "behavior": "103K00000X",
    "physical_therapy": "225100000X",
    "occupational_therapy": "225X00000X",
    "speech": "235Z00000X",
    "chiropractic": "111N00000X",
    "dermatology": "207N00000X",
    "orthopedics": "207X00000X",
    "anesthesiology": "207L00000X",
    "nurse_anesthesia": "367500000X",
    "radiology": "2085R0202X",
    "obstetrics": "207V00000X",
    "emergency": "207P00000X",
    "hospital": "208M00000X",
    "gastroenterology": "207RG0100X",
    "cardiology": "207RC0000X",
    "oncology": "207RX0202X",
    "optometry": "152W00000X",
    "ophthalmology": "207W00000X",
    "podiatry": "213E00000X",
    "nutrition": "133V00000X",
    "laboratory": "291U00000X",
    "equipment": "332B00000X",
    "ambulance": "341600000X",
}
NO_RENDERING = {"laboratory", "equipment", "ambulance"}
FACILITY_POS = {"19", "21", "22", "23", "24", "31", "32", "34", "51", "52", "55", "56", "61"}


@dataclass(frozen=True)
class Line:
    """One service line: cents a unit (anesthesia: a minute), a range of minutes, the day of the claim."""

    code: str
    charge: int
    pointers: str = "A"
    modifiers: tuple[str, ...] = ()
    units: str = "1"
    minutes: tuple[int, int] | None = None
    day: int = 0
    anesthesia: bool = False
    ndc: tuple[str, str, str] | None = None
    note: str = ""


@dataclass(frozen=True)
class Recipe:
    """One kind of claim.

    `payers`: C commercial, A Medicare Advantage, M Medicare, D Medicaid, W workers' compensation, X auto.
    `when`: any visit of a patient, only the first, only the last. `ages` are completed years, both included.
    """

    name: str
    weight: float
    specialty: str
    lines: tuple[Line, ...]
    diagnoses: tuple[str, ...]
    pos: str = "11"
    payers: str = "CAMD"
    ages: tuple[int, int] = (18, 95)
    sex: str = ""
    when: str = "any"
    orders: bool = False
    refers: bool = False
    clia: bool = False
    stay_days: int | None = None
    authorized: bool = False
    accident: str = ""
    injury_days: int = 0
    mammography: bool = False
    lmp_days: int | None = None
    course_days: int | None = None
    no_copay: bool = False
    session: bool = False
    therapy: bool = False
    supervised: bool = False
    trial: bool = False
    transport: bool = False
    seen_days: int | None = None
    tags: frozenset[str] = field(default_factory=frozenset)


def _line(code: str, charge: float, pointers: str = "A", *modifiers: str, **more: Any) -> Line:
    return Line(code, round(charge * 100), pointers, modifiers, **more)


L = _line


def _spread(recipe: Recipe, *alternatives: tuple[str, ...]) -> list[Recipe]:
    """The recipe once per list of diagnoses, its weight shared."""
    return [replace(recipe, diagnoses=a, weight=recipe.weight / len(alternatives)) for a in alternatives]


def _recipe(name: str, weight: float, specialty: str, *lines: Line, **more: Any) -> Recipe:
    return Recipe(name, weight, specialty, lines, (), **more)


R = _recipe
CHRONIC = (("I10",), ("E11.9",), ("E03.9",), ("E78.5",), ("J45.20",), ("K21.9",), ("M54.50",), ("N39.0",))
ACUTE = (("J06.9",), ("J02.9",), ("J01.90",), ("R05.9",), ("R51.9",), ("L03.115",), ("H66.91",), ("B34.9",))
CHRONIC_PAIRS = (
    ("I10", "E78.5"),
    ("E11.65", "I10"),
    ("E11.22", "N18.31"),
    ("J44.9", "F17.210"),
    ("E66.811", "I10"),
)
MOOD = (("F41.1",), ("F33.1",), ("F32.1",), ("F43.23",), ("F43.10",), ("F42.2",), ("F40.10",), ("F31.81",))
MOOD_PAIRS = (("F41.1", "Z63.0"), ("F33.1", "F41.1"), ("F43.12", "F10.20"), ("F90.2", "F41.1"))
KNEES = (("M17.11",), ("M17.11", "E66.9"))


def _office() -> list[Recipe]:
    visit: dict[str, Any] = {"minutes": (20, 29)}
    longer: dict[str, Any] = {"minutes": (30, 39)}
    return [
        *_spread(R("office_visit", 12, "family", L("99213", 178, **visit)), *CHRONIC, *ACUTE),
        *_spread(R("nurse_visit", 4, "nurse", L("99213", 178, **visit)), *ACUTE),
        *_spread(R("office_visit_moderate", 7, "internal", L("99214", 252, "AB", **longer)), *CHRONIC_PAIRS),
        *_spread(
            R(
                "diabetes_visit",
                5,
                "internal",
                L("99214", 252, "AB", **longer),
                L("83036", 28, "A", "QW"),
                L("36415", 18, "A"),
                clia=True,
                orders=True,
            ),
            ("E11.65", "I10"),
            ("E11.9", "E78.5"),
        ),
        *_spread(
            R(
                "quality_visit",
                2,
                "internal",
                L("99214", 252, "A,B", **longer),
                L("3074F", 0, "A"),
                L("3078F", 0, "A"),
                no_copay=True,
                tags=frozenset({"zero"}),
            ),
            ("I10", "E78.5"),
        ),
        *_spread(R("new_patient", 9, "family", L("99203", 239, minutes=(30, 44)), when="first"), *CHRONIC),
        *_spread(R("new_patient_long", 6, "internal", L("99204", 362, "AB", minutes=(45, 59)), when="first"),
                 *CHRONIC_PAIRS),
        *_spread(R("complexity", 2, "internal", L("99214", 252, "AB", **longer), L("G2211", 32, "AB"), payers="M"),
                 *CHRONIC_PAIRS),
        *_spread(
            R("strep_test", 3, "family", L("99213", 178, **visit), L("87880", 42, "A", "QW"), clia=True, orders=True,
              ages=(5, 64)),
            ("J02.9",),
            ("J03.90",),
        ),
        *_spread(R("smoking", 1, "family", L("99213", 178, "A", "25", **visit), L("99406", 33, "B", minutes=(4, 10))),
                 ("J44.9", "F17.210")),
        *_spread(R("ecg", 2, "cardiology", L("99214", 252, "AB", "25", **longer), L("93000", 42, "A"), orders=True),
                 ("R07.9", "I10"), ("I48.91", "I10"), ("I25.10", "E78.5")),
        *_spread(R("video_visit", 4, "family", L("99213", 178, "A", "95", **visit), pos="10", payers="CAD"), *CHRONIC),
        *_spread(R("video_visit_medicare", 2, "family", L("99213", 178, **visit), pos="10", payers="M"), *CHRONIC),
        *_spread(R("care_management", 1, "internal", L("99490", 125, "AB"), payers="MA", when="first"),
                 *CHRONIC_PAIRS),
        *_spread(R("remote_monitoring", 1, "internal", L("99454", 118), L("99457", 99, minutes=(20, 39)),
                   payers="CMA", when="first"), ("I10",)),
        *_spread(R("consultation", 1, "cardiology", L("99243", 310, "AB", minutes=(30, 39)), payers="C", refers=True,
                   when="first"), ("I25.10", "E78.5"), ("I50.22", "I10")),
        *_spread(R("nutrition", 1, "nutrition", L("97802", 55, "AB", units="3", minutes=(45, 52)), payers="C",
                   refers=True, no_copay=True, ages=(21, 64)), ("E66.811", "Z68.31"), ("E66.812", "Z68.36")),
    ]  # fmt: skip


def _preventive() -> list[Recipe]:
    well, tdap = ("Z00.00",), ("58160084252", "0.5", "ML")
    child: dict[str, Any] = {"diagnoses": ("Z00.129", "Z23"), "no_copay": True, "specialty": "pediatrics"}
    mmr, flu, pneumo = ("00006468100", "1", "UN"), ("49281042450", "0.5", "ML"), ("00005200010", "0.5", "ML")
    shots = [
        ("99392", (1, 4), "90707", 159.0, mmr),
        ("99393", (5, 11), "90656", 38.0, flu),
        ("99394", (12, 17), "90715", 74.0, tdap),
    ]
    recipes = [
        *_spread(R("checkup", 4, "family", L("99396", 248), payers="CD", ages=(40, 63), no_copay=True), well),
        *_spread(R("checkup_young", 3, "family", L("99395", 226), payers="CD", ages=(18, 38), no_copay=True), well),
        *_spread(R("new_checkup", 2, "family", L("99386", 321), payers="C", ages=(40, 63), when="first",
                   no_copay=True), well),
        *_spread(R("wellness", 4, "internal", L("G0439", 241), payers="M", no_copay=True, when="first"), well),
        *_spread(R("wellness_visit", 2, "internal", L("G0439", 241), L("99213", 178, "B", "25", minutes=(20, 29)),
                   payers="M", when="first", no_copay=True), ("Z00.01", "I10"), ("Z00.01", "E11.9")),
        *_spread(R("tetanus", 2, "family", L("90715", 74, ndc=tdap), L("90471", 45), payers="CA", no_copay=True),
                 ("Z23",)),
        *_spread(R("pneumonia_shot", 2, "internal", L("90677", 431, ndc=pneumo), L("G0009", 46), payers="M",
                   no_copay=True, ages=(65, 95)), ("Z23",)),
        *_spread(R("mammogram", 3, "radiology", L("77067", 302), payers="CAMD", ages=(41, 74), sex="F",
                   mammography=True, orders=True, no_copay=True, when="first"), ("Z12.31",)),
        *_spread(R("screening_colonoscopy", 1, "gastroenterology", L("45378", 720, "A", "33"), payers="C",
                   ages=(45, 64), pos="24", when="last", no_copay=True), ("Z12.11",)),
        *_spread(R("screening_colonoscopy_medicare", 1, "gastroenterology", L("G0121", 698), payers="M", pos="24",
                   when="last", no_copay=True), ("Z12.11",)),
        *_spread(R("polyp", 1, "gastroenterology", L("45385", 1015, "AB", "33"), payers="C", ages=(45, 64), pos="24",
                   when="last", no_copay=True), ("Z12.11", "D12.3"), ("Z12.11", "K63.5")),
    ]  # fmt: skip
    for code, ages, vaccine, price, ndc in shots:
        visit, give = L(code, 196, "A", "25"), L("90460", 47, "B")
        recipes += [
            Recipe("well_child", 6, lines=(visit, L(vaccine, price, "B", ndc=ndc), give), payers="C", ages=ages,
                   **child),
            Recipe("well_child_vfc", 6, lines=(visit, L(vaccine, 0, "B", "SL", ndc=ndc), give), payers="D",
                   ages=ages, tags=frozenset({"zero"}), **child),
        ]  # fmt: skip
    sick = R("sick_child", 9, "pediatrics", L("99213", 178, minutes=(20, 29)), payers="CD", ages=(1, 17))
    return [*recipes, *_spread(sick, *ACUTE)]


def _mental_health() -> list[Recipe]:
    s: dict[str, Any] = {"session": True, "therapy": True, "payers": "CAD", "ages": (13, 95)}
    m = {**s, "payers": "CAMD"}
    return [
        *_spread(R("intake", 8, "social_work", L("90791", 295, minutes=(50, 60)), when="first", **m), *MOOD),
        *_spread(R("intake_medical", 2, "psychiatry", L("90792", 342, minutes=(50, 60)), when="first", session=True,
                   ages=(13, 95)), *MOOD),
        *_spread(R("therapy_45", 8, "social_work", L("90834", 190, minutes=(38, 50)), **m), *MOOD),
        *_spread(R("therapy_45_pairs", 3, "psychology", L("90834", 190, "AB", minutes=(38, 50)), **m), *MOOD_PAIRS),
        *_spread(R("therapy_60", 5, "social_work", L("90837", 260, minutes=(53, 58)), **m), *MOOD),
        *_spread(R("therapy_30", 2, "psychology", L("90832", 128, minutes=(30, 37)), **m), *MOOD),
        *_spread(R("therapy_video", 5, "social_work", L("90834", 190, "A", "95", minutes=(38, 50)), **{**s, "payers":
                   "CAD"}, pos="10"), *MOOD),
        *_spread(R("family_session", 1, "social_work", L("90847", 189, "AB", minutes=(45, 55)), **s), *MOOD_PAIRS),
        *_spread(R("interactive", 1, "psychology", L("90834", 190, minutes=(38, 50)), L("90785", 26), **s), *MOOD),
        *_spread(R("group_session", 1, "psychology", L("90853", 52), payers="CAD", therapy=True), *MOOD),
        *_spread(R("supervised_session", 2, "social_work", L("90834", 190, minutes=(38, 50)), supervised=True,
                   **{**s, "payers": "D"}), *MOOD),
        *_spread(R("medication_visit", 3, "psychiatry", L("99214", 252, "AB", "25"), L("90833", 118, "A",
                   minutes=(16, 30)), session=True, ages=(13, 95)), *MOOD_PAIRS),
        *_spread(R("crisis", 0.5, "social_work", L("90839", 245, "AB", minutes=(45, 58)), **s), ("F33.2", "R45.851")),
        *_spread(R("behavior_plan", 2, "behavior", L("97153", 25, units="8", minutes=(120, 120)), pos="12",
                   payers="CD", ages=(3, 12), authorized=True), ("F84.0",)),
        *_spread(R("testing", 0.5, "psychology", L("96130", 215, "AB"), L("96136", 82, "AB"), payers="CD",
                   ages=(6, 17), when="first"), ("F90.2", "F81.0")),
        *_spread(R("health_behavior", 0.5, "psychology", L("96156", 172, "AB"), payers="CAM", when="first"),
                 ("G89.4", "M54.50"), ("E11.9", "E66.811")),
    ]  # fmt: skip


def _therapies() -> list[Recipe]:
    backs = (("M54.50",), ("M25.561",), ("M25.512",), ("M54.2",))
    return [
        *_spread(R("pt_start", 3, "physical_therapy", L("97161", 182, "A", "GP"),
                   L("97110", 62, "A", "GP", minutes=(15, 20)), refers=True, when="first", course_days=0), *backs),
        *_spread(R("pt", 7, "physical_therapy", L("97110", 62, "A", "GP", units="2", minutes=(30, 33)),
                   L("97112", 68, "A", "GP", minutes=(15, 18)), L("97140", 58, "A", "GP", minutes=(15, 18)),
                   refers=True, course_days=20), *backs),
        *_spread(R("ot", 2, "occupational_therapy", L("97530", 78, "AB", "GO", units="2", minutes=(30, 36)),
                   L("97535", 71, "AB", "GO", "59", minutes=(15, 18)), refers=True, course_days=20),
                 ("M25.641", "M79.641"), ("I69.351", "Z74.1")),
        *_spread(R("speech", 1, "speech", L("92507", 160, "A", "GN"), refers=True, ages=(3, 12), payers="CD"),
                 ("F80.2",), ("F80.0",)),
        *_spread(R("speech_adult", 1, "speech", L("92507", 160, "A", "GN"), refers=True, payers="MA"), ("I69.320",)),
        *_spread(R("chiropractic_medicare", 3, "chiropractic", L("98941", 62, "AB", "AT"), payers="M",
                   course_days=30), ("M99.03", "M54.50"), ("M99.01", "M54.2")),
        *_spread(R("chiropractic", 2, "chiropractic", L("98940", 48, "AB"), payers="CA", course_days=30),
                 ("M99.03", "M54.50"), ("M99.01", "M54.2")),
        *_spread(R("foot_care", 1, "podiatry", L("11721", 78, "A,B", "Q8"), payers="M", refers=True, seen_days=40),
                 ("B35.1", "E11.42")),
    ]  # fmt: skip


def _procedures() -> list[Recipe]:
    visit: dict[str, Any] = {"minutes": (20, 29)}
    kenalog, prolia, b12 = ("00003029305", "1", "ML"), ("55513071001", "1", "ML"), ("00517003125", "1", "ML")
    return [
        *_spread(R("knee_injection", 2, "orthopedics", L("99213", 178, "A", "25", **visit), L("20610", 128, "A", "RT"),
                   L("J3301", 9, "A", units="4", ndc=kenalog), payers="CAMD", ages=(40, 95)), ("M17.11",)),
        *_spread(R("wart", 1, "dermatology", L("99213", 178, "B", "25", **visit), L("17110", 216, "A"), when="last"),
                 ("B07.8", "L20.9")),
        *_spread(R("keratosis", 1, "dermatology", L("17000", 128), L("17003", 16, units="3"), when="last",
                   ages=(40, 95)), ("L57.0",)),
        *_spread(R("biopsy", 1, "dermatology", L("11102", 199), ages=(30, 95)), ("D48.5",), ("D22.5",)),
        *_spread(R("bone_drug", 1, "internal", L("J0897", 52, "A", "JZ", units="60", ndc=prolia), L("96372", 34),
                   payers="M", ages=(66, 95), sex="F", when="first"), ("M81.0",)),
        *_spread(R("vitamin", 1, "family", L("J3420", 8, ndc=b12), L("96372", 34), payers="CAD"), ("D51.0",)),
        *_spread(R("unclassified_drug", 0.5, "oncology", L("J3490", 95, note="Ketamine 50 mg per mL single dose vial",
                   ndc=("00143950801", "1", "ML")), L("96372", 34), payers="CA"), ("G89.3",)),
        *_spread(R("trial_visit", 0.5, "oncology", L("99214", 252, "AB", "Q1", minutes=(30, 39)), payers="M",
                   trial=True, sex="F"), ("C50.911", "Z00.6")),
        *_spread(R("laceration", 2, "emergency", L("99283", 298, "AB", "25"), L("12001", 205, "AB"), pos="23",
                   accident="OA", ages=(5, 90), payers="CAD", when="last"), ("S61.411A", "W26.0XXA")),
        *_spread(R("chest_pain", 2, "emergency", L("99284", 585, "A", "25"), L("93010", 28, "A"), pos="23",
                   orders=True, ages=(30, 95)), ("R07.9",), ("R07.89",)),
        *_spread(R("arthroscopy", 1, "orthopedics", L("29881", 2480, "A", "RT"), pos="24", when="last",
                   authorized=True, payers="C", ages=(25, 64)), ("M23.321",)),
        *_spread(R("cataract", 1, "ophthalmology", L("66984", 1895, "A", "RT"), pos="24", when="last",
                   payers="MA", ages=(60, 95)), ("H25.11",)),
        *_spread(R("eye_exam", 2, "optometry", L("92014", 205), payers="CD"), ("H40.011",), ("H04.123",)),
        *_spread(R("knee_anesthesia", 1, "anesthesiology", L("01402", 19.5, "A", "AA", minutes=(95, 180),
                   anesthesia=True), pos="22", when="last", ages=(50, 95)), ("M17.11",)),
        *_spread(R("scope_anesthesia", 1, "nurse_anesthesia", L("00812", 24, "A", "QZ", minutes=(22, 45),
                   anesthesia=True), pos="24", when="last", ages=(45, 80), no_copay=True), ("Z12.11",)),
        *_spread(R("delivery", 1, "obstetrics", L("59400", 4950, "ABC"), pos="21", sex="F", ages=(19, 38),
                   payers="CD", when="last", stay_days=2, lmp_days=273), ("O80", "Z37.0", "Z3A.39")),
        *_spread(R("pregnancy_ultrasound", 2, "obstetrics", L("76805", 298, "AB"), sex="F", ages=(19, 34),
                   payers="CD", lmp_days=140, orders=True, when="first"), ("Z34.02", "Z3A.20")),
    ]  # fmt: skip


def _tests_and_stays() -> list[Recipe]:
    return [
        *_spread(R("blood_tests", 5, "laboratory", L("80053", 42, "AC"), L("85025", 31, "C"), L("80061", 52, "B"),
                   L("83036", 38, "A"), pos="81", orders=True, clia=True), ("E11.9", "E78.5", "I10")),
        *_spread(R("thyroid_tests", 2, "laboratory", L("84443", 61), L("84439", 38), pos="81", orders=True, clia=True),
                 ("E03.9",), ("E05.90",)),
        *_spread(R("drug_test", 1, "laboratory", L("80307", 148), pos="81", orders=True, clia=True), ("F11.20",)),
        *_spread(R("chest_film", 2, "radiology", L("71046", 88), orders=True), ("R05.9",), ("J18.9",)),
        *_spread(R("knee_film", 2, "radiology", L("73562", 33, "A", "26", "RT"), pos="22", orders=True), ("M25.561",)),
        *_spread(R("brain_mri", 1, "radiology", L("70551", 620), orders=True, authorized=True, payers="CAD",
                   when="first"), ("G43.909",), ("R51.9",)),
        *_spread(R("echo", 1, "cardiology", L("93306", 685, "AB"), orders=True, when="first", ages=(40, 95)),
                 ("I50.22", "I25.10")),
        *_spread(R("spirometry", 1, "internal", L("94010", 82), orders=True), ("J45.20",), ("J44.9",)),
        *_spread(R("sleep_study", 0.5, "internal", L("95810", 255, "A", "26"), pos="22", orders=True), ("G47.33",)),
        *_spread(R("hospital_stay", 3, "hospital", L("99222", 315, "AB"), L("99232", 190, "AB", day=1),
                   L("99232", 190, "AB", day=2), L("99239", 245, "AB", day=3), pos="21", stay_days=3, payers="CAD"),
                 ("J18.9", "J96.01"), ("K57.32", "I10")),
        *_spread(R("hospital_stay_medicare", 3, "hospital", L("99223", 452, "AB", "AI"), L("99232", 190, "AB", day=1),
                   L("99232", 190, "AB", day=2), L("99233", 265, "AB", day=3), L("99239", 245, "AB", day=4), pos="21",
                   stay_days=4, payers="M"), ("I50.23", "I48.91"), ("A41.9", "N39.0")),
        *_spread(R("critical_care", 0.5, "hospital", L("99291", 620, "AB", minutes=(35, 70)), pos="21", stay_days=0,
                   when="last"), ("A41.9", "R65.20")),
        *_spread(R("nursing_home", 2, "internal", L("99309", 215, "AB"), pos="32", payers="MA", ages=(66, 95)),
                 ("G30.9", "F02.80"), ("I69.351", "I10")),
        *_spread(R("home_visit", 1, "nurse", L("99349", 298, "AB", minutes=(40, 55)), pos="12", payers="MAD",
                   ages=(50, 95)), ("I50.22", "E11.9")),
        *_spread(R("sleep_equipment", 1, "equipment", L("E0601", 128, "A", "RR", "KH", "KX"),
                   L("A7030", 215, "A", "NU", "KX"), pos="12", payers="CD", orders=True, when="first"), ("G47.33",)),
        *_spread(R("ambulance_ride", 1, "ambulance", L("A0429", 875, "A", "RH"), L("A0425", 22, "A", "RH",
                   units="12.4"), pos="41", transport=True, payers="CAMD"), ("R55",), ("R07.9",)),
    ]  # fmt: skip


def _injuries() -> list[Recipe]:
    work: dict[str, Any] = {"payers": "W", "accident": "EM", "injury_days": 9, "ages": (18, 65)}
    road: dict[str, Any] = {"payers": "X", "accident": "AA", "injury_days": 12, "ages": (18, 65)}
    back, neck = ("S39.012D",), ("S13.4XXD",)
    return [
        *_spread(R("work_injury", 3, "family", L("99213", 178, minutes=(20, 29)), **work), back, ("S61.411D",)),
        *_spread(R("work_injury_new", 3, "family", L("99203", 239, minutes=(30, 44)), when="first", **work), back),
        *_spread(R("work_therapy", 5, "physical_therapy", L("97110", 62, "A", "GP", units="2", minutes=(30, 33)),
                   L("97140", 58, "A", "GP", minutes=(15, 18)), refers=True, course_days=7, **work), back),
        *_spread(R("crash_visit", 3, "family", L("99213", 178, minutes=(20, 29)), **road), neck),
        *_spread(R("crash_therapy", 3, "physical_therapy", L("97110", 62, "A", "GP", units="2", minutes=(30, 33)),
                   refers=True, course_days=7, **road), neck),
    ]  # fmt: skip


def recipes() -> list[Recipe]:
    """Every recipe; each diagnosis of a claim is pointed to by one of its lines."""
    every = [
        *_office(),
        *_preventive(),
        *_mental_health(),
        *_therapies(),
        *_procedures(),
        *_tests_and_stays(),
    ]
    every += _injuries()
    for recipe in every:
        used = {letter for line in recipe.lines for letter in line.pointers if letter.isalpha()}
        if used != set("ABCDEFGHIJKL"[: len(recipe.diagnoses)]):
            raise ValueError(f"recipe {recipe.name}: pointers {sorted(used)} do not cover {recipe.diagnoses}")
    return every
