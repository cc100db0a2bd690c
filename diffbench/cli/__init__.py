"""The command line: ``diffbench run | sweep | compare | advise | check | graph | list | report | doctor``.

One module per command. Only what a command needs is imported, and only when it runs: ``--help``
answers before NumPy is loaded. Exit codes: 0 done, 1 a bug, a broken installation or a gradient that
disagrees, 2 the request was wrong, 130 interrupted.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence

import click

from diffbench.cli.advise import advise
from diffbench.cli.check import check
from diffbench.cli.compare import compare
from diffbench.cli.graph import graph
from diffbench.cli.listing import doctor, list_command
from diffbench.cli.output import examples, note
from diffbench.cli.report import report
from diffbench.cli.run import run
from diffbench.cli.sweep import sweep
from diffbench.errors import DiffbenchError, MissingExtraError, RefusedError, UnknownNameError, UserError

INTERRUPTED = 130


class _Group(click.Group):
    """Commands whose values may begin with a minus sign, and that suggest the nearest when mistyped."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        # a blank in front keeps click from reading -x**2 as the option -x; no value minds it
        return super().parse_args(ctx, [f" {arg}" if _is_value(arg) else arg for arg in args])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in self.commands:
            raise UnknownNameError("command", args[0].strip(), self.commands)
        return super().resolve_command(ctx, args)


def _is_value(argument: str) -> bool:
    """The only option of one letter is -h: what else has one minus sign is a number or an expression."""
    return argument.startswith("-") and not argument.startswith("--") and argument not in ("-", "-h")


def _show_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        from diffbench import __version__

        click.echo(f"diffbench {__version__}")
        ctx.exit()


@click.group(
    cls=_Group,
    context_settings={"help_option_names": ["--help", "-h"], "max_content_width": 100},
    epilog=examples(
        'Begin with one function:      diffbench sweep "exp(sin(x))" --at 1',
        "then a small catalogue:       diffbench run quick --out reports/quick",
        "then all of it (2 minutes):   diffbench run",
    ),
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_show_version, help="Show it."
)
def cli() -> None:
    """Measure and explain the error of numerical derivatives.

    Every stencil, step and precision is compared with a certified derivative, and every error is split
    into truncation and rounding parts that add up exactly.
    """


for _command in (run, sweep, compare, advise, check, graph, list_command, report, doctor):
    cli.add_command(_command)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code; whatever goes wrong is said in one message.

    Parameters
    ----------
    argv : sequence of str, optional
        The words after ``diffbench``; by default those of the process.
    """
    try:
        code = cli.main(None if argv is None else list(argv), prog_name="diffbench", standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except click.ClickException as error:
        return _refuse(error)
    except (KeyboardInterrupt, click.Abort):
        note("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        # the reader (head, less) has gone: nobody is left to tell, and Python must not flush at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except DiffbenchError as error:
        note(f"error: {error}")
        return _exit_code(error)
    except Exception:
        traceback.print_exc()
        note("error: this is a bug in diffbench; please report it with the lines above and the command")
        return 1


def _refuse(error: click.ClickException) -> int:
    """A command line that click cannot read: what is wrong, and where the help is."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "diffbench"
    text = error.format_message()
    if isinstance(error, click.NoSuchOption) and context is not None:
        options = [name for parameter in context.command.get_params(context) for name in parameter.opts]
        text = str(UnknownNameError("option", error.option_name, [o for o in options if o.startswith("--")]))
    note(f"error: {text}\n`{command} --help` shows what there is")
    return error.exit_code


def _exit_code(error: DiffbenchError) -> int:
    from diffbench.runs import RunInterrupted

    if isinstance(error, RunInterrupted):
        return INTERRUPTED
    return 2 if isinstance(error, UserError | RefusedError | MissingExtraError) else 1
