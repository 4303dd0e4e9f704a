"""A typer program of one command: what starting any program like ours costs."""

from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def hello(name: Annotated[str, typer.Argument()] = "world") -> None:
    """Greet."""
    typer.echo(f"Hello, {name}")


if __name__ == "__main__":
    app()
