"""Pages run by Streamlit's own tester, with real readers and a real worker behind them."""

from collections.abc import Callable, Iterator

import pytest
import stand_ins
from stand_ins import ROOT, SECONDS
from streamlit.testing.v1 import AppTest

from rsviz.core import registry
from rsviz.core.card import ModelCard
from rsviz.core.model import Result
from rsviz.jobs.job import JobState
from rsviz.views import clients, shell

Open = Callable[..., AppTest]


@pytest.fixture(scope="session", autouse=True)
def helpers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Results go to a folder of the tests; readers and worker end with them."""
    patch = pytest.MonkeyPatch()
    patch.setenv("RSVIZ_CACHE", str(tmp_path_factory.mktemp("cache")))
    yield
    clients.readers.clear()
    clients.executor.clear()
    patch.undo()


@pytest.fixture
def open_page() -> Open:
    """Run one page by itself, as if the router had been there, with a query."""

    def run(page: str, **query: str) -> AppTest:
        test = AppTest.from_file(str(ROOT / "pages" / f"{page}.py"), default_timeout=SECONDS)
        test.session_state[shell.ROUTED] = True
        for name, value in query.items():
            test.query_params[name] = value
        return test.run()

    return run


@pytest.fixture
def open_app() -> Callable[[], AppTest]:
    """Run the whole app."""

    def run() -> AppTest:
        return AppTest.from_file(str(ROOT / "app.py"), default_timeout=SECONDS).run()

    return run


@pytest.fixture(scope="session")
def farmland() -> tuple[ModelCard, Result]:
    """MambaMoE's card with weights for the farmland sample, and a result with all its layers."""
    source = clients.readers().open("farmland")
    about, truth = source.describe(), source.truth()
    assert truth is not None
    card = stand_ins.trained(registry.card("mamba_moe"), "farmland", about)
    return card, stand_ins.full_result(card, about, truth.labels)


@pytest.fixture
def answering(farmland, monkeypatch) -> stand_ins.FakeExecutor:
    """An executor that has the answer at once."""
    card, result = farmland
    return _installed(monkeypatch, card, stand_ins.FakeExecutor(result))


@pytest.fixture
def scripted(farmland, monkeypatch) -> Callable[..., stand_ins.FakeExecutor]:
    """An executor whose runs go through the given states."""

    def make(*states: JobState) -> stand_ins.FakeExecutor:
        card, result = farmland
        return _installed(monkeypatch, card, stand_ins.FakeExecutor(result, states))

    return make


def _installed(
    monkeypatch, card: ModelCard, executor: stand_ins.FakeExecutor
) -> stand_ins.FakeExecutor:
    monkeypatch.setattr(clients, "executor", lambda: executor)
    monkeypatch.setattr(registry, "cards", lambda: {card.id: card})
    return executor
