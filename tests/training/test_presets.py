"""Small versions of the presets of the papers train, resume, translate and score."""

from collections.abc import Callable
from pathlib import Path

import pytest
from runs import Killed, run_to_the_end
from typer.testing import CliRunner

from seq2seq.cli import app
from seq2seq.config import Config
from seq2seq.inference.translator import Translator
from seq2seq.presets import build_config, preset_names
from seq2seq.scoring.pairs import Scorer
from seq2seq.training.loop import Trainer

PRESETS = [name for name in preset_names() if name not in ("context", "attention")]


def small(preset: str, tiny: Callable[..., Config], steps: int) -> Config:
    layers = {"model.encoder_layers": 2, "model.decoder_layers": 2} if "lstm" in build_config(preset).model.cell else {}
    options = {
        "data.train_src": tiny().data.train_src,
        "data.train_tgt": tiny().data.train_tgt,
        "data.src_lang": "fr",
        "data.tgt_lang": "en",
        "tokenizer.vocab_size": 300,
        "model.embedding_size": 8,
        "model.hidden_size": 16,
        "model.context_size": 16,
        "training.batch_tokens": 128,
        "training.max_steps": steps,
        "training.validate_every": 2,
        "training.precision": "float32",
        **layers,
    }
    return build_config(preset, options=options)


@pytest.mark.parametrize("preset", PRESETS)
def test_a_small_version_trains_resumes_translates_and_scores(
    preset: str, tiny: Callable[..., Config], tmp_path: Path
) -> None:
    config, whole, resumed = small(preset, tiny, 5), tmp_path / "whole", tmp_path / "resumed"
    outcome = run_to_the_end(config, whole)
    original = Trainer._step

    def step_or_die(self: Trainer) -> None:
        if self.state.step == 3:
            raise Killed
        original(self)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Trainer, "_step", step_or_die)
        run_to_the_end(config, resumed)
    assert run_to_the_end(config, resumed, resume=True) == outcome

    translator, lines = Translator.load(whole), ["un deux", "six", ""]
    for beam_size in (1, 3):
        translations = translator.translate(lines, beam_size=beam_size)
        assert [len(translations), translations[2]] == [3, ""]
        assert [translator.translate([line], beam_size=beam_size)[0] for line in lines] == translations
    assert Translator.load(whole, whole).translate(lines, beam_size=3) == translations
    score = Scorer.load(whole).score([("un deux", "one two")])[0]
    assert score.log_prob < 0
    assert f"preset                {preset}" in CliRunner().invoke(app, ["info", str(whole)]).stdout
