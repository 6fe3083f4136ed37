import pytest
import torch

from admoe_monai.transforms import ExpertGuidance, ExpertGuidanced


@pytest.mark.parametrize(
    ("label", "weights"), [(0, [0.4, 0.6, 0.0, 0.0]), (1, [0.4, 0.0, 0.6, 0.0]), (2, [0.4, 0.0, 0.0, 0.6])]
)
def test_each_diagnosis_is_guided_to_its_own_expert(label, weights):
    torch.testing.assert_close(ExpertGuidance("label_guided")(label), torch.tensor(weights))


def test_an_unknown_diagnosis_is_left_to_the_gate():
    assert ExpertGuidance("label_guided")(torch.tensor(-1)).isnan().all()


@pytest.mark.parametrize("label", [-1, 0, 2])
def test_learned_routing_guides_nobody(label):
    weights = ExpertGuidance("learned")(label)

    assert weights.shape == (4,)
    assert weights.isnan().all()


@pytest.mark.parametrize("label", [-1, 2])
def test_uniform_routing_weighs_all_experts_alike(label):
    assert ExpertGuidance("uniform")(label).tolist() == [0.25] * 4


def test_classes_of_other_names_need_their_experts_named():
    experts = {"sMCI": "mci", "pMCI": "ad"}
    guidance = ExpertGuidance("label_guided", classes=("sMCI", "pMCI"), expert_of=experts, shared_weight=0.25)

    assert guidance(1).tolist() == [0.25, 0.0, 0.0, 0.75]
    with pytest.raises(ValueError, match="needs an expert 'smci'"):
        ExpertGuidance("label_guided", classes=("sMCI", "pMCI"))


def test_two_classes_keep_the_names_of_their_experts():
    assert ExpertGuidance("label_guided", classes=("AD", "CN"))(0).tolist() == pytest.approx([0.4, 0.0, 0.0, 0.6])


def test_the_weights_of_one_item_are_its_own():
    guidance = ExpertGuidance("label_guided")
    guidance(0).zero_()

    assert guidance(0).sum().item() == pytest.approx(1.0)


def test_the_twin_adds_weights_beside_the_diagnosis():
    item = ExpertGuidanced("diagnosis", routing="label_guided")({"diagnosis": torch.tensor(2)})

    torch.testing.assert_close(item["guidance"], torch.tensor([0.4, 0.0, 0.0, 0.6]))
    assert item["diagnosis"] == 2


@pytest.mark.parametrize(("routing", "weight"), [("learned", float("nan")), ("uniform", 0.25)])
def test_an_item_without_the_label_is_routed_like_one_whose_label_is_unknown(routing, weight):
    guidance = ExpertGuidanced("diagnosis", routing=routing, classes=(), allow_missing_keys=True)

    torch.testing.assert_close(guidance({"sex": 0})["guidance"], torch.full((4,), weight), equal_nan=True)


def test_a_label_that_must_be_there_is_missed():
    with pytest.raises(KeyError, match="diagnosis"):
        ExpertGuidanced("diagnosis")({"sex": 0})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"routing": "labels"}, "routing must be one of .* got 'labels'"),
        ({"shared_weight": 1.5}, "shared_weight must lie between 0 and 1, got 1.5"),
        ({"routing": "label_guided", "experts": ("cn", "mci", "ad")}, "needs an expert 'shared'"),
        (
            {"routing": "label_guided", "classes": ()},
            "label_guided routing needs a task whose classes the experts are named",
        ),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        ExpertGuidance(**arguments)


@pytest.mark.parametrize("label", [3, -2])
def test_an_index_without_a_class_is_refused(label):
    with pytest.raises(ValueError, match=f"label {label} is not the index"):
        ExpertGuidance("label_guided")(label)
