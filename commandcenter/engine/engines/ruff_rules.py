"""The rules of ruff that we run: security and plain bugs, each with a severity and, where well known, its CWE."""

from __future__ import annotations

from commandcenter.engine.contract.findings import Severity

# Left out on purpose: rules that fire on most correct programs (S404, S603, S607), and everything about style.
SEVERITIES: dict[Severity, tuple[str, ...]] = {
    "high": (
        # someone else's input becomes code, a command, a query or an object
        "S102", "S201", "S202", "S301", "S302", "S307", "S506", "S601", "S602", "S604", "S605", "S609", "S610",
        "S611", "S612", "S701",
        # the other side of a connection is not known
        "S323", "S501", "S502", "S503", "S504", "S507",
        # text that reads as something else than it does
        "PLE2502",
    ),
    "medium": (
        "S103", "S105", "S106", "S107", "S303", "S304", "S305", "S306", "S308", "S310", "S312", "S313", "S314",
        "S315", "S316", "S317", "S318", "S319", "S321", "S324", "S505", "S508", "S509", "S608", "S702", "S704",
        # fails or misbehaves whenever it runs
        "B002", "B003", "B005", "B006", "B012", "B016", "B018", "B020", "B022", "B023", "B025", "B026", "B029",
        "B030", "B031", "B032", "B035", "B039",
        "F631", "F632", "F633", "F634", "F701", "F702", "F704", "F706", "F707", "F821", "F822", "F823",
        "PLE0100", "PLE0101", "PLE0115", "PLE0117", "PLE0118", "PLE0237", "PLE0241", "PLE0302", "PLE0303",
        "PLE0304", "PLE0305", "PLE0307", "PLE0308", "PLE0309", "PLE0604", "PLE0605", "PLE0643", "PLE0704",
        "PLE1132", "PLE1142", "PLE1205", "PLE1206", "PLE1300", "PLE1307", "PLE1310", "PLE1507", "PLE1519",
        "PLE1520", "PLE1700",
        # a request or a file holds up every other one of the event loop
        "ASYNC210", "ASYNC212", "ASYNC220", "ASYNC221", "ASYNC222", "ASYNC250", "ASYNC251",
    ),
    "low": (
        "S101", "S104", "S108", "S110", "S112", "S113", "S311",
        "B004", "B014", "B015", "B017", "B019", "B021", "B033", "B034", "B904",
        "PLE2510", "PLE2512", "PLE2513", "PLE2514", "PLE2515",
        "ASYNC100", "ASYNC105", "ASYNC110", "ASYNC116", "ASYNC230",
    ),
}  # fmt: skip

SEVERITY: dict[str, Severity] = {code: level for level, codes in SEVERITIES.items() for code in codes}

# Tests assert, invent passwords, open temporary files and swallow errors, and none of it runs in production.
NOT_IN_TESTS = frozenset(
    {"S101", "S103", "S104", "S105", "S106", "S107", "S108", "S110", "S112", "S113", "S301", "S311", "S324",
     "S608", "B015", "B017", "B018"}
)  # fmt: skip

# These are right about once in two times; people should see that before they act.
LOW_PRECISION = frozenset({"S101", "S104", "S105", "S106", "S107", "S108", "S310", "S311", "S608"})

CWE: dict[str, tuple[str, ...]] = {
    "S101": ("CWE-617",),
    "S102": ("CWE-95",),
    "S103": ("CWE-732",),
    "S104": ("CWE-1327",),
    **dict.fromkeys(("S105", "S106", "S107"), ("CWE-798",)),
    "S108": ("CWE-377",),
    **dict.fromkeys(("S110", "S112"), ("CWE-390",)),
    "S113": ("CWE-400",),
    "S201": ("CWE-489",),
    "S202": ("CWE-22",),
    **dict.fromkeys(("S301", "S302", "S506"), ("CWE-502",)),
    **dict.fromkeys(("S303", "S304", "S305", "S324"), ("CWE-327",)),
    "S306": ("CWE-377",),
    "S307": ("CWE-95",),
    **dict.fromkeys(("S308", "S701", "S702", "S704"), ("CWE-79",)),
    "S310": ("CWE-918",),
    "S311": ("CWE-338",),
    **dict.fromkeys(("S312", "S321"), ("CWE-319",)),
    **dict.fromkeys(("S313", "S314", "S315", "S316", "S317", "S318", "S319"), ("CWE-611",)),
    **dict.fromkeys(("S323", "S501", "S507"), ("CWE-295",)),
    **dict.fromkeys(("S502", "S503", "S504"), ("CWE-327",)),
    "S505": ("CWE-326",),
    **dict.fromkeys(("S508", "S509"), ("CWE-319",)),
    **dict.fromkeys(("S601", "S602", "S604", "S605", "S609"), ("CWE-78",)),
    **dict.fromkeys(("S608", "S610", "S611"), ("CWE-89",)),
    "S612": ("CWE-94",),
    "PLE2502": ("CWE-1007",),
}


def tags(code: str) -> tuple[str, ...]:
    """Give the labels of a rule: security or correctness, and its language."""
    kind = "security" if code[0] == "S" or code in CWE else "correctness"
    return (kind, "python")
