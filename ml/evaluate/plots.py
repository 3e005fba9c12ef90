"""The plots of a report: each one question, answered with grey beside it."""

from typing import Any

from ml.evaluate.axes import Axes, span

ROW = 46  # height of one model's row in a distribution
Report = dict[str, Any]


def measured(report: Report) -> dict[str, dict[str, Any]]:
    """The models that coloured at least one photo."""
    rows: dict[str, dict[str, Any]] = report["models"]
    return {name: row for name, row in rows.items() if row["verdict"] != "failed"}


def distribution(report: Report) -> str:
    """dE00 of every photo, one row per model, grey on top: dots, the middle 80 %, the median."""
    photos = report["photos"]
    rows = {"left grey": [(photo["photo"], photo["grey"]) for photo in photos]}
    for name in measured(report):
        rows[name] = [
            (photo["photo"], photo["models"][name]["de00"])
            for photo in photos
            if name in photo["models"]
        ]
    reach = span([value for dots in rows.values() for _, value in dots], (0.0,))
    axes = Axes(reach, (0, len(rows)), height=58 + ROW * len(rows), left=10)
    axes.scale_x("dE00 to the true colours (lower is better)")
    spreads = [report["grey"]["de00"], *(row["de00"] for row in measured(report).values())]
    for place, ((name, dots), spread) in enumerate(zip(rows.items(), spreads, strict=True)):
        kind = "model" if place else "plain"
        y = len(rows) - place - 0.68
        axes.text(0, y + 0.5, name, "label", (4, 6))
        axes.box((spread["p10"], y - 0.13), (spread["p90"], y + 0.13), f"{kind} band")
        for number, (photo, value) in enumerate(dots):
            lift = 0.11 * ((number * 7) % 5 - 2) / 2  # spread out, the same way every time
            axes.dot(value, y + lift, f"{kind} dot", f"{photo}: {value:.2f}", 2)
        axes.line((spread["p50"], y - 0.24), (spread["p50"], y + 0.24), f"{kind} median")
    said = "; ".join(
        f"{name}: median {spread['p50']:.1f}, eight of ten photos between {spread['p10']:.1f} "
        f"and {spread['p90']:.1f}"
        for name, spread in zip(rows, spreads, strict=True)
    )
    return axes.svg("dE00 of every photo", said)


def differences(report: Report, name: str) -> str:
    """The paired difference to grey of every photo, sorted, with its mean and interval."""
    pairs = sorted(
        (photo["models"][name]["minus_grey"], photo["photo"])
        for photo in report["photos"]
        if name in photo["models"]
    )
    found = report["models"][name]["de00_minus_grey"]
    low, high = found["ci95"]
    values = [value for value, _ in pairs]
    axes = Axes((0, len(pairs)), span([*values, low, high], (0.0,)), height=260, bottom=30)
    axes.scale_y("dE00 minus grey's")
    axes.box((0, low), (len(pairs), high), "interval", f"95 % interval {low:.2f} to {high:.2f}")
    for place, (value, photo) in enumerate(pairs):
        kind = "model bar" if value < 0 else "worse bar"
        axes.box((place + 0.1, 0), (place + 0.9, value), kind, f"{photo}: {value:+.2f}")
    axes.line((0, 0), (len(pairs), 0), "zero")
    axes.line((0, found["mean"]), (len(pairs), found["mean"]), "mean")
    axes.text(0, axes.y[0], "better than grey", "tick", (2, 18))
    axes.text(len(pairs), axes.y[0], "worse than grey", "tick", (-2, 18), "end")
    better = report["models"][name]["better_than_grey"]
    said = f"mean {found['mean']:.2f}, 95 % interval {low:.2f} to {high:.2f}; better than grey on "
    return axes.svg(
        f"{name} against grey on every photo", said + f"{better} of {len(pairs)} photos"
    )


def vividness(report: Report) -> str:
    """dE00 against colourfulness: a muted model is close to the truth and shows little. "" where
    the truth has no colour.
    """
    truth, grey = report["truth"]["colourfulness"], report["grey"]["de00"]["mean"]
    if not truth:
        return ""
    places = {
        name: (row["colourfulness"] / truth, row["de00"]["mean"])
        for name, row in measured(report).items()
    }
    reach = [1.0, *(x for x, _ in places.values())]
    axes = Axes(span(reach, (0.0,)), span([grey, *(y for _, y in places.values())], (0.0,)))
    axes.scale_x("colourfulness, share of the true photos'", share=True)
    axes.scale_y("mean dE00")
    axes.line((0, grey), (axes.x[1], grey), "plain mean")
    for name, (x, y) in {"left grey": (0.0, grey), "truth": (1.0, 0.0), **places}.items():
        kind = "model dot" if name in places else "plain dot"
        axes.dot(x, y, f"{kind} big", f"{name}: dE00 {y:.2f}, colourfulness {x:.0%}", 5)
        left = x > 0.6 * axes.x[1]
        axes.text(x, y, name, "label", (-8, -8) if left else (8, -8), "end" if left else "start")
    said = "; ".join(f"{name}: dE00 {y:.2f} at {x:.0%}" for name, (x, y) in places.items())
    return axes.svg("dE00 against colourfulness", f"left grey: {grey:.2f} at 0%; {said}")


def course(report: Report) -> str:
    """Mean dE00 over the steps of the training, the interval of the difference around it; ""
    without two checkpoints (the report's figure 6 as a curve).
    """
    rows = sorted(
        (row["step"], row["de00"]["mean"], row["de00_minus_grey"])
        for row in measured(report).values()
        if row["step"] is not None
    )
    if len(rows) < 2:
        return ""
    grey = report["grey"]["de00"]["mean"]
    bars = [(step, mean, *(mean - d["mean"] + end for end in d["ci95"])) for step, mean, d in rows]
    values = [value for _, *three in bars for value in three]
    axes = Axes(span([step for step, *_ in bars], (0.0,)), span([*values, grey]), right=24)
    axes.scale_x("step or epoch of the training")
    axes.scale_y("mean dE00")
    axes.line((0, grey), (axes.x[1], grey), "plain mean")
    axes.text(axes.x[1], grey, "left grey", "label", (-4, -5), "end")
    for step, _, low, high in bars:
        axes.line((step, low), (step, high), "model whisker")
    axes.path([(step, mean) for step, mean, *_ in bars], "model curve")
    for step, mean, low, high in bars:
        words = f"step {step:,}: {mean:.2f} ({low:.2f} to {high:.2f})"
        axes.dot(step, mean, "model dot big", words, 4)
    said = "; ".join(f"step {step:,}: {mean:.2f}" for step, mean, *_ in bars)
    return axes.svg("dE00 over the training", f"left grey: {grey:.2f}; {said}")
