"""Datalists of cohorts in BIDS layout, as `admoe prepare` makes them."""

from admoe_monai.data.cohorts import (
    BidsFolder,
    load_mapping,
    prepare_cohort,
)

SPLITS = ("training", "validation", "test")
BIDS = load_mapping("bids")


def make(output, root, **options):
    (datalist,) = prepare_cohort(output, BidsFolder(root, BIDS), **options)
    return datalist


def all_visits(datalist):
    return [visit for split in SPLITS for visit in datalist.splits[split]]
