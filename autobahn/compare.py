#!/usr/bin/env python3
"""Compares the verdicts of an Autobahn run with the committed ones.

INDEX is the `index.json` that wstest and kosoku write: for every agent, then for every case, the
verdicts.
EXPECTED has the two verdicts that matter for every case: `behavior` (was the reaction right) and
`behaviorClose` (was the connection closed properly). A case that is missing from the run, or that
is in the run but not expected, counts as failed. Exit status: 0 every case as expected, 1 some are
not, 2 the input is unusable.
"""

import argparse
import json
import re
import sys
from collections import Counter

VERDICTS = ("behavior", "behaviorClose")

# What may be expected. NON-STRICT is left out on purpose: Wirebell passes strictly or it fails.
ALLOWED = {"OK", "INFORMATIONAL"}


class Unusable(Exception):
    """The input cannot be compared; the message says why."""


def read_json(path):
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError) as error:
        raise Unusable(f"{path}: {error}") from error


def verdicts_of(index, agent=None):
    """Case -> (behavior, behaviorClose) of an agent, or of the only one, in an index.json."""
    if not isinstance(index, dict) or not index:
        raise Unusable("the report is empty: no connection between the suite and what it tests")
    if agent is None and len(index) != 1:
        raise Unusable("the report has several agents: " + ", ".join(index))
    if agent is not None and agent not in index:
        raise Unusable(f"the report has no agent {agent}, only " + ", ".join(index))
    return pairs(index[agent] if agent is not None else next(iter(index.values())))


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


def without(verdicts, pattern):
    """The verdicts of the cases that do not match."""
    # Both suites read a pattern like this: the rest of it is a regular expression.
    matches = re.compile(pattern.replace(".", r"\.").replace("*", ".*")).match
    return {case: got for case, got in verdicts.items() if not matches(case)}


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
    just_one = {"1.1": ok}
    result = {"behavior": "OK", "behaviorClose": "OK", "duration": 1, "remoteCloseCode": 1000}

    def changes(to):
        return differences(good, {**good, **to})

    def refuses(index, agent=None):
        try:
            verdicts_of(index, agent)
        except Unusable:
            return True
        return False

    checks = {
        "the same verdicts pass": changes(to={}) == [],
        "NON-STRICT fails": changes(to={"1.1": non_strict}) == [("1.1", ok, non_strict)],
        "a bad close fails": changes(to={"1.1": unclean}) == [("1.1", ok, unclean)],
        "an extra case fails": changes(to={"2.1": ok}) == [("2.1", None, ok)],
        "a missing case fails": differences(good, missing) == [("10.1", ok, None)],
        "a group is left out": without(good, "10.*") == missing,
        "several groups are left out": without(good, "(7|10).*") == {"1.1": ok},
        "no other group is left out": without(good, "0.*") == good,
        "single cases are left out": without(good, "*.[16]$") == {},
        "cases sort by number": sorted(good, key=case_key) == ["1.1", "7.1.6", "10.1"],
        "NON-STRICT cannot be expected": len(disallowed({**good, "1.1": non_strict})) == 1,
        "INFORMATIONAL can be expected": disallowed(good) == [],
        "an index is read": verdicts_of({"wirebell": {"1.1": result}}) == just_one,
        "an empty index is refused": refuses({}),
        "an index without verdicts is refused": refuses({"wirebell": {"1.1": {"duration": 1}}}),
        "an index of two agents is refused": refuses({"a": {}, "b": {}}),
        "one of two agents is read": verdicts_of({"a": {}, "b": {"1.1": result}}, "b") == just_one,
        "an agent that is missing is refused": refuses({"a": {"1.1": result}}, "b"),
    }
    for name, passed in checks.items():
        print(f"{'ok' if passed else 'FAILED'}: {name}")
    failed = sum(not passed for passed in checks.values())
    print(f"self-test: {len(checks) - failed} passed, {failed} failed")
    return failed == 0


def main(arguments):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("expected", metavar="EXPECTED", nargs="?")
    parser.add_argument("index", metavar="INDEX", nargs="?")
    parser.add_argument(
        "--without",
        metavar="PATTERN",
        help="leave out what is expected of these cases; read as the suites do: 12.* or 1[23].*.1$",
    )
    parser.add_argument("--agent", help="in a report of several agents, the one to compare")
    parser.add_argument(
        "--update", action="store_true", help="write the verdicts of the run to EXPECTED instead"
    )
    parser.add_argument(
        "--self-test", action="store_true", help="show that a difference of each kind is found"
    )
    options = parser.parse_args(arguments)
    if options.self_test:
        return self_test()
    if options.index is None:
        parser.error("EXPECTED and INDEX are needed")
    got = verdicts_of(read_json(options.index), options.agent)
    if options.update:
        bad = disallowed(got)
        if bad:
            raise Unusable("not updated; these verdicts cannot be expected:\n" + "\n".join(bad))
        write_expected(options.expected, got)
        print(f"{len(got)} verdicts written to {options.expected}")
        return True
    expected = pairs(read_json(options.expected))
    bad = disallowed(expected)
    if bad:
        raise Unusable(f"{options.expected}: these verdicts cannot be expected:\n" + "\n".join(bad))
    if options.without is not None:
        expected = without(expected, options.without)
    return compare(expected, got)


if __name__ == "__main__":
    try:
        sys.exit(0 if main(sys.argv[1:]) else 1)
    except Unusable as problem:
        print(f"compare.py: {problem}", file=sys.stderr)
        sys.exit(2)
