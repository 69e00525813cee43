"""`earshot search-quality run`: ask the kept questions and say how well the search found what it should."""

from typing import Annotated

import typer

from app.cli.opening import open_services, write_json
from core.visibility import ALL_SEEING

commands = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)


@commands.callback()
def about() -> None:
    """Questions with the moments they should find; administrators keep them on the page /search-quality."""


@commands.command()
def run(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Ask all questions, store the run, and print recall@10 and nDCG@10."""
    from app import search_quality

    services = open_services()
    done = search_quality.run(services, "cli", ALL_SEEING)
    questions = [one for one in search_quality.list_questions(services) if one.latest]
    if as_json:
        write_json(
            {
                "run": done.id,
                "at": done.at.isoformat(),
                "model": done.model,
                "questions": done.questions,
                "recall@10": round(done.quality.recall, 4),
                "ndcg@10": round(done.quality.ndcg, 4),
                "per_question": [
                    {"query": one.query, "recall@10": round(one.latest.recall, 4), "ndcg@10": round(one.latest.ndcg, 4)}
                    for one in questions
                    if one.latest
                ],
            }
        )
        return
    typer.echo(f"{done.questions} questions, {done.model}")
    typer.echo(f"recall@10 {done.quality.recall:.3f}  nDCG@10 {done.quality.ndcg:.3f}")
