from __future__ import annotations

import numpy as np
import torch
from ignite.engine import Engine
from sklearn.metrics import confusion_matrix, recall_score

from admoe_monai.metrics import class_metrics

CLASSES = {"diagnosis": ("CN", "MCI", "AD"), "change": ("stable", "conversion")}


def scores_of(batches: list[dict[str, dict[str, torch.Tensor]]]) -> dict[str, object]:
    engine = Engine(lambda engine, batch: batch)
    for name, metric in class_metrics(CLASSES, lambda output: (output["pred"], output["label"])).items():
        metric.attach(engine, name)
    engine.run(batches)
    return engine.state.metrics


def test_counts_and_recalls_are_those_of_scikit_learn_without_unknown_labels() -> None:
    generator = torch.Generator().manual_seed(0)
    batches = [
        {
            "pred": {task: torch.randn(8, len(names), generator=generator) for task, names in CLASSES.items()},
            "label": {
                task: torch.randint(-1, len(names), (8,), generator=generator) for task, names in CLASSES.items()
            },
        }
        for _ in range(3)
    ]
    found = scores_of(batches)
    for task, names in CLASSES.items():
        truth = np.concatenate([batch["label"][task].numpy() for batch in batches])
        predicted = np.concatenate([batch["pred"][task].argmax(1).numpy() for batch in batches])
        known = truth >= 0
        assert not known.all()
        counts = found[f"{task}_confusion"]
        assert isinstance(counts, torch.Tensor)
        np.testing.assert_array_equal(counts, confusion_matrix(truth[known], predicted[known]))
        recalls = recall_score(truth[known], predicted[known], average=None)
        for name, recall in zip(names, recalls, strict=True):
            assert found["recall"][f"{task}_{name}"] == recall  # type: ignore[index]


def test_a_class_without_a_visit_has_no_recall() -> None:
    label = {"diagnosis": torch.tensor([0, 0]), "change": torch.tensor([-1, -1])}
    pred = {"diagnosis": torch.eye(3)[[0, 2]], "change": torch.eye(2)}
    assert scores_of([{"pred": pred, "label": label}])["recall"] == {"diagnosis_CN": 0.5}
