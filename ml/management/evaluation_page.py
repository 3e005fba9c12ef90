"""The report of an evaluation as one HTML page that needs nothing but itself."""

from datetime import UTC, datetime
from typing import Any

from django.template.loader import render_to_string
from django.utils.safestring import mark_safe

from ml.evaluate import plots
from ml.evaluate.gallery import Gallery
from ml.evaluate.text import remarks

Report = dict[str, Any]


def page(report: Report, gallery: Gallery) -> str:
    """Names of files and models are escaped by the template, those inside plots by the plots."""
    return render_to_string(
        "ml/evaluation.html",
        {
            "report": report,
            "rows": [(name, row, remarks(row, report)) for name, row in report["models"].items()],
            "verdicts": [said(name, row, report) for name, row in report["models"].items()],
            "plots": [(caption, mark_safe(svg)) for caption, svg in drawn(report)],
            "galleries": [(name, gallery.choices(report, name)) for name in plots.measured(report)],
            "failures": failures(report),
            "now": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        },
    )


def said(name: str, row: dict[str, Any], report: Report) -> dict[str, Any]:
    """The verdict on a model as a sentence, and whether it is bad news."""
    if row["verdict"] == "failed":
        return {"text": f"{name} coloured no photo.", "problem": True}
    mean, (low, high) = row["de00_minus_grey"]["mean"], row["de00_minus_grey"]["ci95"]
    total = sum(name in photo["models"] for photo in report["photos"])
    share = f"on {row['better_than_grey']} of {total} photos"
    sentence = {
        "beats grey": f"{name} is closer to the true colours than grey by {-mean:.2f} on average "
        f"(95 % interval {-high:.2f} to {-low:.2f}), and {share}.",
        "may be chance": f"{name} is closer than grey by {-mean:.2f} on average, but that may be "
        f"chance (95 % interval {-high:.2f} to {-low:.2f}); it is closer {share}.",
        "does not beat grey": f"{name} does not beat leaving the photos grey: it is further from "
        f"the true colours by {mean:.2f} on average (95 % interval {low:.2f} to {high:.2f}); it is "
        f"closer {share}.",
    }[row["verdict"]]
    return {"text": sentence, "problem": row["verdict"] != "beats grey"}


def drawn(report: Report) -> list[tuple[str, str]]:
    """Captions and plots, as far as there is something to show."""
    names = plots.measured(report)
    if not names:
        return []
    curve = plots.course(report)
    return [
        *([("dE00 over the training", curve)] if curve else []),
        ("dE00 of every photo", plots.distribution(report)),
        ("dE00 against colourfulness", plots.vividness(report)),
        *(
            (f"{name} against grey, photo by photo", plots.differences(report, name))
            for name in names
        ),
    ]


def failures(report: Report) -> list[str]:
    """Every photo that some model did not colour, once, with the reason."""
    found: dict[str, list[str]] = {}
    for name, row in report["models"].items():
        for failure in row["failed"]:
            found.setdefault(f"{failure['photo']}: {failure['code']}", []).append(name)
    return [f"{what} ({', '.join(names)})" for what, names in found.items()]
