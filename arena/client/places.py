"""Where programs keep their things on this system; tools look here unless their own variables say otherwise."""

import os
import sys
from collections.abc import Iterator

EDITORS = (
    "Code",
    "Code - Insiders",
    "Cursor",
    "Windsurf",
    "VSCodium",
    "Positron",
    "Antigravity",
    "Trae",
)
"""Visual Studio Code and its forks, by the names of their folders."""

SERVERS = (".vscode-server", ".vscode-server-insiders", ".cursor-server", ".windsurf-server")
"""Where they work when an editor elsewhere is connected to this machine, below the home folder."""

OVERRIDES = (
    *("AMP_DATA_DIR", "ARENA_HOME", "CLAUDE_CONFIG_DIR", "CLINE_DIR", "CODEX_HOME", "COPILOT_HOME"),
    *("CRUSH_GLOBAL_DATA", "DROID_SESSIONS_DIR", "GEMINI_CLI_HOME", "GOOSE_PATH_ROOT", "KILO_DATA_DIR"),
    *("OPENCODE_DATA_DIR", "QWEN_DATA_DIR", "QWEN_HOME", "QWEN_RUNTIME_DIR", "VSCODE_PORTABLE"),
    *("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"),
)
"""Every variable that moves a place of ours or of a tool's."""


def overrides() -> dict[str, str]:
    """Say which places are moved here: a sync that the system starts knows nothing of a shell's variables."""
    return {name: value for name in OVERRIDES if (value := os.environ.get(name)) and value.isprintable()}


def home(*parts: str) -> str:
    """Name a place below the home folder."""
    return os.path.join(os.path.expanduser("~"), *parts)


def overridden(variable: str) -> str:
    """Name the folder that an environment variable gives, or nothing."""
    given = os.environ.get(variable, "").strip()
    return os.path.abspath(os.path.expanduser(given)) if given else ""


def configuration(*parts: str) -> str:
    """Name a place below the folder of configuration that programs with a window use."""
    if sys.platform == "win32":
        base = overridden("APPDATA") or home("AppData", "Roaming")
    elif sys.platform == "darwin":
        base = home("Library", "Application Support")
    else:
        base = overridden("XDG_CONFIG_HOME") or home(".config")
    return os.path.join(base, *parts)


def data(*parts: str) -> str:
    """Name a place below the folder of data that command-line programs use, on macOS too."""
    if sys.platform == "win32":
        return os.path.join(overridden("LOCALAPPDATA") or home("AppData", "Local"), *parts)
    return os.path.join(overridden("XDG_DATA_HOME") or home(".local", "share"), *parts)


def extension_storage(extension: str) -> Iterator[str]:
    """Name the folders in which Visual Studio Code and its forks may keep what an extension stores."""
    users = [configuration(editor, "User") for editor in EDITORS]
    users += [home(server, "data", "User") for server in SERVERS]
    portable = overridden("VSCODE_PORTABLE")
    if portable:
        users.append(os.path.join(portable, "user-data", "User"))
    for user in users:
        yield os.path.join(user, "globalStorage", extension)
