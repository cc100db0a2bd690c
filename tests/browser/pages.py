"""What the tests do with the page, in their own words."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webdriver import WebDriver

SCRIPTS = (Path(__file__).parent / "scripts.js").read_text(encoding="utf-8")
PATIENCE = 20.0  # seconds: a slow machine is not an error


class Page:
    """The page in a browser."""

    def __init__(self, driver: WebDriver, folder: Path, downloads: Path) -> None:
        self.driver, self.folder, self.downloads = driver, folder, downloads

    def open(self, state: str = "") -> None:
        """Load it anew, with the part of the address after the file's name."""
        self.driver.get("about:blank")
        self.driver.get((self.folder / "index.html").as_uri() + state)
        self.until("return !!document.documentElement.dataset.ready")
        self.run(SCRIPTS)

    def size(self, width: int, height: int) -> None:
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def dark(self, wanted: bool) -> None:
        features = [{"name": "prefers-color-scheme", "value": "dark" if wanted else "light"}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def run(self, script: str, *arguments: object) -> Any:
        return self.driver.execute_script(script, *arguments)

    def until(self, script: str, *arguments: object) -> Any:
        """Wait until a script returns something true, and give that."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if found := self.run(script, *arguments):
                return found
            time.sleep(0.02)
        raise AssertionError(f"never true: {script}; console: {self.console()}")

    def console(self) -> list[str]:
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def find(self, selector: str) -> Any:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector: str) -> list[Any]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def click(self, selector: str) -> None:
        self.run("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", self.find(selector))
        self.find(selector).click()

    def choose(self, name: str, value: str) -> None:
        """Choose an option by the keyboard's way: the value, then a change."""
        before = self.run("return diffbench.explorer.turn")
        script = """const s = document.getElementById(arguments[0]); s.value = arguments[1];
            s.dispatchEvent(new Event('change', {bubbles: true})); return s.value"""
        assert self.run(script, name, value) == value, f"{name} has no option {value}"
        if name.startswith("explorer"):
            self.settled(before)

    def check(self, name: str, value: str, on: bool = True) -> None:
        """Tick a box of the explorer."""
        before = self.run("return diffbench.explorer.turn")
        box = self.find(f"#explorer-controls input[name='{name}'][value='{value}']")
        if box.is_selected() != on:
            self.run("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", box)
            box.click()
            self.settled(before)

    def settled(self, before: int) -> None:
        self.until(
            """const e = diffbench.explorer;
               return e.turn > arguments[0] && e.state && e.shown === e.turn""",
            before,
        )

    def state(self) -> dict[str, Any]:
        return self.run("return diffbench.explorer.state")

    def lines(self) -> set[str]:
        """Names of the lines that are drawn in the explorer."""
        return set(self.run("return t.lines()"))

    def points(self, panel: int = 0) -> list[dict[str, Any]]:
        """Every measured point of a panel as it was handed to the drawing."""
        return self.run("return t.points(arguments[0])", panel)

    def downloaded(self, name: str) -> bytes:
        """Wait for a download and take it away."""
        path = self.downloads / name
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if path.is_file() and path.stat().st_size and not path.with_name(f"{name}.crdownload").exists():
                content = path.read_bytes()
                path.unlink()
                return content
            time.sleep(0.02)
        raise AssertionError(f"no download {name}, but {sorted(p.name for p in self.downloads.iterdir())}")

    def press(self, *keys: str) -> None:
        """Type to whatever has the focus."""
        for key in keys:
            self.driver.switch_to.active_element.send_keys(getattr(Keys, key, key))

    def focus(self) -> str:
        """What has the focus: its id, or its text."""
        return self.run("const a = document.activeElement; return a.id || a.textContent.trim()")
