"""Presets as TOML files: settings that differ from the defaults of `seq2seq.config`."""
