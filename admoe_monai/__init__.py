"""Swin Transformer V2 mixtures of experts for Alzheimer's T1w MRI: SimMIM pretraining, two-task finetuning, exact recovery."""

__version__ = "0.1.0"
