"""Whether search finds the moments people asked for: `python -m bench.retrieval DIR`.

DIR holds `interviews.jsonl` ({id, title, turns: [{speaker, text}]}), `queries.jsonl` ({id, query}) and what the scorer
needs; the scorer is a program of its own, `eval_retrieval.py` beside DIR unless `--scorer` names another. The
interviews go through POST /api/v1/interviews of a real server, the questions through GET /api/v1/search, in each mode;
the peers of `bench.retrieval_peers` answer the same questions in the same run. `--shards N` asks N collections, each
with every Nth interview and its questions, and gives the mean. The last line is one JSON object with the scorer's
figures and with ratios to the best peer.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import httpx

from bench.retrieval_peers import make_peers
from bench.server import running_server

Figures = dict[str, dict[str, Any]]  # what the scorer says, by mode or peer

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


def ask_peers(interviews: list[dict[str, Any]], queries: list[dict[str, Any]], data: Path, scorer: Path) -> Figures:
    """Return the scorer's figures of every peer; the run files stand in `data`."""
    figures: Figures = {}
    for name, answer in make_peers(interviews).items():
        run = data / f"peer-{name}.jsonl"
        with run.open("w", encoding="utf-8") as lines:
            for query in queries:
                lines.write(json.dumps({"query_id": query["id"], "results": answer(query["query"])}) + "\n")
        figures[name] = score(scorer, data, run)
    return figures


def ask_earshot(
    interviews: list[dict[str, Any]], queries: list[dict[str, Any]], data: Path, scorer: Path, modes: Iterable[str]
) -> Figures:
    """Return the scorer's figures of every mode, asked of a server of its own; the run files stand in `data`."""
    figures: Figures = {}
    with running_server() as server:
        started = time.perf_counter()
        wait_until_ready(server.api, add_interviews(server.api, interviews))
        print(f"ready after {time.perf_counter() - started:.0f} s", file=sys.stderr)
        for mode in modes:
            run = data / f"{mode}.jsonl"
            took_ms = ask_all(server.api, queries, mode, run)
            figures[mode] = {**score(scorer, data, run), "p50_ms": round(statistics.median(took_ms), 1)}
    return figures


def write_shard(data: Path, folder: Path, number: int, count: int) -> None:
    """Write every `count`th interview of `data`, from `number` on, and the questions all of whose answers are there."""
    interviews = read_jsonl(data / "interviews.jsonl")[number::count]
    kept = {interview["id"] for interview in interviews}
    answers = read_jsonl(data / "qrels.jsonl")
    elsewhere = {answer["query_id"] for answer in answers if answer["interview_id"] not in kept}
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in (
        ("interviews", interviews),
        ("queries", [query for query in read_jsonl(data / "queries.jsonl") if query["id"] not in elsewhere]),
        ("qrels", [answer for answer in answers if answer["query_id"] not in elsewhere]),
    ):
        with (folder / f"{name}.jsonl").open("w", encoding="utf-8") as lines:
            lines.writelines(json.dumps(row) + "\n" for row in rows)


def mean_of(figures: list[Figures]) -> Figures:
    """Return each figure's mean over several runs with the same names; of the queries, how many there were."""
    return {
        name: {
            **{key: round(statistics.fmean(run[name][key] for run in figures), 4) for key in figures[0][name]},
            "queries": sum(run[name]["queries"] for run in figures),
        }
        for name in figures[0]
    }


def compare(ours: Figures, peers: Figures) -> dict[str, float]:
    """Return our nDCG@10 and recall@10 as multiples of the best peer's; words alone and meaning alone of their like."""
    rivals = {"hybrid": list(peers), "semantic": ["dense"], "keyword": ["bm25"]}
    return {
        f"{mode}_{key}": round(ours[mode][key] / max(peers[name][key] for name in rivals[mode]), 3)
        for mode in ours
        for key in ("ndcg@10", "recall@10")
        if peers
    }


def main() -> None:
    """Measure every mode and every peer and print the figures."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("data", type=Path)
    arguments.add_argument("--scorer", type=Path, help="the scoring program (default: eval_retrieval.py beside DIR)")
    arguments.add_argument("--modes", nargs="*", default=MODES, choices=MODES)
    arguments.add_argument("--peers", action=argparse.BooleanOptionalAction, default=True)
    arguments.add_argument("--shards", type=int, default=1, help="how many collections to make of DIR (default: 1)")
    arguments.add_argument("--runs", type=Path, help="folder to keep the run files in")
    given = arguments.parse_args()
    scorer = given.scorer or given.data.resolve().parent / "eval_retrieval.py"
    ours: list[Figures] = []
    peers: list[Figures] = []
    with tempfile.TemporaryDirectory(prefix="earshot-retrieval-") as temporary:
        for number in range(given.shards):
            shard = (given.runs or Path(temporary)) / f"{given.data.resolve().name}-{number}"
            write_shard(given.data, shard, number, given.shards)
            interviews, queries = read_jsonl(shard / "interviews.jsonl"), read_jsonl(shard / "queries.jsonl")
            peers.append(ask_peers(interviews, queries, shard, scorer) if given.peers else {})
            ours.append(ask_earshot(interviews, queries, shard, scorer, given.modes) if given.modes else {})
            print(json.dumps({"shard": number, **ours[-1], "peers": peers[-1]}), file=sys.stderr)
    figures, others = mean_of(ours), mean_of(peers)
    head = {"bench": "retrieval", "data": given.data.resolve().name, "shards": given.shards}
    print(json.dumps({**head, **figures, "peers": others, "ratios": compare(figures, others)}))


if __name__ == "__main__":
    main()
