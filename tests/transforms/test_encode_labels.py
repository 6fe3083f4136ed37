import pytest
import torch
from torch.utils.data import default_collate

from admoe_monai.transforms import EncodeLabels, EncodeLabelsd

CLASSES = {"diagnosis": ["CN", "MCI", "AD"], "change": ["sMCI", "pMCI"]}


@pytest.mark.parametrize(("label", "index"), [("CN", 0), ("MCI", 1), ("AD", 2), (None, -1)])
def test_a_name_becomes_its_position_and_an_unknown_label_minus_one(label, index):
    encoded = EncodeLabels(CLASSES["diagnosis"])(label)

    assert encoded.dtype == torch.int64
    assert encoded.item() == index


def test_each_key_has_its_own_classes():
    item = EncodeLabelsd(CLASSES)({"diagnosis": "AD", "change": "pMCI", "age": 70})

    assert (item["diagnosis"].item(), item["change"].item(), item["age"]) == (2, 1, 70)


def test_encoded_labels_collate_to_a_batch():
    transform = EncodeLabelsd(CLASSES)
    batch = default_collate([transform({"diagnosis": name, "change": None}) for name in ("MCI", None)])

    assert batch["diagnosis"].tolist() == [1, -1]
    assert batch["change"].tolist() == [-1, -1]


def test_a_label_outside_the_classes_is_refused_by_name():
    with pytest.raises(ValueError, match=r"label 'EMCI' is not one of the classes \['CN', 'MCI', 'AD'\]"):
        EncodeLabels(CLASSES["diagnosis"])("EMCI")


@pytest.mark.parametrize("classes", [[], ["AD"], ["AD", "AD"]])
def test_fewer_than_two_different_classes_are_refused(classes):
    with pytest.raises(ValueError, match="two or more different classes"):
        EncodeLabels(classes)


def test_a_missing_key_is_an_error_unless_allowed():
    with pytest.raises(KeyError):
        EncodeLabelsd(CLASSES)({"diagnosis": "CN"})
    assert "change" not in EncodeLabelsd(CLASSES, allow_missing_keys=True)({"diagnosis": "CN"})
