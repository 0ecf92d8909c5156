"""detection.series: the labelled series of the Numenta Anomaly Benchmark, as given and hourly.

Hypothesis: without a threshold chosen on the labels the score is near that of published detectors.
Method: the benchmark's published formula over its labelled series, as given and read once an hour,
with the alerts themselves at a fixed number of false incidents. The statistics and their tails
were chosen on every other series, the first among them; the other half was scored after that.
Control: the published scores, with what each detector is told beforehand.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from bench.detection.data import shared_data
from bench.detection.follow import table
from bench.detection.labelled import Labelled, Score, as_given, load, polled, score
from bench.figures import Figure, Result
from tagtide.core.detect import Detector, Settings, make_detector

ASKED = (0.5, 1.0, 2.0)
#: Name, detector and what it is given.
WAYS = (
    ("automatic", "automatic", as_given),
    ("level", "level", as_given),
    ("increments", "statistical", as_given),
    ("increments, hourly sums", "statistical", polled),
)
#: Published scores of the standard profile, and whether the detector is told the range of the
#: file before it begins. They are for all 58 files, with a threshold chosen on the labels.
PUBLISHED = (
    ("ARTime", 74.9, "yes"),
    ("Numenta HTM", 70.1, "yes"),
    ("CAD OSE", 69.9, "yes"),
    ("htmjava", 66.1, "no"),
    ("numentaTM", 64.6, "yes"),
    ("earthgecko Skyline", 58.2, "no"),
    ("KNN-CAD", 58.0, "no"),
    ("relative entropy", 54.6, "yes"),
    ("random cut forest", 51.7, "no"),
    ("Twitter ADVec", 47.1, "no"),
    ("windowed Gaussian", 39.6, "no"),
    ("Bayesian change point", 17.7, "no"),
    ("random", 17.7, "no"),
)


def run(*, quick: bool) -> Result:
    """Our own alerts at a fixed F, nothing fitted to the labels."""
    found = load(shared_data())[:: 6 if quick else 1]
    groups = sorted({series.name.partition("/")[0] for series in found})
    rows, best = [], {}
    for name, detector, follow in WAYS:
        for asked in ASKED:
            scores = _by_series(found, detector, follow, asked)
            whole = sum(scores, Score(0.0, 0, 0, 0))
            best[name, asked] = whole.normalised or 0.0
            halves = [sum(scores[n::2], Score(0.0, 0, 0, 0)).normalised for n in (0, 1)]
            cells = [_of_group(found, scores, group) for group in groups]
            hits = f"{whole.hit}/{whole.windows}, {whole.false}"
            rows.append([f"{name}, F = {asked}", whole.normalised, *halves, hits, *cells])
    rows += [[f"{n} (all 58 files; told the file's range: {y})", s] for n, s, y in PUBLISHED]
    width = 5 + len(groups)
    rows = [row + [None] * (width - len(row)) for row in rows]
    print(f"\nScore, standard profile, {len(found)} series\n")
    print(
        table(
            ["method", "score", "half designed on", "other half", "windows hit, false", *groups],
            rows,
        ),
        flush=True,
    )
    figures = [
        Figure(name=f"G5 score, {name}, F = {asked}", value=best[name, asked], target=60.0)
        for name in ("automatic", "level")
        for asked in (1.0, 2.0)
    ]
    return Result(name="detection.series", figures=figures, facts={"rows": rows})


def _by_series(
    found: list[Labelled],
    detector: str,
    follow: Callable[[Labelled, Detector], list[int]],
    asked: float,
) -> list[Score]:
    make = partial(make_detector, detector, Settings(false_alarms=asked, is_counter=False))
    return [score(len(s.values), s.windows, follow(s, make())) for s in found]


def _of_group(found: list[Labelled], scores: list[Score], group: str) -> float | None:
    inside = [one for s, one in zip(found, scores, strict=True) if s.name.startswith(f"{group}/")]
    return sum(inside, Score(0.0, 0, 0, 0)).normalised
