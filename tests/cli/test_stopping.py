"""`stoppable`: a signal ends what is under way, wherever it comes."""

from __future__ import annotations

import signal
import weakref

import pytest

pytest.importorskip("typer")

import typer

from specter2_plugins.cli.stopping import stoppable


class Referred:
    """What a weak reference can refer to."""


def test_a_signal_in_a_weak_references_callback_is_not_lost(capsys: pytest.CaptureFixture[str]) -> None:
    """Python drops what such a callback raises, so that the first Ctrl-C did nothing."""
    referred = Referred()
    reference = weakref.ref(referred, lambda _: signal.raise_signal(signal.SIGTERM))
    with pytest.raises(typer.Exit) as ended, stoppable(lambda: 7):  # noqa: PT012
        del referred
        assert reference() is None
        while True:  # a run that goes on
            pass
    assert ended.value.exit_code == 143
    assert capsys.readouterr().err.startswith("stopped; 7 papers are kept. Go on with: ")
