"""Every rival by its name. To add a detector, write one function from training and readings to an answer."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.quality.rivals.baselines import ValueForest, robust_z
from benchmarks.quality.rivals.expanding_ecod import expanding_ecod
from benchmarks.quality.rivals.fitted_pyod import histogram, nearest_neighbours
from benchmarks.quality.rivals.river_streams import gaussian_scorer, half_space_trees
from benchmarks.quality.rivals.sub_pca import sub_pca
from benchmarks.quality.rivals.window_forest import window_forest
from ml_core.domain.detectors.detector_kinds import DETECTOR_KINDS
from ml_core.domain.evaluation.scorer import DetectorScorer, Scorer

SEED_CONTAMINATION = 0.1
LOW_CONTAMINATION = 0.01

RIVALS: Mapping[str, Scorer] = {
    "seed": ValueForest(contamination=SEED_CONTAMINATION),
    "forest-0.01": ValueForest(contamination=LOW_CONTAMINATION),
    "robust-z": robust_z,
    "pyod-ecod": expanding_ecod,
    "pyod-hbos": histogram,
    "pyod-knn": nearest_neighbours,
    "sub-pca": sub_pca,
    "window-forest": window_forest,
    "river-hst": half_space_trees,
    "river-gaussian": gaussian_scorer,
}

OURS: Mapping[str, Scorer] = {f"ours:{detector.kind}": DetectorScorer(detector=detector) for detector in DETECTOR_KINDS}
"""Every kind that a site may choose; a new kind is in the table as soon as it is in the product."""

SCORERS: Mapping[str, Scorer] = {**RIVALS, **OURS}
