"""Chromium for the tests of the page: headless, without a network, new for every session."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import run_folder

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
DRIVER = shutil.which("chromedriver")
OPTIONS = """--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --hide-scrollbars
    --disable-background-networking --disable-component-update --disable-sync --disable-dev-shm-usage
    --disable-default-apps --disable-extensions --host-resolver-rules=MAP\u00a0*\u00a0~NOTFOUND""".split()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without a browser nothing here can run; `make test` says so in a line of its own."""
    here = Path(__file__).parent
    if CHROMIUM and DRIVER:
        return
    reason = "no chromium and chromedriver; `make test-browser` installs them or says how"
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A rendered run folder."""
    from diffbench.report import render

    made = run_folder.make(tmp_path_factory.mktemp("run") / "run")
    render(made)
    return made


@pytest.fixture(scope="session")
def downloads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory, downloads: Path) -> Iterator[object]:
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for option in OPTIONS:
        options.add_argument(option.replace("\u00a0", " "))
    options.add_argument(f"--user-data-dir={tmp_path_factory.mktemp('chromium')}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    allow = {"behavior": "allow", "downloadPath": str(downloads)}
    driver.execute_cdp_cmd("Browser.setDownloadBehavior", allow)
    yield driver
    driver.quit()


@pytest.fixture
def page(browser, folder, downloads):
    """The page, open and ready, at a desktop's width."""
    from pages import Page

    opened = Page(browser, folder, downloads)
    opened.size(1280, 900)
    opened.open()
    yield opened
    assert opened.console() == []  # after everything that a test did
