"""Promise 6: loading a model and translating with it runs no code from the model, as Python's audit events show.

An audit hook sees everything that Python is about to do and records what a model must never cause.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

HOOK = """
import os

# Compiling or running code, pickles, foreign libraries, processes, the network, changes to files.
FORBIDDEN = (
    "code.__new__", "compile", "exec", "cpython.run_", "marshal.", "pickle.",
    "ctypes.dlopen", "ctypes.dlsym", "ctypes.call_function", "ctypes.string_at", "ctypes.wstring_at",
    "os.system", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "os.startfile", "pty.spawn", "subprocess.",
    "socket.", "urllib.", "http.", "ftplib.", "smtplib.", "webbrowser.",
    "os.chmod", "os.chown", "os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.symlink", "os.truncate",
    "os.utime", "shutil.", "tempfile.",
)
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
violations, opened, recording = [], [], False

def hook(event, arguments):
    if not recording:
        return
    if event.startswith(FORBIDDEN) or (event == "import" and arguments[0] not in sys.modules):
        violations.append(f"{event} {arguments}")
    if event == "open":
        # Descriptors were opened earlier; a bare name is that of a file in an open folder.
        if not isinstance(arguments[0], int):
            path = os.path.realpath(arguments[0]) if str(arguments[0]).startswith("/dev/fd/") else str(arguments[0])
            opened.append(path)
        if arguments[2] & WRITING:
            violations.append(f"open for writing {arguments}")

sys.addaudithook(hook)
sys.dont_write_bytecode = True
"""

TRANSLATE = (
    HOOK
    + """
from seq2seq import Translator

known, untrusted = argument
expected = Translator.load(known).translate(["un deux trois", ""])  # triggers lazy imports
recording = True
translations = [Translator.load(folder).translate(["un deux trois", ""]) for folder in untrusted]
recording = False
same = translations[0] == expected
result = {"violations": violations, "opened": opened, "same": same, "lines": len(translations[1])}
"""
)


def test_loading_and_translating_runs_no_code_from_the_model(
    model: Path, model_of_two_vocabularies: Path, run_isolated: Callable[..., Any]
) -> None:
    """The second of the recorded models is of another kind than the one loaded before recording."""
    untrusted = [str(model), str(model_of_two_vocabularies)]
    result = run_isolated(TRANSLATE, [str(model), untrusted], 4000)
    assert result["violations"] == []
    absolute = {Path(path) for path in result["opened"] if Path(path).is_absolute()}
    assert {str(path.parent if path.is_file() else path) for path in absolute} == set(untrusted)
    names = {path.name for folder in untrusted for path in Path(folder).iterdir()}
    assert {path for path in result["opened"] if not Path(path).is_absolute()} == names
    assert result["same"]
    assert result["lines"] == 2


# Actions, and the audit event of each.
ACTIONS = {
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


@pytest.mark.parametrize("action", ACTIONS)
def test_the_hook_detects_forbidden_actions(action: str, run_isolated: Callable[..., Any]) -> None:
    """Control: the test above can fail."""
    code = f"""
import contextlib, ctypes, marshal, pickle, socket, subprocess
code = compile("1", "model", "exec")
action = compile({action!r}, "action", "exec")
function = type(hook)(action, globals())
recording = True
with contextlib.suppress(OSError):
    function()
recording = False
result = violations
"""
    assert [event for event in run_isolated(HOOK + code, None, 500) if event.startswith(ACTIONS[action])]


COLD = (
    HOOK
    + """
recording = True
from seq2seq.cli import app
try:
    app(argument)
except SystemExit as end:
    code = end.code
recording = False
never = ("pickle.", "os.", "pty.", "subprocess.", "socket.", "shutil.", "tempfile.", "open for writing")
result = [code, [event for event in violations if event.startswith(never)]]
"""
)


def test_info_in_a_new_process_starts_and_writes_nothing(model: Path, run_isolated: Callable[..., Any]) -> None:
    """Imports run code, but only that of installed packages."""
    assert run_isolated(COLD, ["info", str(model)], 500) == [0, []]
