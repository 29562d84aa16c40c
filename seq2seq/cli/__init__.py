"""The `seq2seq` command. One file per command; torch is imported only inside the commands that need it."""

from seq2seq.signals import silent_interrupt

with silent_interrupt():  # until `CleanErrors` reports it
    import typer

    from seq2seq.cli import (
        bench,
        data,
        distill,
        evaluate,
        export,
        info,
        plot,
        presets,
        rescore,
        score,
        train,
        translate,
        tune,
    )
    from seq2seq.cli.app import CleanErrors, show_version

app = typer.Typer(
    name="seq2seq",
    cls=CleanErrors,
    help="Train a small translation model on your own sentence pairs, translate with it and evaluate it.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.callback()(show_version)
app.command()(train.train)
app.command()(translate.translate)
app.command()(tune.tune)
app.command()(distill.distill)
app.command()(evaluate.evaluate)
app.command()(score.score)
app.command()(rescore.rescore)
app.command()(export.export)
app.add_typer(data.data, name="data")
app.command()(info.info)
app.add_typer(plot.plot, name="plot")
app.command()(bench.bench)
app.command()(presets.presets)
