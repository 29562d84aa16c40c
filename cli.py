from seq2seq.cli import app

app()
