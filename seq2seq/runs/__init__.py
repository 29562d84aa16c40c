"""Run folders and model folders on disk: layout, checkpoints, metrics, lock."""
