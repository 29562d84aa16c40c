"""The profile of the training text goes from a run's data into its models and their copies."""

import shutil
from pathlib import Path

from seq2seq import Translator
from seq2seq.inference.export import export_model
from seq2seq.io.manifest import MANIFEST, SealedFolder, seal_folder
from seq2seq.runs.model_folder import open_model
from seq2seq.runs.run_folder import RunFolder, find_model
from seq2seq.runs.trained_model import load_model, load_models
from seq2seq.tokenizer.profile import NO_PROFILE, PROFILE, TextProfile


def test_every_form_of_a_model_has_the_profile_of_its_data(trained: Path, tmp_path: Path) -> None:
    profile = TextProfile.load(SealedFolder(RunFolder(trained).data, required=(), optional=(PROFILE,)))
    assert profile.src_characters
    assert profile.tgt_casing.lines + profile.src_casing.lines > 0
    folder = open_model(trained)
    export_model(folder, tmp_path / "exported")
    for model in (
        Translator.load(trained).model,
        load_model(trained),
        load_models([folder, folder]),
        open_model(tmp_path / "exported"),
    ):
        assert model.profile == profile


def test_a_model_of_an_older_version_has_an_empty_profile(trained: Path, tmp_path: Path) -> None:
    shutil.copytree(find_model(trained), tmp_path / "old")
    for name in (PROFILE, MANIFEST):
        (tmp_path / "old" / name).unlink()
    seal_folder(tmp_path / "old")
    assert open_model(tmp_path / "old").profile == NO_PROFILE
