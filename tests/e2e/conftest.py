"""A running platform as `manage.py up` starts it, a repository behind a real git protocol, and a browser.

They end with this folder's tests: Playwright keeps an event loop in its thread, in which Django refuses to work.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, StorageState, sync_playwright

from commandcenter.embedded import ports
from tests import chromium
from tests.e2e.api import PASSWORD, USER, wait_for_first_analysis
from tests.e2e.source import write_repository
from tests.embedded.running import Up, data_folder, small_repository, until

CHROMIUM_ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="package")
def platform() -> Iterator[Up]:
    """Everything, running, with an administrator whose password is known."""
    with data_folder() as folder:
        up = Up(
            folder / "data",
            small_repository(folder),
            CC_ADMIN_USER=USER,
            CC_ADMIN_PASSWORD=PASSWORD,
            CC_OUTBOUND_ALLOW="127.0.0.0/8",
            CC_SOURCE_ROOTS=str(folder),
            CC_RATE_LIMITS="off",
            CC_JOB_RETRY_SECONDS="1",
        )
        try:
            up.start_and_wait()
            wait_for_first_analysis(up)
            yield up
        finally:
            up.end()


@pytest.fixture(scope="package")
def git_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a repository of some hundred files, served by git's own daemon on loopback."""
    base = tmp_path_factory.mktemp("served")
    write_repository(base / "service")
    port = ports.choose()
    argv = [
        "git", "daemon", "--reuseaddr", "--export-all", f"--base-path={base}", "--listen=127.0.0.1", f"--port={port}", str(base),
    ]  # fmt: skip
    daemon = subprocess.Popen(
        argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    url = f"git://127.0.0.1:{port}/service"
    try:
        until(lambda: _answers(url), "the git daemon's answer")
        yield url
    finally:
        daemon.terminate()
        daemon.wait(10)


def _answers(url: str) -> bool:
    done = subprocess.run(["git", "ls-remote", url], capture_output=True, timeout=20, check=False)
    return done.returncode == 0


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One headless Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.find(), args=CHROMIUM_ARGUMENTS)
        yield browser
        browser.close()


@contextmanager
def _watched(browser: Browser, platform: Up, **context: Any) -> Iterator[Page]:
    made = browser.new_context(
        **{
            "base_url": f"http://localhost:{platform.port}",
            "viewport": {"width": 1280, "height": 800},
            **context,
        }
    )
    page = made.new_page()
    page.set_default_timeout(60_000)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    yield page
    made.close()
    assert errors == []


@pytest.fixture
def page(browser: Browser, platform: Up) -> Iterator[Page]:
    """A page of a fresh session; what its console calls an error fails the test."""
    with _watched(browser, platform) as page:
        yield page


@pytest.fixture
def signed_in(page: Page) -> Page:
    """A page after sign-in, through the form."""
    sign_in(page)
    return page


def sign_in(page: Page, user: str = USER) -> None:
    """Sign in through the form."""
    page.goto("/login/")
    page.get_by_label("Username").fill(user)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Overview").wait_for()


@pytest.fixture(scope="package")
def session(browser: Browser, platform: Up) -> StorageState:
    """What a browser keeps of one sign-in: sign-ins are limited, also where other limits are off."""
    with _watched(browser, platform) as page:
        sign_in(page)
        return page.context.storage_state()


@pytest.fixture
def opened(browser: Browser, platform: Up, session: StorageState) -> Iterator[Callable[..., Page]]:
    """Return a function that opens a page of the signed-in session, in a context as its arguments say."""
    with ExitStack() as stack:
        yield lambda **context: stack.enter_context(
            _watched(browser, platform, storage_state=session, **context)
        )


@pytest.fixture(scope="package")
def downloads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where exports are saved."""
    return tmp_path_factory.mktemp("downloads")
