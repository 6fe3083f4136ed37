"""How much of the true volumes is in the images and in a network's features: the simulated cohort.

    python scripts/studies/volumes_from_images.py RUN_DIR COHORT_DIR [--checkpoint pretrain_checkpoint.pth ...]

RUN_DIR holds a run without clinical prior on the simulated cohort COHORT_DIR. From the preprocessed voxels (averaged over
cubes of 3) and from the features before the head of diagnosis (averaged over tokens), ridge regression learns the logarithm
of each structure's share of the head on the training visits. Printed is R² on all visits of the test subjects, and CN against
AD at their first visits from the estimated volumes, by the logistic regression that `demo_cohort.py` gives the true ones. So it
is seen whether a diagnosis that is missed is not in the image, not in the features, or not found by training on diagnoses.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from sklearn.decomposition import PCA
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch.nn import functional as F
from tqdm import tqdm

from admoe_monai.evaluation import evaluate_predictions
from admoe_monai.evaluation.baselines import head_size_fractions, held_out_baseline
from admoe_monai.workflows.finished.prediction import TrainedRun, cohort_of

STRUCTURES = ["lateral_ventricles", "hippocampus_left", "hippocampus_right"]
CLASSES = ["CN", "MCI", "AD"]
CUBE, COMPONENTS, BATCH = 3, 400, 32


def visits_of(run: TrainedRun, cohort_dir: Path, split: str) -> pd.DataFrame:
    """The visits of a split with the logarithm of every structure's share of the head."""
    truth = head_size_fractions(pd.read_csv(cohort_dir / "truth.tsv", sep="\t")).set_index("image")
    visits = pd.DataFrame(cohort_of(run).splits[split])
    names = [Path(image).relative_to(cohort_dir.resolve()).as_posix() for image in visits["image"]]
    for structure in STRUCTURES:
        visits[structure] = np.log(truth.loc[names, f"{structure}_fraction"].to_numpy())
    return visits


def voxels_and_features(run: TrainedRun, split: str) -> dict[str, np.ndarray]:
    """Averaged voxels and averaged features (N, D) of every visit of a split, without augmentation."""
    store = run.phase(cohort_of(run).items(split), torch.device("cpu"))["validate::store"]
    voxels, features, taken = [], [], []
    norm = run.network.get_submodule("task_norms.diagnosis")
    hook = norm.register_forward_hook(lambda module, inputs, output: taken.append(output.flatten(1, -2).mean(1)))
    with torch.inference_mode():
        for start in tqdm(range(0, len(store), BATCH), desc=split, disable=None):
            end = min(start + BATCH, len(store))
            images = torch.stack([torch.as_tensor(store[i]["image"]).float() for i in range(start, end)])
            voxels.append(F.avg_pool3d(images, CUBE).flatten(1))
            run.network(images, tasks=("diagnosis",))
            features.append(taken.pop())
    hook.remove()
    return {"voxels": torch.cat(voxels).numpy(), "features": torch.cat(features).numpy()}


def estimate(training: np.ndarray, truth: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Estimated volumes (N, structures) of training and test visits."""
    components = min(COMPONENTS, *training.shape)
    model = make_pipeline(
        PCA(components, random_state=0), StandardScaler(), RidgeCV(alphas=np.logspace(-1, 5, 13))
    ).fit(training, truth)
    return model.predict(training), model.predict(test)


def report(name: str, training: pd.DataFrame, test: pd.DataFrame, fitted: np.ndarray, estimated: np.ndarray) -> None:
    """Print R² per structure and the AUC through the estimated volumes."""
    truth = test[STRUCTURES].to_numpy()
    r2 = 1 - ((estimated - truth) ** 2).sum(0) / ((truth - truth.mean(0)) ** 2).sum(0)
    tables = [visits.assign(**dict(zip(STRUCTURES, values.T, strict=True)))
              for visits, values in ((training, fitted), (test, estimated))]  # fmt: skip
    table = held_out_baseline(*tables, STRUCTURES, CLASSES)
    result = evaluate_predictions(table, {"diagnosis": CLASSES})["diagnosis"]
    auc = result["metrics"]["auc_CN_vs_AD"]
    print(
        f"{name:<44} R² {', '.join(f'{s} {value:.2f}' for s, value in zip(STRUCTURES, r2, strict=True))}"
        f"; AUC CN/AD {auc['value']:.3f} [{auc['low']:.3f}, {auc['high']:.3f}]"
    )


def main() -> None:
    """Estimate and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run_dir", type=Path)
    parser.add_argument("cohort_dir", type=Path)
    parser.add_argument("--checkpoint", nargs="+", default=["pretrain_checkpoint.pth", "best_model.pth"])
    arguments = parser.parse_args()
    for number, name in enumerate(arguments.checkpoint):
        run = TrainedRun.load(arguments.run_dir, name)
        training, test = (visits_of(run, arguments.cohort_dir, split) for split in ("training", "test"))
        inputs = {split: voxels_and_features(run, split) for split in ("training", "test")}
        if number == 0:
            people = test["subject_id"].nunique()
            print(f"{training['subject_id'].nunique()} training subjects, {people} test subjects, {len(test)} visits")
            report("true volumes", training, test, training[STRUCTURES].to_numpy(), test[STRUCTURES].to_numpy())
        for kind in ("voxels", "features")[number > 0 :]:
            values = estimate(inputs["training"][kind], training[STRUCTURES].to_numpy(), inputs["test"][kind])
            report(kind if kind == "voxels" else f"features, {name}", training, test, *values)


if __name__ == "__main__":
    main()
