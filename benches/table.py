"""The reports that benches/side-by-side has collected, as tables in Markdown.

Usage: table.py FOLDER SERVER...

A report is called ROUND.CASE.SERVER.json, the version of a server is in SERVER.name. Each
figure is the median over the rounds; each ratio is the median of the ratios of single rounds, so
that what slows a whole round down does not count. The first server is the one that the others are
compared with.
"""

import json
import platform
import re
import sys
from pathlib import Path
from statistics import median


def read(folder):
    """{case: {server: {round: report}}}, in the order in which the cases ran first."""
    cases = {}
    paths = sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime)
    for path in paths:
        found = re.fullmatch(r"(\d+)\.([^.]+)\.([^.]+)\.json", path.name)
        if found:
            number, case, server = found.groups()
            report = json.loads(path.read_text())
            cases.setdefault(case, {}).setdefault(server, {})[int(number)] = report
    return cases


def compared(servers, reports, figure):
    """A cell for each server: its median, and the ratio to the first one."""
    values = {
        server: {number: figure(report) for number, report in reports.get(server, {}).items()}
        for server in servers
    }
    base = values[servers[0]]
    cells = []
    for server in servers:
        own = values[server]
        if not own:
            cells.append("")
            continue
        cell = f"{median(own.values()):,.0f}"
        both = [own[number] / base[number] for number in own if base.get(number)]
        if server != servers[0] and both:
            cell += f" ({median(both):.2f})"
        cells.append(cell)
    return cells


def row(cells):
    print("| " + " | ".join(cells) + " |")


def describe(case):
    size, connections, depth = re.fullmatch(r"echo-(\w+?)-c(\d+)-d(\d+)", case).groups()
    size = re.sub(r"(\d)([A-Z])", r"\1 \2", size)
    return f"{size}, {connections} x {depth}"


def processor():
    found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found.group(1) if found else platform.machine()


def main():
    folder, servers = Path(sys.argv[1]), sys.argv[2:]
    cases = read(folder)
    rounds = {number for all in cases.values() for one in all.values() for number in one}
    names = [(folder / f"{server}.name") for server in servers]
    names = [path.read_text().strip() if path.exists() else path.stem for path in names]
    plural = "" if len(rounds) == 1 else "s"
    print(f"{len(rounds)} round{plural}, Linux {platform.release()}, {processor()}.\n")

    echoes = [case for case in cases if case.startswith("echo-")]
    if echoes:
        row(["echo: size, connections x in flight", *names, "generator on the first"])
        row(["---"] * (len(servers) + 2))
        for case in echoes:
            cells = compared(servers, cases[case], lambda report: report["cpu"]["server_ns"])
            own = cases[case].get(servers[0], {}).values()
            own = [report["cpu"]["generator_ns"] for report in own]
            row([describe(case), *cells, f"{median(own):,.0f}" if own else ""])
        print("\nNanoseconds of CPU time for a message, and the ratio to the first server.\n")
        row(["messages a second", *names])
        row(["---"] * (len(servers) + 1))
        for case in echoes:
            cells = compared(servers, cases[case], lambda report: report["per_second"])
            row([describe(case), *cells])
        print()

    if "idle" in cases:
        count = next(iter(next(iter(cases["idle"].values())).values()))["connections"]["opened"]
        row([f"{count:,} idle connections, one echo each", *names])
        row(["---"] * (len(servers) + 1))
        each = compared(
            servers, cases["idle"], lambda report: report["memory"]["resident_per_connection"]
        )
        row(["resident bytes of the server for each", *each])
        print()

    if "handshake" in cases:
        row(["connections opened and closed", *names])
        row(["---"] * (len(servers) + 1))
        rate = compared(
            servers, cases["handshake"], lambda report: 1e9 / report["cpu"]["server_ns"]
        )
        row(["in a second of CPU time of the server", *rate])
        print()

    fans = [case for case in cases if case.startswith("fan-out-")]
    if fans:
        head = ["fan-out", "server, ns of CPU a copy", "copies a second", "to each, median, ms"]
        row([*head, "to the last, median, ms"])
        row(["---"] * 5)
    for case in fans:
        reports = cases[case]["wirebell-serve"].values()

        def middle(figure):
            return median(figure(report) for report in reports)

        def half(name):
            return middle(lambda report: report[name]["percentiles"][0]["ms"])

        size, count = re.fullmatch(r"fan-out-(\w+)-c(\d+)", case).groups()
        cpu = middle(lambda report: report["cpu"]["server_ns"])
        rate = middle(lambda report: report["per_second"])
        cells = [f"{cpu:,.0f}", f"{rate:,.0f}", f"{half('latency'):.2f}"]
        size = re.sub(r"(\d)([A-Z])", r"\1 \2", size)
        row([f"{size} to {count} subscribers", *cells, f"{half('latency_to_last'):.2f}"])


if __name__ == "__main__":
    main()
