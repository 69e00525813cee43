"""Whether search finds the moments people asked for: `python -m bench.retrieval DIR`.

DIR holds `interviews.jsonl` ({id, title, turns: [{speaker, text}]}), `queries.jsonl` ({id, query}) and what the scorer
needs; the scorer is a program of its own, `eval_retrieval.py` beside DIR unless `--scorer` names another. The
interviews go through POST /api/v1/interviews of a real server, the questions through GET /api/v1/search, in each mode.
The last line is one JSON object with the scorer's figures for each mode.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import httpx

from bench.server import running_server

MODES = ("hybrid", "semantic", "keyword")


def read_jsonl(file: Path) -> list[dict[str, Any]]:
    """Return the objects of a file with one on each line."""
    with file.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def add_interviews(api: httpx.Client, interviews: Iterable[dict[str, Any]]) -> list[str]:
    """Send the interviews and return their ids; `external_id` is the id they have in the data."""
    ids = []
    for interview in interviews:
        body = {
            "title": interview["title"],
            "external_id": interview["id"],
            "segments": [{"speaker": turn["speaker"], "text": turn["text"]} for turn in interview["turns"]],
        }
        answer = api.post("/api/v1/interviews", json=body)
        answer.raise_for_status()
        ids.append(answer.json()["id"])
    return ids


def wait_until_ready(api: httpx.Client, ids: Iterable[str], progress: Any = sys.stderr) -> None:
    """Return when every interview is ready; a failed one is an error."""
    for done, interview_id in enumerate(ids, 1):
        while True:
            interview = api.get(f"/api/v1/interviews/{interview_id}").raise_for_status().json()
            if interview["status"] == "ready":
                break
            if interview["status"] in ("failed", "cancelled"):
                raise RuntimeError(f"interview {interview_id} is {interview['status']}: {interview.get('error')}")
            time.sleep(0.1)
        print(f"\r{done} interviews ready", end="", file=progress, flush=True)
    print(file=progress)


def ask_all(api: httpx.Client, queries: Iterable[dict[str, Any]], mode: str, run: Path) -> list[float]:
    """Ask every question in `mode`, write the run file, and return how long each took in milliseconds."""
    took_ms = []
    with run.open("w", encoding="utf-8") as lines:
        for query in queries:
            started = time.perf_counter()
            answer = api.get("/api/v1/search", params={"q": query["query"], "mode": mode, "limit": 10})
            took_ms.append((time.perf_counter() - started) * 1000)
            results = [
                {
                    "interview_id": result["interview"]["external_id"],
                    "first_turn": result["first_segment"],
                    "last_turn": result["last_segment"],
                    "score": result["score"],
                }
                for result in answer.raise_for_status().json()["results"]
            ]
            lines.write(json.dumps({"query_id": query["id"], "results": results}) + "\n")
    return took_ms


def score(scorer: Path, data: Path, run: Path) -> dict[str, Any]:
    """Return what the scorer says of a run file."""
    answer = subprocess.run([sys.executable, scorer, data, run], check=True, stdout=subprocess.PIPE, text=True)
    figures: dict[str, Any] = json.loads(answer.stdout)
    return figures


def main() -> None:
    """Measure every mode and print the figures."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("data", type=Path)
    arguments.add_argument("--scorer", type=Path, help="the scoring program (default: eval_retrieval.py beside DIR)")
    arguments.add_argument("--modes", nargs="+", default=MODES, choices=MODES)
    arguments.add_argument("--runs", type=Path, help="folder to keep the run files in")
    given = arguments.parse_args()
    scorer = given.scorer or given.data.resolve().parent / "eval_retrieval.py"
    interviews, queries = read_jsonl(given.data / "interviews.jsonl"), read_jsonl(given.data / "queries.jsonl")
    figures: dict[str, Any] = {"bench": "retrieval", "data": given.data.name, "interviews": len(interviews)}
    with running_server() as server:
        runs = given.runs or server.data_dir
        runs.mkdir(parents=True, exist_ok=True)
        started = time.perf_counter()
        wait_until_ready(server.api, add_interviews(server.api, interviews))
        figures["ready_after_s"] = round(time.perf_counter() - started, 1)
        for mode in given.modes:
            run = runs / f"{given.data.name}-{mode}.jsonl"
            took_ms = ask_all(server.api, queries, mode, run)
            figures[mode] = {**score(scorer, given.data, run), "p50_ms": round(statistics.median(took_ms), 1)}
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
