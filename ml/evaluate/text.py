"""The report as lines for a terminal and as CSV for a spreadsheet."""

import csv
from pathlib import Path
from typing import Any

from ml.evaluate.figures import Verdict

SAID: dict[Verdict, str] = {
    "beats grey": "",
    "may be chance": "its lead over leaving the photos grey may be chance",
    "does not beat grey": "does not beat leaving the photos grey",
    "failed": "",
}
COLUMNS = (
    "photo", "model", "de00", "minus_grey", "colourfulness", "true_colourfulness", "psnr",
    "max_abs_dL", "seconds",
)  # fmt: skip


def table(report: dict[str, Any]) -> str:
    """One line per model below grey's, and below it what has to be said in words."""
    about, seconds = report["set"], report["seconds"]
    wide = max(18, 2 + max(map(len, report["models"]), default=0))
    lines = [
        f"{about['images']} photos, long side {about['long_side']}, set {about['sha256'][:12]}, "
        f"colourfulness of the truth {number(report['truth']['colourfulness'], '.1f')}",
        f"{'model':<{wide}}{'dE00':>7}{'p10':>7}{'p50':>7}{'p90':>7}{'- grey':>8}"
        f"{'95 % interval':>17}{'better':>8}{'colour':>8}{'PSNR':>7}{'max dL':>8}{'s/photo':>9}",
        f"{'grey':<{wide}}" + "".join(number(n, "7.2f") for n in report["grey"]["de00"].values()),
    ]
    for name, row in report["models"].items():
        lines += [f"{name:<{wide}}" + figures(row, report["truth"]["colourfulness"])]
        lines += [f"{'':<{wide}}^ {remark}" for remark in remarks(row, report)]
    lines.append(f"{seconds['wall']:.1f} s in all, {seconds['processor']:.1f} s of processor time")
    return "\n".join(lines)


def figures(row: dict[str, Any], truth: float) -> str:
    if row["verdict"] == "failed":
        return f" every photo failed ({row['failed'][0]['code']})"
    low, high = row["de00_minus_grey"]["ci95"]
    colour = f"{row['colourfulness'] / truth:.0%}" if truth else "-"
    return (
        "".join(f"{value:7.2f}" for value in row["de00"].values())
        + f"{row['de00_minus_grey']['mean']:8.2f}{f'{low:.2f} .. {high:.2f}':>17}"
        + f"{row['better_than_grey']:8d}{colour:>8}{row['psnr']:7.2f}"
        + f"{row['max_abs_dL']:8.3f}{row['seconds']['p50']:9.3f}"
    )


def remarks(row: dict[str, Any], report: dict[str, Any]) -> list[str]:
    """What a reader must not miss about a model."""
    wanted, told = report["settings"]["hints"], row["hints"]
    found = [SAID[row["verdict"]]] if SAID[row["verdict"]] else []
    if wanted and told:
        found.append(f"was told the true colour of {told} points")
    elif wanted:
        found.append("reads no hints: measured without")
    if row["failed"] and row["verdict"] != "failed":
        missing = ", ".join(f"{failure['photo']} ({failure['code']})" for failure in row["failed"])
        found.append(f"{len(row['failed'])} left out: {missing}")
    return found


def number(value: float | None, form: str) -> str:
    return "-".rjust(7) if value is None else format(value, form)


def write_csv(report: dict[str, Any], path: Path) -> None:
    """One line per photo and model, grey first."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="")
        writer.writeheader()
        for photo in report["photos"]:
            shared = {"photo": photo["photo"], "true_colourfulness": photo["colourfulness"]}
            grey = {"model": "grey", "de00": photo["grey"], "minus_grey": 0, "colourfulness": 0}
            writer.writerow({**shared, **grey})
            for name, scores in photo["models"].items():
                writer.writerow({**shared, "model": name, **scores})
