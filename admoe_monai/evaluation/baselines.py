"""Logistic regression on a table of numbers: the baseline of a network.

It returns a prediction table, so that both are evaluated by the same function on the same visits.
Axis letters: N visits, F features, K classes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from admoe_monai.errors import UserError
from admoe_monai.evaluation.predictions import PredictionTable, people_of

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


def logistic_regression() -> Pipeline:
    """Build the model: median imputation, scaling, multinomial logistic regression with classes weighted equally.

    Everything in it is fitted on the training visits alone.
    """
    return make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True),
        StandardScaler(),
        LogisticRegression(class_weight="balanced", max_iter=2000),
    )


def regression_logits(
    values: FloatArray, labels: IntArray, number: int, class_weights: Sequence[float] | None = None
) -> tuple[FloatArray, FloatArray]:
    """Fit a multinomial logistic regression, as a layer that computes its logits.

    Args:
        values: Features of standardised columns without gaps, ``(N, F)``.
        labels: Classes, ``(N,)``, 0 to K - 1.
        number: Number K of classes.
        class_weights: Weight of each class in the likelihood, as in the loss; None for 1 each.

    Returns:
        Weights ``(K, F)`` and bias ``(K,)``. A class that does not occur is as likely as half a visit among all.

    Raises:
        ValueError: If fewer than two classes occur.
    """
    weighted = None if class_weights is None else dict(enumerate(class_weights))
    model = LogisticRegression(class_weight=weighted, max_iter=2000).fit(values, labels)
    coefficients, intercepts = model.coef_, model.intercept_
    if len(model.classes_) == 2:  # scikit-learn gives the second class alone
        coefficients, intercepts = np.vstack([-coefficients, coefficients]) / 2, np.array([-1, 1]) * intercepts / 2
    weights, bias = np.zeros((number, values.shape[1])), np.full(number, intercepts.min() - np.log(2 * len(labels)))
    weights[model.classes_], bias[model.classes_] = coefficients, intercepts
    return weights, bias


def decision_tree() -> Pipeline:
    """Build a model that also reads codes without order, and what is missing: a small tree, classes weighted equally."""
    return make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True, add_indicator=True),
        DecisionTreeClassifier(max_leaf_nodes=8, min_samples_leaf=2, class_weight="balanced", random_state=0),
    )


def cross_validated_baseline(
    table: pd.DataFrame,
    features: Sequence[str],
    classes: Sequence[str],
    task: str = "diagnosis",
    folds: int = 5,
    seed: int = 0,
    model: Callable[[], Pipeline] = logistic_regression,
) -> PredictionTable:
    """Predict every labelled visit by a model that has seen no visit of its subject.

    Stratified folds of whole subjects (scikit-learn's ``StratifiedGroupKFold``); all labelled visits of the other
    folds train.

    Args:
        table: Visits with ``subject_id``, the features and a column named after the task.
        features: Names of numeric or boolean columns; missing values are imputed.
        classes: Class names of the task; visits with other or empty labels are left out, so that with two of three
            classes the first visit of a subject is the first one in these two.
        task: Name of the column to predict.
        folds: Number of folds, at least 2.
        seed: Seed of the division into folds.
        model: Function that makes the model to fit in each fold.

    Returns:
        A prediction table of the labelled visits, with a further column ``fold``.

    Raises:
        UserError: When a column is missing or not numeric, or a class has fewer subjects than there are folds.
    """
    values, truth, kept = _inputs(table, features, classes, task)
    subjects = people_of(kept).to_numpy(str)
    per_class = {name: len(set(subjects[truth == k])) for k, name in enumerate(classes)}
    for name, number in per_class.items():
        if number < folds:
            raise UserError(f"{task} {name!r} has {number} subjects: too few for {folds} folds, use fewer folds.")
    probabilities = np.zeros((len(kept), len(classes)))
    fold_of = np.zeros(len(kept), dtype=int)
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    for fold, (train, test) in enumerate(splitter.split(values, truth, subjects)):
        probabilities[test] = _fit_predict(values[train], truth[train], values[test], len(classes), model)
        fold_of[test] = fold
    return _predictions(kept.assign(fold=fold_of), probabilities, classes, task)


def held_out_baseline(
    training: pd.DataFrame,
    test: pd.DataFrame,
    features: Sequence[str],
    classes: Sequence[str],
    task: str = "diagnosis",
) -> PredictionTable:
    """Predict the visits of a test set by a model fitted on a training set.

    Args:
        training: Visits with ``subject_id``, the features and a column named after the task.
        test: Other subjects' visits with the same columns.
        features: Names of numeric or boolean columns; missing values are imputed by the training set's medians.
        classes: Class names of the task; other or empty labels are left out on both sides.
        task: Name of the column to predict.

    Raises:
        UserError: When a column is missing or not numeric, a class is absent from the training set, or a subject is in
            both sets.
    """
    shared = {*people_of(training)} & {*people_of(test)}
    if shared:
        raise UserError(f"subject {min(shared)!r} is in the training and in the test set: {len(shared)} such subjects.")
    values, truth, _ = _inputs(training, features, classes, task)
    for k, name in enumerate(classes):
        if not (truth == k).any():
            raise UserError(f"{task} {name!r} does not occur in the training set.")
    held_out, _, kept = _inputs(test, features, classes, task)
    return _predictions(kept, _fit_predict(values, truth, held_out, len(classes), logistic_regression), classes, task)


def head_size_fractions(table: pd.DataFrame, head_size: str = "head_size_mm3") -> pd.DataFrame:
    """Divide volumes by head size, the usual correction before they are compared between people.

    Args:
        table: Visits with volumes in columns that end in ``_mm3`` (cubic millimetres).
        head_size: Column of the head size in the same unit.

    Returns:
        The table with one further column ``<structure>_fraction`` per volume.

    Raises:
        UserError: When there is no head size, or one that is not positive.
    """
    if head_size not in table:
        raise UserError(f"the table has no column {head_size!r} (it has: {', '.join(map(str, table.columns))}).")
    if not (table[head_size] > 0).all():
        raise UserError(f"{head_size} must be positive, but its smallest value is {table[head_size].min()}.")
    volumes = [name for name in table.columns if name.endswith("_mm3") and name != head_size]
    return table.assign(**{f"{name.removesuffix('_mm3')}_fraction": table[name] / table[head_size] for name in volumes})


def _inputs(
    table: pd.DataFrame, features: Sequence[str], classes: Sequence[str], task: str
) -> tuple[np.ndarray, np.ndarray, pd.DataFrame]:
    """Features (N, F), class indices (N,) and rows of the visits labelled with one of the classes."""
    for name in ("subject_id", task, *features):
        if name not in table:
            raise UserError(f"the table has no column {name!r} (it has: {', '.join(map(str, table.columns))}).")
    kept = table[table[task].isin(list(classes))].reset_index(drop=True)
    if kept.empty:
        raise UserError(f"no visit has a {task} among {', '.join(classes)}.")
    try:
        values = kept[list(features)].to_numpy(dtype=float, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise UserError(f"features {', '.join(features)} must be numbers ({error}).") from error
    truth = kept[task].map({name: k for k, name in enumerate(classes)}).to_numpy(int)
    return values, truth, kept


def _fit_predict(
    values: np.ndarray, truth: np.ndarray, held_out: np.ndarray, classes: int, model: Callable[[], Pipeline]
) -> np.ndarray:
    fitted = model().fit(values, truth)
    probabilities = np.zeros((len(held_out), classes))
    # A class absent from a fold's training visits keeps probability 0.
    probabilities[:, fitted.classes_] = fitted.predict_proba(held_out)
    return probabilities


def _predictions(kept: pd.DataFrame, probabilities: np.ndarray, classes: Sequence[str], task: str) -> PredictionTable:
    columns = [f"p_{task}_{name}" for name in classes]
    return PredictionTable(kept.assign(**dict(zip(columns, probabilities.T, strict=True))), {task: list(classes)})
