"""Arguments of all commands, and the boundary where errors become an exit status."""

from __future__ import annotations

import argparse
import logging
import sys
import traceback
import uuid
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout

from rsviz import __version__
from rsviz.cli import bench, care, compute, show
from rsviz.cli.output import Answer
from rsviz.core.errors import RsvizError

USER_CAN_MEND, OUR_FAULT = 2, 1


def main(argv: Sequence[str]) -> int:
    """Run one command.

    Args:
        argv: arguments without the name of the program.

    Returns:
        The exit status.
    """
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    args = _parser().parse_args(argv)
    try:
        with redirect_stdout(sys.stderr):  # standard output is for the answer alone
            answer = args.command(args)
    except RsvizError as error:
        print(str(error), file=sys.stderr)
        return USER_CAN_MEND
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return USER_CAN_MEND
    except Exception:
        reference = uuid.uuid4().hex[:8]
        traceback.print_exc()
        print(f"Something went wrong that is our fault (reference {reference}).", file=sys.stderr)
        return OUR_FAULT
    print(answer.as_json() if args.json else answer.text)
    return 0


class _Parser(argparse.ArgumentParser):
    """A parser whose mistakes are one sentence, without the usage in front."""

    def error(self, message: str) -> None:  # type: ignore[override]
        sentence = message[:1].upper() + message[1:].rstrip(".")
        print(f"{sentence}. See: {self.prog} --help", file=sys.stderr)
        raise SystemExit(USER_CAN_MEND)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m rsviz", description="Look inside deep models on a map.")
    parser.add_argument("--version", action="version", version=f"rsviz {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=_Parser)
    _showing(commands)
    _running(commands)
    _evaluating(commands)
    _caring(commands)
    return parser


def _showing(commands: argparse._SubParsersAction[_Parser]) -> None:
    _command(commands, "scenes", show.scenes, "list the scenes")
    _command(commands, "models", show.models, "list the models with their weights")
    _command(commands, "protocols", show.protocols, "list the protocols with what was trained")
    board = _command(commands, "scores", show.scores, "all recorded scores beside baselines")
    board.add_argument("--write", metavar="FILE", help="put the tables between the marks of a file")
    describe = _command(commands, "describe", show.describe, "what a file holds")
    describe.add_argument("file", help="a file, or the id of a scene")
    _reading(describe)


def _caring(commands: argparse._SubParsersAction[_Parser]) -> None:
    _command(commands, "doctor", care.doctor, "versions, drivers, protection, what is weak")
    check = _command(commands, "fsck", care.fsck, "check what is kept on disk")
    check.add_argument("--keep", action="store_true", help="report only, remove nothing")


def _running(commands: argparse._SubParsersAction[_Parser]) -> None:
    run = _command(commands, "run", compute.run, "run a model on a scene")
    run.add_argument("model", nargs="?", help="id of a model")
    run.add_argument("--scene", help="id of a scene, or a file")
    run.add_argument(
        "--weights", default="", help="their id, or a folder; the first that fit by default"
    )
    run.add_argument("--want", action="append", default=[], help="a layer on request; 'all'")
    run.add_argument("--out", metavar="DIR", help="write the result there")
    run.add_argument("--record", metavar="FILE", help="repeat the run of a record.json")
    _reading(run)
    run.add_argument(
        "--change",
        action="append",
        default=[],
        metavar="KIND[:NAME=VALUE,...]",
        help="change the scene first, e.g. noise:sigma=0.05",
    )
    _setting(run, "option")
    _device(run)


def _evaluating(commands: argparse._SubParsersAction[_Parser]) -> None:
    score = _command(commands, "eval", compute.evaluate, "score committed weights")
    score.add_argument("model")
    score.add_argument("--protocol", default="")
    score.add_argument("--table", metavar="FILE.npz", help="measured temperatures from elsewhere")
    score.add_argument("--seeds", type=int, metavar="N", help="use seeds 0 to N-1")
    score.add_argument("--variant", default="", help="of the weights, e.g. pixel")
    score.add_argument("--record", action="store_true", help="keep it for catalogue and README")
    score.add_argument("--against", default="", metavar="MODEL", help="another model, in pairs")
    _quick(score)
    _device(score)
    train = _command(commands, "train", compute.train, "train a model and record its weights")
    train.add_argument("model")
    train.add_argument("--protocol", required=True)
    train.add_argument("--seed", type=int, default=0)
    train.add_argument("--variant", default="", help="names weights of other settings")
    train.add_argument("--no-file", action="store_true", help="keep the metrics, not the weights")
    train.add_argument("--restart", action="store_true", help="do not resume an unfinished one")
    _setting(train, "setting of the trainer")
    _device(train)
    fit = _command(
        commands, "calibrate", compute.calibrate, "fit temperature and prediction sets of weights"
    )
    fit.add_argument("model")
    fit.add_argument("--protocol", required=True)
    fit.add_argument("--seed", type=int, default=0)
    fit.add_argument("--variant", default="", help="of the weights")
    _device(fit)
    timed = _command(commands, "bench", bench.bench, "measure speed and memory")
    timed.add_argument("name", help="'all', or one of the benches")
    _quick(timed)
    _device(timed)


def _command(
    commands: argparse._SubParsersAction[_Parser],
    name: str,
    command: Callable[[argparse.Namespace], Answer],
    help: str,
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=help, description=help.capitalize() + ".")
    parser.set_defaults(command=command)
    parser.add_argument("--json", action="store_true", help="answer in JSON")
    return parser


def _reading(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--variable", default="", help="which variable of the file")
    parser.add_argument("--axes", default="", help="order of its axes, e.g. HWC")


def _setting(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument(
        "--set", action="append", default=[], type=_pair, metavar="NAME=VALUE", help=what
    )


def _device(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")


def _quick(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--quick", action="store_true", help="a subset, within 50 s on two cores")


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise argparse.ArgumentTypeError(f"'{text}' is not of the form NAME=VALUE")
    return name, value
