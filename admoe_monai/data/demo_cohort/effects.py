"""Effect sizes of the simulated disease: declared values, the gains that reach them, and a check on a finished cohort.

An effect is Cohen's d of AD against CN at the first visit, on the logarithm of a structure's volume, adjusted for head
size and age. Sources:

- Hippocampus: 1.60 left and 1.52 right, the pooled effects of 14 studies (Shi et al. 2009, Hippocampus 19:1055,
  doi:10.1002/hipo.20573). The effect is linear in the latent progression, which puts MCI near half of it; that study
  reports 0.92 and 0.78.
- Lateral ventricles: 1.0, a choice. No meta-analysis of cross-sectional volume was found. They enlarge faster in AD
  than in controls (ADNI: Nestor et al. 2008, Brain 131:2443, doi:10.1093/brain/awn146), by d = 1.3 in PMC3032014,
  table 3.
- Nothing else is driven by the disease. Grey and white matter as a whole give way to the ventricles and contain the
  hippocampi, so their volumes, also in `truth.tsv`, follow a little; no effect is declared for them.

Change with age without disease: hippocampus -1.0 % a year (-0.85 % over all ages, Fraser et al. 2015, NeuroImage
112:364; -1.41 % in controls matched to patients, Barnes et al. 2009, doi:10.1016/j.neurobiolaging.2008.01.010);
ventricles +2.5 % a year, a choice below the 4.2 % in PMC3032014, which would soon leave the range of plausible shapes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = ["DECLARED_EFFECTS", "STRUCTURE_MODELS", "StructureModel", "gain_for", "realised_effects"]

# Head size (mm³) at which `StructureModel.volume` is stated.
REFERENCE_HEAD_MM3 = 1.5e6
REFERENCE_AGE = 73.0


@dataclass(frozen=True)
class StructureModel:
    """Distribution of a structure's volume, and the effect of the disease on it.

    Args:
        effect: Declared Cohen's d of AD against CN; its sign is the direction of the change.
        volume: Typical volume in mm³ of a healthy head of the reference size and age.
        spread: Standard deviation of the logarithm of the volume between people of one size, age and stage.
        ageing: Change of the logarithm of the volume per year of age.
    """

    effect: float
    volume: float
    spread: float
    ageing: float


STRUCTURE_MODELS: Mapping[str, StructureModel] = {
    "lateral_ventricles": StructureModel(effect=1.00, volume=19_000.0, spread=0.40, ageing=0.025),
    "hippocampus_left": StructureModel(effect=-1.60, volume=3_300.0, spread=0.15, ageing=-0.010),
    "hippocampus_right": StructureModel(effect=-1.52, volume=3_400.0, spread=0.15, ageing=-0.010),
}
# Correlation of the spreads, in the order above: the two hippocampi go together, against the ventricles.
SPREAD_CORRELATION = np.array([[1.0, -0.25, -0.25], [-0.25, 1.0, 0.85], [-0.25, 0.85, 1.0]])

DECLARED_EFFECTS: Mapping[str, float] = {name: model.effect for name, model in STRUCTURE_MODELS.items()}


def gain_for(effect: float, spread: float, controls: NDArray[np.float64], patients: NDArray[np.float64]) -> float:
    """Change of log volume per unit of latent progression that produces a wanted Cohen's d.

    Progression varies within each group too and widens its spread, so with gain g the effect is
    g·Δ / √(spread² + g²·v), with Δ the difference of the groups' mean progression and v its pooled
    variance; this is solved for g.

    Args:
        effect: Wanted Cohen's d.
        spread: Standard deviation of log volume from all other causes.
        controls: Latent progression of a large sample of controls.
        patients: The same for patients.

    Raises:
        ValueError: If the progression of the two groups overlaps too much for so large an effect.
    """
    difference = float(patients.mean() - controls.mean())
    variance = float((patients.var() + controls.var()) / 2)
    room = difference**2 - effect**2 * variance
    if room <= 0:
        limit = difference / np.sqrt(variance)
        raise ValueError(
            f"an effect of d = {effect} cannot be reached: the progression itself differs by d = {limit:.2f}"
        )
    return effect * spread / float(np.sqrt(room))


def realised_effects(truth: pd.DataFrame, effect: float = 1.0) -> pd.DataFrame:
    """Cohen's d of AD against CN in a cohort's true volumes, beside the declared one.

    First visits only; log volumes, adjusted for log head size and age by one least-squares fit within both groups
    together (a common slope, an intercept per group). The interval is the usual large-sample one.

    Args:
        truth: Rows of the cohort's `truth.tsv`.
        effect: Factor with which the cohort was made.

    Returns:
        One row per structure: declared and realised d, 95 % interval, numbers of CN and AD subjects.

    Raises:
        ValueError: If either group has fewer than three subjects.
    """
    first = truth[(truth["days_from_baseline"] == 0) & (truth["rescan"] == 0)]
    first = first[first["diagnosis"].isin(["CN", "AD"])]
    patient = (first["diagnosis"] == "AD").to_numpy()
    n_ad, n_cn = int(patient.sum()), int((~patient).sum())
    if min(n_ad, n_cn) < 3:
        raise ValueError(
            f"effect sizes need at least 3 CN and 3 AD subjects at their first visit, got {n_cn} and {n_ad}"
        )
    head, age = np.log(first["head_size_mm3"].to_numpy()), first["age"].to_numpy(dtype=float)
    design = np.column_stack([~patient, patient, head - head.mean(), age - age.mean()]).astype(float)
    rows = []
    for name, declared in DECLARED_EFFECTS.items():
        volume = np.log(first[f"{name}_mm3"].to_numpy())
        fit, *_ = np.linalg.lstsq(design, volume, rcond=None)
        residual = volume - design @ fit
        deviation = np.sqrt((residual**2).sum() / (len(volume) - design.shape[1]))
        d = float((fit[1] - fit[0]) / deviation)
        error = np.sqrt(1 / n_ad + 1 / n_cn + d**2 / (2 * (n_ad + n_cn)))
        rows.append((name, declared * effect, d, d - 1.96 * error, d + 1.96 * error, n_cn, n_ad))
    return pd.DataFrame(rows, columns=["structure", "declared_d", "realised_d", "ci_low", "ci_high", "n_CN", "n_AD"])
