"""`earshot search-quality run`: ask the kept questions and say how well the search found what it should."""

from typing import Annotated

import typer

from app.cli.opening import open_services, write_json
from core.visibility import ALL_SEEING
from search.quality import Quality

commands = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)


@commands.callback()
def about() -> None:
    """Questions with the moments they should find; administrators keep them on the page /search-quality."""


@commands.command()
def run(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Ask all questions, store the run, and print recall@10, nDCG@10 and MRR@10."""
    from app import search_quality

    services = open_services()
    done = search_quality.run(services, "cli", ALL_SEEING)
    if as_json:
        write_json(
            {
                "run": done.id,
                "at": done.at.isoformat(),
                "model": done.model,
                "questions": done.questions,
                **_figures(done.quality),
                "per_question": [{"query": one.query, **_figures(one.quality)} for one in done.scored],
            }
        )
        return
    typer.echo(f"{done.questions} questions, {done.model}")
    recall, ndcg, mrr = _figures(done.quality).values()
    typer.echo(f"recall@10 {recall:.3f}  nDCG@10 {ndcg:.3f}  MRR@10 {mrr:.3f}")


def _figures(quality: Quality) -> dict[str, float]:
    figures = {"recall@10": quality.recall, "ndcg@10": quality.ndcg, "mrr@10": quality.mrr or 0.0}
    return {name: round(value, 4) for name, value in figures.items()}
