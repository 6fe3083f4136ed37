import numpy as np
import pandas as pd
import pytest

from admoe_monai.data.demo_cohort.effects import DECLARED_EFFECTS, STRUCTURE_MODELS, gain_for, realised_effects
from admoe_monai.data.demo_cohort.population import sample_subject


def population(effect, count=1200, seed=1):
    stages = ("CN", "MCI", "AD")
    return [
        sample_subject(seed, i, stages[i % 3], visits=(4, 4), effect=effect, shortcut=None, rescan=False)
        for i in range(count)
    ]


def truth_of(subjects):
    return pd.DataFrame(
        [
            {
                "days_from_baseline": v.days,
                "rescan": 0,
                "diagnosis": v.diagnosis,
                "age": v.age,
                "head_size_mm3": s.head_size_mm3,
                **{
                    f"{k}_mm3": m.volume * s.head_size_mm3 * np.exp(v.log_ratio[k]) for k, m in STRUCTURE_MODELS.items()
                },
            }
            for s in subjects
            for v in s.visits
        ]
    )


@pytest.mark.parametrize("effect", [0.0, 1.0, 1.5])
def test_a_large_population_realises_the_declared_effects(effect):
    table = realised_effects(truth_of(population(effect)), effect)
    for row in table.to_dict("records"):
        assert row["declared_d"] == pytest.approx(DECLARED_EFFECTS[row["structure"]] * effect)
        # n = 400 per group: the standard error is at most 0.09.
        assert abs(row["realised_d"] - row["declared_d"]) < 0.27


def test_gain_gives_the_wanted_effect_on_drawn_numbers():
    rng = np.random.default_rng(0)
    controls, patients = rng.uniform(0, 1, 100_000), rng.uniform(2, 3, 100_000)
    gain = gain_for(1.5, 0.2, controls, patients)
    low, high = (gain * s + rng.normal(0, 0.2, s.size) for s in (controls, patients))
    assert (high.mean() - low.mean()) / np.sqrt((high.var() + low.var()) / 2) == pytest.approx(1.5, abs=0.02)


def test_gain_refuses_an_effect_larger_than_that_of_progression_itself():
    with pytest.raises(ValueError, match="d = 9"):
        gain_for(9.0, 0.2, np.linspace(0, 1, 100), np.linspace(2, 3, 100))


def test_realised_effects_adjust_for_head_size_and_age():
    rng = np.random.default_rng(3)
    n = 400
    patient = np.repeat([0, 1], n)
    age, head = rng.normal(70 + 8 * patient, 5), np.exp(rng.normal(14 + 0.1 * patient, 0.1))
    log_volume = np.log(head) + 0.03 * (age - 70) + rng.normal(0, 0.1, 2 * n)
    columns = {f"{k}_mm3": np.exp(log_volume) for k in DECLARED_EFFECTS}
    diagnosis = np.where(patient, "AD", "CN")
    frame = {"days_from_baseline": 0, "rescan": 0, "diagnosis": diagnosis, "age": age, "head_size_mm3": head, **columns}
    assert realised_effects(pd.DataFrame(frame))["realised_d"].abs().max() < 0.25


def test_realised_effects_refuse_too_few_subjects():
    with pytest.raises(ValueError, match="at least 3 CN and 3 AD"):
        realised_effects(truth_of(population(1.0, count=6)))


def test_atrophy_rate_of_patients_agrees_with_the_meta_analysis():
    """Barnes et al. 2009: 4.66 % a year in AD, 95 % interval 3.92 to 5.40; controls 1.41 %, 0.52 to 2.30."""
    rates = {"CN": [], "AD": []}
    for subject in population(1.0):
        first, last = subject.visits[0], subject.visits[-1]
        if first.diagnosis in rates:
            change = last.log_ratio["hippocampus_left"] - first.log_ratio["hippocampus_left"]
            rates[first.diagnosis].append(-100 * np.expm1(change * 365.25 / last.days))
    assert 3.92 < np.mean(rates["AD"]) < 5.40
    assert 0.52 < np.mean(rates["CN"]) < 2.30


def test_age_and_head_size_do_not_depend_on_the_stage():
    subjects = population(1.0)
    groups = {stage: [s for s in subjects if s.visits[0].diagnosis == stage] for stage in ("CN", "AD")}
    for read in (lambda s: s.visits[0].age / 6, lambda s: np.log(s.head_size_mm3) / 0.1):
        means = [np.mean([read(s) for s in groups[stage]]) for stage in ("CN", "AD")]
        assert abs(means[1] - means[0]) < 0.25


def test_all_kinds_of_change_occur_and_reversions_are_rare():
    order = {"CN": 0, "MCI": 1, "AD": 2}
    steps = [
        order[b.diagnosis] - order[a.diagnosis]
        for s in population(1.0)
        for a, b in zip(s.visits[:-1], s.visits[1:], strict=True)
    ]
    share = {
        name: np.mean([np.sign(x) == sign for x in steps]) for name, sign in (("up", 1), ("same", 0), ("down", -1))
    }
    assert share["same"] > 0.75
    assert 0.05 < share["up"] < 0.2
    assert 0.001 < share["down"] < 0.04


def test_shortcut_moves_sites_and_nothing_else():
    plain, marked = (
        [sample_subject(5, i, "AD", visits=(3, 4), effect=1.0, shortcut=shortcut, rescan=False) for i in range(60)]
        for shortcut in (None, "site")
    )
    assert [s.visits for s in plain] == [s.visits for s in marked]
    assert sum(s.site == "site-03" for s in plain) < 35 < 45 < sum(s.site == "site-03" for s in marked)
