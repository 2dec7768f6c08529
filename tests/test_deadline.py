"""Long tests that no time is left for are skipped by name."""

from types import SimpleNamespace

import pytest


@pytest.mark.parametrize(("deadline", "skipped"), [(0.0, True), (1e9, False), (None, False)])
def test_after_the_deadline_no_test_starts(deadline, skipped, request):
    (conftest,) = [
        plugin
        for plugin in request.config.pluginmanager.get_plugins()
        if (getattr(plugin, "__file__", None) or "").endswith("tests/conftest.py")
    ]
    item = SimpleNamespace(
        nodeid="test_long", config=SimpleNamespace(getoption=lambda name: deadline)
    )
    if not skipped:
        conftest.pytest_runtest_setup(item)
        return
    with pytest.raises(pytest.skip.Exception, match="no time left for test_long"):
        conftest.pytest_runtest_setup(item)
