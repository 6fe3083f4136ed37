"""The population: subjects, their latent progression, their visits and the records of a clinic.

One number per subject and time, the progression s, stands for the disease: below 1 is CN, 1 to 2 MCI, above 2 AD. It
rises at a speed of its own in every subject. A clinician observes it with a little error, which makes a few diagnoses
revert. Volumes follow s exactly (`effects`) and nothing else in an image does, so with all effects at zero the images
of first visits are independent of the diagnosis. Speeds are chosen for plausible atrophy rates and for enough conversions
in a small cohort: about a quarter of MCI converts within a year, more than in most clinics.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from .effects import REFERENCE_AGE, REFERENCE_HEAD_MM3, SPREAD_CORRELATION, STRUCTURE_MODELS, gain_for
from .scanner import SITES

__all__ = ["DIAGNOSES", "Subject", "Visit", "sample_subject"]

DIAGNOSES = ("CN", "MCI", "AD")
# Error of the clinician, in units of progression.
_CLINICAL_ERROR = 0.10
# Mean speed of progression per year by stage; a fifth of the controls decline as fast as MCI.
_SPEED = {"CN": 0.03, "MCI": 0.22, "AD": 0.30}
_DECLINING_CONTROLS = 0.2
# Share of APOE ε4 alleles by stage, at the full effect.
_APOE4 = {"CN": 0.14, "MCI": 0.24, "AD": 0.36}
_CALIBRATION_SUBJECTS = 40_000
# The independent streams of random numbers of one subject.
_STREAMS = {"person": 0, "clinic": 1, "site": 2}


@dataclass(frozen=True)
class Visit:
    """One session of a subject.

    Args:
        session_id: Label by nominal month, such as M012.
        days: Days since the first visit.
        age: Age in years.
        progression: Latent state s.
        diagnosis: CN, MCI or AD, as the clinic records it.
        mmse: Simulated Mini-Mental State score, 0 to 30.
        cdr: Simulated global Clinical Dementia Rating.
        log_ratio: Per structure, the logarithm of its volume over that in a healthy head of the same size at the
            reference age.
    """

    session_id: str
    days: int
    age: float
    progression: float
    diagnosis: str
    mmse: int
    cdr: float
    log_ratio: dict[str, float]


@dataclass(frozen=True)
class Subject:
    """One simulated person; `index` also selects the streams of random numbers of the head and the scans."""

    index: int
    participant_id: str
    sex: str
    education: int
    apoe4: int
    site: str
    head_size_mm3: float
    rescan: bool
    visits: tuple[Visit, ...]


def stream(seed: int, index: int, purpose: int) -> np.random.Generator:
    """A random generator that depends on nothing but the seed, the subject and the purpose."""
    return np.random.default_rng([seed, index, purpose])


def sample_subject(
    seed: int,
    index: int,
    stage: str,
    *,
    visits: tuple[int, int],
    effect: float,
    shortcut: str | None,
    rescan: bool,
) -> Subject:
    """Draw one person at random.

    Args:
        seed: Seed of the cohort.
        index: Number of the subject, from 0.
        stage: CN, MCI or AD, where progression starts at the first visit.
        visits: Smallest and largest number of visits, a year apart.
        effect: Factor on all declared effect sizes.
        shortcut: "site" ties the site to the stage, `None` draws it at random.
        rescan: Whether the first session is scanned twice.
    """
    person = stream(seed, index, _STREAMS["person"])
    sex = "F" if person.random() < 0.5 else "M"
    normal = np.clip(person.standard_normal(5), -2.5, 2.5)
    age = float(REFERENCE_AGE + 6.0 * normal[0])
    # Men's heads are about an eighth larger; 8 % spread within a sex.
    head = REFERENCE_HEAD_MM3 * (1.06 if sex == "M" else 0.94) * np.exp(0.08 * normal[1])
    education = int(np.clip(round(person.normal(14, 3)), 6, 22))
    allele = 0.25 + (_APOE4[stage] - 0.25) * min(effect, 1.0)
    apoe4 = int(person.binomial(2, allele))
    start = _start(stage, person.random())
    speed = _speed(person, stage)
    spread = np.linalg.cholesky(SPREAD_CORRELATION) @ normal[2:]
    count = int(person.integers(visits[0], visits[1] + 1))
    gains = _gains(effect)
    clinic = stream(seed, index, _STREAMS["clinic"])
    listed = []
    for number in range(count):
        days = 0 if number == 0 else round(365.25 * number + clinic.uniform(-25, 25))
        state = start + speed * days / 365.25
        now = age + days / 365.25
        diagnosis = _diagnose(clinic, state)
        ratio = {
            name: model.ageing * (now - REFERENCE_AGE) + gains[name] * (state - 0.5) + model.spread * float(spread[k])
            for k, (name, model) in enumerate(STRUCTURE_MODELS.items())
        }
        listed.append(
            Visit(
                f"M{12 * number:03d}",
                days,
                round(now, 2),
                state,
                diagnosis,
                _mmse(clinic, state),
                _cdr(diagnosis, state),
                ratio,
            )
        )
    return Subject(
        index=index,
        participant_id=f"sub-{index + 1:04d}",
        sex=sex,
        education=education,
        apoe4=apoe4,
        site=_site(stream(seed, index, _STREAMS["site"]), stage, shortcut),
        head_size_mm3=float(head),
        rescan=rescan,
        visits=tuple(listed),
    )


def _start(stage: str, quantile: float) -> float:
    return DIAGNOSES.index(stage) + 0.03 + 0.94 * quantile


def _speed(generator: np.random.Generator, stage: str) -> float:
    declining = stage == "CN" and generator.random() < _DECLINING_CONTROLS
    mean = _SPEED["MCI" if declining else stage]
    return float(generator.gamma(shape=3.0, scale=mean / 3.0))


def _diagnose(generator: np.random.Generator, state: float) -> str:
    seen = state + generator.normal(0, _CLINICAL_ERROR)
    return DIAGNOSES[int(np.clip(np.floor(seen), 0, 2))]


def _mmse(generator: np.random.Generator, state: float) -> int:
    expected = np.interp(state, [0, 1, 2, 3, 4], [29.2, 28.4, 25.8, 21.0, 16.0])
    deviation = np.interp(state, [0, 1, 2, 3], [0.9, 1.3, 2.0, 2.8])
    return int(np.clip(round(generator.normal(expected, deviation)), 0, 30))


def _cdr(diagnosis: str, state: float) -> float:
    if diagnosis == "AD":
        return 2.0 if state > 3.0 else 1.0
    return 0.5 if diagnosis == "MCI" else 0.0


def _site(generator: np.random.Generator, stage: str, shortcut: str | None) -> str:
    chance = generator.random()
    names = list(SITES)
    if shortcut is None:
        return names[int(chance * len(names))]
    marked = {"CN": 0.1, "MCI": 0.5, "AD": 0.9}[stage]
    return names[-1] if chance < marked else names[int((chance - marked) / (1 - marked) * (len(names) - 1))]


@lru_cache(maxsize=8)
def _gains(effect: float) -> dict[str, float]:
    """Change of log volume per unit of progression for every structure, from a large sample of first visits."""
    generator = np.random.default_rng(0)
    states, seen = np.empty(_CALIBRATION_SUBJECTS), np.empty(_CALIBRATION_SUBJECTS, dtype=object)
    for i in range(_CALIBRATION_SUBJECTS):
        states[i] = _start(DIAGNOSES[i % 3], generator.random())
        seen[i] = _diagnose(generator, states[i])
    groups: list[NDArray[np.float64]] = [states[seen == name] for name in ("CN", "AD")]
    return {name: gain_for(effect * model.effect, model.spread, *groups) for name, model in STRUCTURE_MODELS.items()}
