#!/usr/bin/env python3
"""Compares the verdicts of an Autobahn run with the committed ones.

  compare.py EXPECTED INDEX            compare; exit status 0 if every case is as expected, 1 if not
  compare.py --without 12,13 EXPECTED INDEX   the same, but for these groups of cases
  compare.py --update EXPECTED INDEX   write the verdicts of the run to EXPECTED
  compare.py --self-test               show that a difference of each kind is found

INDEX is the `index.json` that wstest and kosoku write: one agent, then for every case its verdicts.
EXPECTED has the two verdicts that matter for every case: `behavior` (was the reaction right) and
`behaviorClose` (was the connection closed properly). A case that is missing from the run, or that
is in the run but not expected, counts as failed. Exit status 2: the input is unusable.
"""

import json
import sys
from collections import Counter

VERDICTS = ("behavior", "behaviorClose")

# What may be expected. NON-STRICT is left out on purpose: the server passes strictly or it fails.
ALLOWED = {"OK", "INFORMATIONAL"}


class Unusable(Exception):
    """The input cannot be compared; the message says why."""


def read_json(path):
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError) as error:
        raise Unusable(f"{path}: {error}") from error


def verdicts_of(index):
    """Case -> (behavior, behaviorClose) of the one agent in an index.json."""
    if not isinstance(index, dict) or not index:
        raise Unusable("the report is empty: the suite could not connect to the server")
    if len(index) != 1:
        raise Unusable("the report has several agents: " + ", ".join(index))
    (cases,) = index.values()
    return pairs(cases)


def pairs(cases):
    try:
        return {case: tuple(result[key] for key in VERDICTS) for case, result in cases.items()}
    except (AttributeError, KeyError, TypeError) as error:
        raise Unusable(f"not a list of verdicts by case: {error!r}") from error


def disallowed(verdicts):
    """One line for every case with a verdict that must never be expected."""
    return [
        f"{case}: {show(verdicts[case])}"
        for case in sorted(verdicts, key=case_key)
        if not ALLOWED.issuperset(verdicts[case])
    ]


def differences(expected, got):
    """(case, expected, got) of every case that differs, in suite order; None: no such case."""
    cases = sorted(expected.keys() | got.keys(), key=case_key)
    rows = [(case, expected.get(case), got.get(case)) for case in cases]
    return [row for row in rows if row[1] != row[2]]


def without(verdicts, groups):
    """The verdicts of the other groups; a group is the first number of its cases."""
    return {case: got for case, got in verdicts.items() if case.split(".")[0] not in groups}


def case_key(case):
    return [int(part) if part.isdigit() else 0 for part in case.split(".")], case


def show(verdict):
    return " / ".join(verdict) if verdict else "no such case"


def compare(expected, got):
    """Prints summary, differences and counts; returns whether there was no difference."""
    counts = Counter(behavior for behavior, _ in got.values())
    kinds = ", ".join(f"{count} {kind}" for kind, count in counts.most_common())
    different = differences(expected, got)
    print(f"{len(got)} cases: {kinds}; {len(different)} not as expected")
    if different:
        print(f"{'case':8} {'expected':31} got (behavior / behaviorClose)")
    for case, want, have in different:
        print(f"{case:8} {show(want):31} {show(have)}")
    passed = len(expected.keys() | got.keys()) - len(different)
    print(f"autobahn: {passed} passed, {len(different)} failed")
    return not different


def write_expected(path, got):
    lines = []
    for case in sorted(got, key=case_key):
        lines.append(f"  {json.dumps(case)}: {json.dumps(dict(zip(VERDICTS, got[case])))}")
    with open(path, "w", encoding="utf-8") as file:
        file.write("{\n" + ",\n".join(lines) + "\n}\n")


def self_test():
    ok, informational = ("OK", "OK"), ("INFORMATIONAL", "INFORMATIONAL")
    non_strict, unclean = ("NON-STRICT", "OK"), ("OK", "UNCLEAN")
    good = {"1.1": ok, "7.1.6": informational, "10.1": ok}
    missing = {"1.1": ok, "7.1.6": informational}
    result = {"behavior": "OK", "behaviorClose": "OK", "duration": 1, "remoteCloseCode": 1000}

    def changes(to):
        return differences(good, {**good, **to})

    def refuses(index):
        try:
            verdicts_of(index)
        except Unusable:
            return True
        return False

    checks = {
        "the same verdicts pass": changes(to={}) == [],
        "NON-STRICT fails": changes(to={"1.1": non_strict}) == [("1.1", ok, non_strict)],
        "a bad close fails": changes(to={"1.1": unclean}) == [("1.1", ok, unclean)],
        "an extra case fails": changes(to={"2.1": ok}) == [("2.1", None, ok)],
        "a missing case fails": differences(good, missing) == [("10.1", ok, None)],
        "a group is left out": without(good, ["7", "10"]) == {"1.1": ok},
        "no other group is left out": without(good, ["0", ""]) == good,
        "cases sort by number": sorted(good, key=case_key) == ["1.1", "7.1.6", "10.1"],
        "NON-STRICT cannot be expected": len(disallowed({**good, "1.1": non_strict})) == 1,
        "INFORMATIONAL can be expected": disallowed(good) == [],
        "an index is read": verdicts_of({"wirebell": {"1.1": result}}) == {"1.1": ok},
        "an empty index is refused": refuses({}),
        "an index without verdicts is refused": refuses({"wirebell": {"1.1": {"duration": 1}}}),
        "an index of two agents is refused": refuses({"a": {}, "b": {}}),
    }
    for name, passed in checks.items():
        print(f"{'ok' if passed else 'FAILED'}: {name}")
    failed = sum(not passed for passed in checks.values())
    print(f"self-test: {len(checks) - failed} passed, {failed} failed")
    return failed == 0


def main(arguments):
    if arguments == ["--self-test"]:
        return self_test()
    update = arguments[:1] == ["--update"]
    left_out = []
    files = arguments[1:] if update else arguments
    if files[:1] == ["--without"] and len(files) > 1:
        left_out, files = files[1].split(","), files[2:]
    if len(files) != 2 or files[0].startswith("-"):
        raise Unusable(__doc__)
    expected_path, index_path = files
    got = verdicts_of(read_json(index_path))
    if update:
        bad = disallowed(got)
        if bad:
            raise Unusable("not updated; these verdicts cannot be expected:\n" + "\n".join(bad))
        write_expected(expected_path, got)
        print(f"{len(got)} verdicts written to {expected_path}")
        return True
    expected = pairs(read_json(expected_path))
    bad = disallowed(expected)
    if bad:
        raise Unusable(f"{expected_path}: these verdicts cannot be expected:\n" + "\n".join(bad))
    return compare(without(expected, left_out), got)


if __name__ == "__main__":
    try:
        sys.exit(0 if main(sys.argv[1:]) else 1)
    except Unusable as problem:
        print(f"compare.py: {problem}", file=sys.stderr)
        sys.exit(2)
