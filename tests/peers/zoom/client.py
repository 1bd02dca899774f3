"""Practice Zoom under control of a test: its process, its Marketplace without a browser, its faults and its memory."""

import sys
import time
from pathlib import Path
from typing import Any, Self

import httpx

from tests.peers.environment import Process
from tests.peers.zoom.moodle import LocalNames

ROOT = Path(__file__).resolve().parents[3]


class ZoomProcess(Process):
    """With the product's own libraries: there is no environment of its own to install."""

    def _program(self) -> tuple[list[Path | str], dict[str, str]]:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        return [sys.executable, "-m", "tests.peers.zoom"], {"PYTHONUNBUFFERED": "1", "PYTHONPATH": str(ROOT)}


class RunningZoom:
    """A running practice Zoom. Usable as a context manager. ``url`` is what ``lyceum.zoom.ltipro_url`` is set to."""

    def __init__(self, *arguments: str) -> None:
        """Start the process and wait until it answers."""
        self.process = ZoomProcess(Path(__file__).resolve().parent, *arguments, ready_within=120).start()
        self.url = self.process.url
        self.http = httpx.Client(base_url=self.url, transport=LocalNames(), timeout=60)

    def credential(self, name: str = "Credential") -> str:
        """Create one in the Marketplace; returns its LTI Key."""
        made = self.http.post("/marketplace/apps/lti-pro/configure/new", data={"name": name})
        return str(made.headers["location"]).rpartition("/")[2]

    def add_instance(self, key: str, url: str, client_id: str, token: str, *, calendar: bool = True) -> None:
        """Switch Calendar and Add Instance, as the manual says."""
        moodle = f"/marketplace/apps/lti-pro/configure/{key}/third-party/moodle"
        self._see_other(moodle, {"calendar": "on" if calendar else "off"})
        self._see_other(f"{moodle}/new", {"url": url, "client_id": client_id, "token": token})

    def _see_other(self, path: str, form: dict[str, str]) -> None:
        answer = self.http.post(path, data=form)
        if answer.status_code != 303:
            raise AssertionError(f"{path}: {answer.status_code} {answer.text}")

    def fail(self, **faults: Any) -> None:
        """In place of the faults before; none heals."""
        self.http.post("/practice/faults", json=faults).raise_for_status()

    def rotate_keys(self) -> None:
        self.http.post("/practice/keys").raise_for_status()

    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = self.http.get("/practice/state").raise_for_status().json()
        return found

    def calls(self, within: float = 60) -> list[dict[str, Any]]:
        """To calendars, oldest first, as soon as none is under way."""
        deadline = time.monotonic() + within
        while (state := self.state())["waiting"] and time.monotonic() < deadline:
            time.sleep(0.05)
        return list(state["calls"])

    def refusals(self) -> list[str]:
        """Why messages of sites were not believed, oldest first."""
        return list(self.state()["refusals"])

    def schedule(self, visit: str, **values: Any) -> httpx.Response:
        """As whoever is at the address ``visit``; values: topic, date, time, zone, minutes, weeks."""
        return self._send(f"{visit}/schedule", values)

    def edit(self, visit: str, number: str, **values: Any) -> httpx.Response:
        return self._send(f"{visit}/{number}/edit", values)

    def delete(self, visit: str, number: str) -> httpx.Response:
        return self.http.post(f"{visit}/{number}/delete")

    def _send(self, address: str, values: dict[str, Any]) -> httpx.Response:
        form = {"topic": "Meeting", "date": "2030-03-01", "time": "10:00", "zone": "UTC", "minutes": "60", "weeks": "1"}
        return self.http.post(address, data={**form, **{name: str(value) for name, value in values.items()}})

    def close(self) -> None:
        """End the process."""
        self.http.close()
        self.process.terminate()

    def __enter__(self) -> Self:
        """Already running."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the process."""
        self.close()
