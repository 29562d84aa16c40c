"""Promise 6: loading a model and translating with it runs no code of the model's, as Python itself sees it.

An audit hook hears of everything that Python is about to do; what a model has no business with is written down.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

HOOK = """
import os

# Code that is made or run, pickles, foreign libraries, processes, the network, changes of files.
FORBIDDEN = (
    "code.__new__", "compile", "exec", "cpython.run_", "marshal.", "pickle.", "ctypes.",
    "os.system", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "os.startfile", "pty.spawn", "subprocess.",
    "socket.", "urllib.", "http.", "ftplib.", "smtplib.", "webbrowser.",
    "os.chmod", "os.chown", "os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.symlink", "os.truncate",
    "os.utime", "shutil.", "tempfile.",
)
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
noted, opened, listening = [], [], False

def hook(event, arguments):
    if not listening:
        return
    if event.startswith(FORBIDDEN) or (event == "import" and arguments[0] not in sys.modules):
        noted.append(f"{event} {arguments}")
    if event == "open":
        # A descriptor was opened before, a name alone is that of a file in an open folder.
        if not isinstance(arguments[0], int):
            path = os.path.realpath(arguments[0]) if str(arguments[0]).startswith("/dev/fd/") else str(arguments[0])
            opened.append(path)
        if arguments[2] & WRITING:
            noted.append(f"open for writing {arguments}")

sys.addaudithook(hook)
sys.dont_write_bytecode = True
"""

TRANSLATE = (
    HOOK
    + """
from seq2seq import Translator

known, strangers = argument
expected = Translator.load(known).translate(["un deux trois", ""])  # loads what is loaded late
listening = True
translations = [Translator.load(folder).translate(["un deux trois", ""]) for folder in strangers]
listening = False
result = {"noted": noted, "opened": opened, "same": translations[0] == expected, "lines": len(translations[1])}
"""
)


def test_loading_and_translating_runs_nothing(
    model: Path, model_of_two_vocabularies: Path, contained: Callable[..., Any]
) -> None:
    """The second of the models that are listened to is of another kind than the one that was loaded before."""
    strangers = [str(model), str(model_of_two_vocabularies)]
    result = contained(TRANSLATE, [str(model), strangers], 4000)
    assert result["noted"] == []
    absolute = {Path(path) for path in result["opened"] if Path(path).is_absolute()}
    assert {str(path.parent if path.is_file() else path) for path in absolute} == set(strangers)
    names = {path.name for folder in strangers for path in Path(folder).iterdir()}
    assert {path for path in result["opened"] if not Path(path).is_absolute()} == names
    assert result["same"]
    assert result["lines"] == 2


# What is done, and the event by which it is heard.
ACTS = {
    "exec('1')": "compile",
    "exec(code)": "exec",
    "marshal.loads(b'N')": "marshal.loads",
    "pickle.loads(b'cos\\nsystem\\n.')": "pickle.find_class",
    "import this": "import",
    "ctypes.CDLL(None)": "ctypes.dlopen",
    "os.system('true')": "os.system",
    "subprocess.run(['true'])": "subprocess.Popen",
    "os.fork() or os._exit(0)": "os.fork",
    "socket.socket()": "socket.__new__",
    "socket.gethostbyname('localhost')": "socket.gethostbyname",
    "open(os.devnull, 'w')": "open for writing",
    "os.open(os.devnull, os.O_WRONLY)": "open for writing",
    "os.remove('/no/such/file')": "os.remove",
    "os.rename('/no/such/file', '/no/other/file')": "os.rename",
}


@pytest.mark.parametrize("act", ACTS)
def test_the_hook_hears_what_is_forbidden(act: str, contained: Callable[..., Any]) -> None:
    """The control: the test above can fail."""
    code = f"""
import contextlib, ctypes, marshal, pickle, socket, subprocess
code = compile("1", "model", "exec")
act = compile({act!r}, "act", "exec")
function = type(hook)(act, globals())
listening = True
with contextlib.suppress(OSError):
    function()
listening = False
result = noted
"""
    assert [one for one in contained(HOOK + code, None, 500) if one.startswith(ACTS[act])]


COLD = (
    HOOK
    + """
listening = True
from seq2seq.cli import app
try:
    app(argument)
except SystemExit as end:
    code = end.code
listening = False
never = ("pickle.", "os.", "pty.", "subprocess.", "socket.", "shutil.", "tempfile.", "open for writing")
result = [code, [one for one in noted if one.startswith(never)]]
"""
)


def test_info_from_a_cold_start_starts_and_writes_nothing(model: Path, contained: Callable[..., Any]) -> None:
    """Imports are code, but that of installed packages."""
    assert contained(COLD, ["info", str(model)], 500) == [0, []]
