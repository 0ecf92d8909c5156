"""detection.series: the labelled series of the Numenta Anomaly Benchmark, as given and hourly.

Hypothesis: without a threshold chosen on the labels the score is near that of published detectors.
Method: the benchmark's published formula over its labelled series, as given and read once an hour,
with the alerts themselves at a fixed number of false incidents.
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
    rows, best = [], []
    for name, follow in (("as given", as_given), ("polled hourly", polled)):
        for asked in ASKED:
            scores = _by_group(found, follow, asked)
            whole = sum(scores.values(), Score(0.0, 0, 0, 0))
            best.append(whole.normalised or 0.0)
            cells = [scores[g].normalised for g in groups]
            hits = f"{whole.hit}/{whole.windows}, {whole.false}"
            rows.append([f"tagtide {name}, F = {asked}", whole.normalised, hits, *cells])
    rows += [[f"{n} (all 58 files; told the file's range: {y})", s] for n, s, y in PUBLISHED]
    width = 3 + len(groups)
    rows = [row + [None] * (width - len(row)) for row in rows]
    print(f"\nScore, standard profile, {len(found)} series\n")
    print(table(["method", "score", "windows hit, false", *groups], rows), flush=True)
    figure = Figure(name="G5 score, as given, F = 1", value=best[1], target=60.0)
    return Result(name="detection.series", figures=[figure], facts={"rows": rows})


def _by_group(
    found: list[Labelled], follow: Callable[[Labelled, Detector], list[int]], asked: float
) -> dict[str, Score]:
    make = partial(make_detector, settings=Settings(false_alarms=asked, is_counter=False))
    scores: dict[str, Score] = {}
    for series in found:
        group = series.name.partition("/")[0]
        one = score(len(series.values), series.windows, follow(series, make()))
        scores[group] = scores.get(group, Score(0.0, 0, 0, 0)) + one
    return scores
