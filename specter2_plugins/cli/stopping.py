"""Ending a long command: Ctrl-C, SIGTERM, a store that is gone, and how to go on."""

from __future__ import annotations

import os
import shlex
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from threading import Thread
from types import FrameType
from typing import NoReturn

import typer

from specter2_plugins.addresses import shown, without_secrets
from specter2_plugins.cli.console import errors
from specter2_plugins.errors import StoreError

_KEY_OPTION = "--api-key"
_KEY_VARIABLE = "$QDRANT_API_KEY"
_URL_OPTION = "--url"
_URL_VARIABLE = "$QDRANT_URL"


@contextmanager
def stoppable(kept: Callable[[], int], how: Callable[[int], str] | None = None) -> Iterator[None]:
    """Let what is under way end when the command is asked to stop, and say how to go on.

    The first Ctrl-C or SIGTERM stops the reading and the embedding, and waits for the writes; a second one does not.
    The exit code is then 130 or 143, as for a process that a signal ended.

    Args:
        kept: How many papers the store is known to hold so far, or what else `how` takes.
        how: Says how to go on. By default, papers are kept and the same command goes on.

    Raises:
        StoreError: If the store failed; the message holds the command that goes on.
    """
    asked: list[int] = []
    how = how or _how_to_go_on

    def stop(number: int, frame: FrameType | None) -> NoReturn:
        asked.append(number)
        if len(asked) == 1:
            raise KeyboardInterrupt
        # Python's own way out would wait for the threads that write.
        errors.show_cursor()
        errors.print(f"stopped; {how(kept())}")
        os._exit(_code(number))

    hooked = False

    def again(number: int) -> None:
        while hooked:
            time.sleep(0.01)
        os.kill(os.getpid(), number)

    def once_more(unraisable: sys.UnraisableHookArgs) -> None:
        # An interrupt that comes while Python runs a destructor or a weak reference's callback is dropped there, and
        # so is one that comes while this hook runs: it is sent again once that is over.
        nonlocal hooked
        if asked and isinstance(unraisable.exc_value, KeyboardInterrupt):
            hooked = True
            Thread(target=again, args=(asked.pop(),), daemon=True).start()
            hooked = False
        else:
            hook(unraisable)

    hook = sys.unraisablehook
    with ExitStack() as before:
        before.callback(setattr, sys, "unraisablehook", hook)
        sys.unraisablehook = once_more
        for number in (signal.SIGINT, signal.SIGTERM):
            # What a job in a shell's background was started to ignore stays ignored.
            if signal.getsignal(number) != signal.SIG_IGN:
                before.callback(signal.signal, number, signal.signal(number, stop))
        try:
            yield
        except KeyboardInterrupt:
            errors.print(f"stopped; {how(kept())}")
            raise typer.Exit(_code(asked[0] if asked else signal.SIGINT)) from None
        except StoreError as error:
            raise StoreError(f"{error}. {how(kept())}" if kept() else str(error)) from None


def _code(number: int) -> int:
    return 128 + number


def _how_to_go_on(kept: int) -> str:
    return f"{kept} papers are kept. Go on with: {command_line(sys.argv[1:])}"


def command_line(arguments: list[str]) -> str:
    """Return the command that was given, for a shell, without the API key and without a URL that holds a password.

    These are left out because messages end up in logs.
    """
    words = ["specter2"]
    for previous, argument in zip(["", *arguments], arguments, strict=False):
        if previous == _KEY_OPTION:
            words.append(f'"{_KEY_VARIABLE}"')
        elif argument.startswith(f"{_KEY_OPTION}="):
            words.append(f'{_KEY_OPTION}="{_KEY_VARIABLE}"')
        elif without_secrets(argument) != argument or (previous == _URL_OPTION and shown(argument) != argument):
            option = f"{_URL_OPTION}=" if argument.startswith(f"{_URL_OPTION}=") else ""
            is_url = option or previous == _URL_OPTION
            words.append(f'{option}"{_URL_VARIABLE}"' if is_url else shlex.quote(without_secrets(argument)))
        else:
            words.append(shlex.quote(argument))
    return " ".join(words)
