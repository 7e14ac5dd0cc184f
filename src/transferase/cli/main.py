"""The command `transferase`: its verbs, their options, and how each ends."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

import click

from transferase.cli import opening
from transferase.cli.speaking import Unable, answer, tell

# One thread for each process that embeds: on shared cores more threads make a query several times slower.
os.environ.setdefault("OMP_NUM_THREADS", "1")

KINDS = ("offers", "needs", "organisations", "rights")
as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document on standard output.")
READABLE = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)


class Whole(click.IntRange):
    """A whole number in a range; what is none is told by the name of the option."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            int(str(value))
        except ValueError:
            self.fail(f"the {param.name if param else 'value'} must be a whole number, not {value!r}.", param, ctx)
        return super().convert(value, param, ctx)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="transferase")
def transferase() -> None:
    """Technology offers and needs in Korean, Chinese and English, and who should talk to whom.

    Results go to standard output, progress and messages to standard error. Exit status: 0 done, 1 the answer is
    "no", 2 wrong use or unreadable input.
    """


# --- running the platform ---------------------------------------------------------------------------------------


@transferase.command()
@click.option("--port", type=Whole(1, 65535), default=8000, show_default=True, help="Port to serve on.")
@click.option("--no-serve", is_flag=True, help="Stop after the summary.")
@as_json
def demo(port: int, no_serve: bool, as_json: bool) -> int:
    """Load the sample records, match them, show the best matches and serve the platform.

    Everything is kept for the next time. Refuses to run on a database that holds other records.

    \b
    Example:
      transferase demo --port 8123
    """
    os.environ["TRANSFERASE_DEMO"] = "1"
    if not no_serve:
        opening.require_free_port("127.0.0.1", port)
    with opening.database():
        from transferase.cli import demo as work  # noqa: PLC0415 - app ready

        return work.show(port=port, serves=not no_serve, as_json=as_json)


@transferase.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=Whole(1, 65535), default=8000, show_default=True, help="Port to listen on.")
@click.option("--no-worker", is_flag=True, help="Serve pages only; run `transferase worker` elsewhere.")
def serve(host: str, port: int, no_worker: bool) -> int:
    """Serve pages and API, and work off the queue, until Ctrl-C or SIGTERM.

    \b
    Example:
      transferase serve --host 0.0.0.0 --port 8080
    """
    opening.require_free_port(host, port)
    with opening.database():
        from transferase.cli import preparing, serving  # noqa: PLC0415 - app ready

        preparing.prepare_or_refuse()
        return serving.serve(host=host, port=port, has_worker=not no_worker)


@transferase.command()
def worker() -> None:
    """Work off the queue (indexing, matching, imports, reminders) until Ctrl-C or SIGTERM.

    \b
    Example:
      transferase worker
    """
    with opening.database():
        from transferase.foundation import queue  # noqa: PLC0415 - app ready

        queue.work()


@transferase.command()
@as_json
def migrate(as_json: bool) -> None:
    """Make the platform ready: tables, vocabularies, static files, translations; quick when nothing changed.

    \b
    Example:
      transferase migrate
    """
    with opening.database():
        from transferase.cli import preparing  # noqa: PLC0415 - app ready

        done = preparing.prepare()
    if as_json:
        answer({"done": done})
    elif not done:
        tell("Nothing to do: everything is ready.")


@transferase.command()
@as_json
def check(as_json: bool) -> int:
    """Say what is wrong with the installation and what to do about it; exit status 1 when something is.

    \b
    Example:
      transferase check --json
    """
    from transferase.cli import operating  # noqa: PLC0415 - slow

    problems = operating.problems()
    index = operating.index_report()
    if as_json:
        told = [{"what": what, "remedy": remedy} for what, remedy in problems]
        answer({"ok": not problems, "problems": told, "index": index})
    else:
        for sentence in operating.index_sentences(index) if index else ():
            click.echo(sentence)
        for what, remedy in problems:
            click.echo(f"{what} {remedy}")
        if not problems:
            click.echo("Everything is in order.")
    return 1 if problems else 0


@transferase.group()
def ledger() -> None:
    """The ledger: who did what, in a chain that shows any change."""


@ledger.command()
@as_json
def verify(as_json: bool) -> int:
    """Prove that no entry of the ledger was changed; exit status 1 when one was.

    \b
    Example:
      transferase ledger verify
    """
    with opening.database():
        from transferase.foundation import ledger as book  # noqa: PLC0415 - app ready

        while book.seal():
            pass
        report = book.verify()
    if as_json:
        answer({"ok": report.is_whole, "entries": report.entries, "sealed": report.sealed, "broken": report.broken})
    elif report.is_whole:
        click.echo(f"The chain of {report.sealed} entries is whole.")
    else:
        click.echo(f"The chain is broken at entry {report.broken[0]}, after {report.sealed} entries that fit.")
    return 0 if report.is_whole else 1


@transferase.command()
@click.argument("email")
@click.option("--name", default="", help="Name of the person; the address when absent.")
@click.option("--organisation", default="Operator", show_default=True, help="Name of the operating organisation.")
@click.option("--country", default="KR", show_default=True, help="Its country, an ISO 3166 code of two letters.")
@as_json
def operator(email: str, name: str, organisation: str, country: str, as_json: bool) -> None:
    """Give a person the role of operator, and print the link by which a new person sets a password.

    \b
    Example:
      transferase operator someone@example.org --organisation "Technology Transfer Agency"
    """
    with opening.database():
        from transferase.cli import operating  # noqa: PLC0415 - app ready

        link = operating.appoint_operator(email=email, name=name, organisation=organisation, country=country)
    if as_json:
        answer({"email": email, "set_password": link})
    else:
        click.echo(f"{email} is operator.")
        if link:
            click.echo(f"Set a password at the address of your platform followed by {link}")


@transferase.group("scale-out")
def scale_out() -> None:
    """More servers for the derived tables, by the extension Citus of PostgreSQL."""


@scale_out.command("citus")
@click.option("--shards", type=Whole(1, 1024), default=8, show_default=True, help="Parts to divide each table into.")
@click.option("--dry-run", is_flag=True, help="Print the statements and run none.")
@as_json
def scale_out_citus(shards: int, dry_run: bool, as_json: bool) -> None:
    """Spread index, sentences and matches over the workers that Citus knows; what is spread already stays.

    \b
    Example:
      transferase scale-out citus --shards 16 --dry-run
    """
    with opening.database():
        from transferase.cli import scaling  # noqa: PLC0415 - app ready

        scaling.report(scaling.distribute(shards=shards, is_dry=dry_run), is_dry=dry_run, as_json=as_json)


@scale_out.command("undo")
@click.option("--dry-run", is_flag=True, help="Print the statements and run none.")
@as_json
def scale_out_undo(dry_run: bool, as_json: bool) -> None:
    """Bring the spread tables back to one server.

    \b
    Example:
      transferase scale-out undo
    """
    with opening.database():
        from transferase.cli import scaling  # noqa: PLC0415 - app ready

        scaling.report(scaling.undo(is_dry=dry_run), is_dry=dry_run, as_json=as_json)


@scale_out.command("status")
@as_json
def scale_out_status(as_json: bool) -> None:
    """Show replicas and how far they are behind, and where the derived tables stand.

    \b
    Example:
      transferase scale-out status --json
    """
    with opening.database():
        from transferase.cli import scaling  # noqa: PLC0415 - app ready

        scaling.print_status(as_json=as_json)


# --- records ----------------------------------------------------------------------------------------------------


@transferase.command("import")
@click.argument("file", type=READABLE)
@click.option("--kind", type=click.Choice(KINDS), required=True, help="What the rows are.")
@click.option("--source", default="", help="Where the records come from; with their external id it names each record.")
@click.option("--map", "map_file", type=READABLE, help="TOML: [columns] header = field, [defaults] field = value.")
@click.option("--encoding", default=None, help="Encoding of the file, where the guess is doubtful.")
@click.option("--owner", default="", help="Name, identifier or number of the organisation that owns the records.")
@click.option("--draft", is_flag=True, help="Keep new records as drafts; else what is complete is published.")
@click.option("--dry-run", is_flag=True, help="Say what would happen and write nothing.")
@as_json
def bring_in(
    file: Path, kind: str, source: str, map_file: Path | None, encoding: str | None, owner: str, draft: bool,
    dry_run: bool, as_json: bool,
) -> int:  # fmt: skip
    """Bring in a CSV, XLSX or JSONL file (also .gz) of offers, needs, organisations or rights.

    Good rows are taken, faulty ones are listed. The same file twice changes nothing.

    \b
    Example:
      transferase import patents.csv --kind offers --source kipo --dry-run
    """
    with opening.database():
        from transferase.cli import records  # noqa: PLC0415 - app ready

        report = records.bring_in(
            file=file, kind=kind, source=source, map_file=map_file, encoding=encoding, owner=owner,
            publishes=not draft, is_dry=dry_run,
        )  # fmt: skip
    if as_json:
        answer(report)
    else:
        records.print_report(report, is_dry=dry_run)
    return 0


@transferase.command()
@click.option("--kind", type=click.Choice(KINDS), default="offers", show_default=True, help="What to export.")
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), required=True, help="FILE.csv, .xlsx or .jsonl."
)
@click.option("--everything", is_flag=True, help="Also drafts, and texts and owners that are not public.")
@as_json
def export(kind: str, output: Path, everything: bool, as_json: bool) -> None:
    """Write what is published to a file that `import` reads again.

    \b
    Example:
      transferase export --kind needs -o needs.jsonl
    """
    with opening.database():
        from transferase.cli import records  # noqa: PLC0415 - app ready

        written = records.export(kind=kind, file=output, takes_all=everything)
    if as_json:
        answer({"written": written})
    else:
        click.echo(f"{written} {kind} written to {output}.")


@transferase.command()
@click.argument("query")
@click.option("--kind", type=click.Choice(("offer", "need")), help="Offers or needs only.")
@click.option("--lang", type=click.Choice(("ko", "zh", "en")), help="Texts in this language only.")
@click.option("--limit", type=Whole(1, 100), default=10, show_default=True, help="How many at most.")
@as_json
def search(query: str, kind: str | None, lang: str | None, limit: int, as_json: bool) -> None:
    """Find published offers and needs by words or by a whole text, in all three languages.

    \b
    Example:
      transferase search "해조류 포장 필름" --kind offer
    """
    if not query.strip():
        raise click.UsageError("QUERY is empty: give the words or the text to search for.")
    with opening.database():
        from transferase.cli import finding  # noqa: PLC0415 - app ready

        found = finding.search(query=query, kind=kind, language=lang, limit=limit)
    if as_json:
        answer(found)
    else:
        finding.print_results(found)


@transferase.command()
@click.argument("external_id")
@click.option("--limit", type=Whole(1, 100), default=10, show_default=True, help="How many at most.")
@as_json
def match(external_id: str, limit: int, as_json: bool) -> None:
    """Show what answers a need, or which needs an offer answers, with the reasons for and against.

    EXTERNAL_ID, or SOURCE:EXTERNAL_ID where the id stands in several sources.

    \b
    Example:
      transferase match N4e488bf8cb --limit 3
    """
    with opening.database():
        from transferase.cli import finding  # noqa: PLC0415 - app ready

        found = finding.match(external_id=external_id, limit=limit)
    if as_json:
        answer(found)
    else:
        finding.print_matches(found)


# --- measuring: neither database nor server -----------------------------------------------------------------------


@transferase.group()
def evaluate() -> None:
    """Measure the quality of matching and of the vectors on judged data; needs no database unless it is to be kept."""


@evaluate.command("matching")
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--text-only", is_flag=True, help="Never use titles.")
@click.option("--query-field", default=None, help="Field of a need that is its text.")
@click.option("--doc-field", default=None, help="Field of an offer that is its text.")
@click.option("--queries", type=click.Path(path_type=Path), help="JSONL with other texts for the needs.")
@click.option("--query-lang", type=click.Choice(("ko", "zh", "en")), help="Language of those texts.")
@click.option("--record", is_flag=True, help="Keep the figures on the platform, for its page on quality.")
@as_json
def evaluate_matching(
    directory: Path, text_only: bool, query_field: str | None, doc_field: str | None, queries: Path | None,
    query_lang: str | None, record: bool, as_json: bool,
) -> None:  # fmt: skip
    """Rank the offers of DIRECTORY for its needs and compare with its judgements.

    DIRECTORY holds needs.jsonl, offers.jsonl (also .gz) and qrels.tsv.

    \b
    Example:
      transferase evaluate matching ../shared/data/sbir --text-only --json
    """
    if query_lang and not queries:
        raise click.UsageError("--query-lang says the language of --queries, which is missing.")
    from transferase.cli import evaluating  # noqa: PLC0415 - slow

    evaluating.matching(
        directory, text_only=text_only, query_field=query_field, document_field=doc_field, queries=queries,
        query_language=query_lang, as_json=as_json, keeps=record,
    )  # fmt: skip


@evaluate.command("bitext")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--langs", nargs=2, type=click.Choice(("ko", "zh", "en")), help="Languages of the columns.")
@click.option("--record", is_flag=True, help="Keep the figures on the platform, for its page on quality.")
@as_json
def evaluate_bitext(file: Path, langs: tuple[str, str] | None, record: bool, as_json: bool) -> None:
    """Measure how well the vectors find the translation of each text of FILE, a TSV of two columns (also .gz).

    \b
    Example:
      transferase evaluate bitext pairs.tsv --langs ko en
    """
    from transferase.cli import evaluating  # noqa: PLC0415 - slow

    evaluating.bitext(file, languages=langs, as_json=as_json, keeps=record)


@evaluate.command("record")
@click.argument("file", type=READABLE)
@as_json
def evaluate_record(file: Path, as_json: bool) -> None:
    """Keep a run of the benchmark (`make bench`), so that the page on quality shows it; the same run is kept once.

    \b
    Example:
      transferase evaluate record benchmarks/results/2026-11-24T213802.json
    """
    from transferase.cli import evaluating  # noqa: PLC0415 - slow

    kept = evaluating.keep_benchmark(file)
    if as_json:
        answer(kept)
    else:
        click.echo(f"Kept: the run of {kept['measured_at']} by {kept['engine_version'] or 'an engine without a name'}.")


# --- the weights of matching ------------------------------------------------------------------------------------


@transferase.group()
def weights() -> None:
    """The weights of matching: fit them to what people judged, approve what is better, take it back."""


@weights.command("list")
@as_json
def weights_list(as_json: bool) -> None:
    """Name the weights in force and every version that was fitted to judgements.

    \b
    Example:
      transferase weights list
    """
    with opening.database():
        from transferase.cli import weighing  # noqa: PLC0415 - app ready

        weighing.show(as_json=as_json)


@weights.command("refit")
@as_json
def weights_refit(as_json: bool) -> int:
    """Fit weights to people's judgements, show old and new side by side, and keep them for approval if better.

    Both are measured on needs that were left out of the fit. Exit status 1: the new ones are no better.

    \b
    Example:
      transferase weights refit
    """
    with opening.database():
        from transferase.cli import weighing  # noqa: PLC0415 - app ready

        return weighing.refit(as_json=as_json)


@weights.command("approve")
@click.argument("version")
@as_json
def weights_approve(version: str, as_json: bool) -> None:
    """Put fitted weights into force; the worker scores every match anew, nothing is embedded again.

    \b
    Example:
      transferase weights approve 2026-11-r1
    """
    with opening.database():
        from transferase.cli import weighing  # noqa: PLC0415 - app ready

        weighing.approve(version, as_json=as_json)


@weights.command("undo")
@as_json
def weights_undo(as_json: bool) -> None:
    """Take back the weights approved last; the ones before count again, and the worker scores every match anew.

    \b
    Example:
      transferase weights undo
    """
    with opening.database():
        from transferase.cli import weighing  # noqa: PLC0415 - app ready

        weighing.undo(as_json=as_json)


# --- how a run ends -----------------------------------------------------------------------------------------------


def run(arguments: list[str] | None = None) -> int:
    """Do what the command line asks for and return the exit status; a failure is one sentence, never a traceback."""
    if arguments is None:
        # Asked to end, a verb ends as after Ctrl-C: helpers are stopped, the database is given back.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        result = transferase.main(args=arguments, prog_name="transferase", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        tell(error.format_message())
        return 2
    except click.UsageError as error:
        verb = error.ctx.command_path if error.ctx else "transferase"
        tell(f"{_one_line(error.format_message())} See `{verb} --help`.")
        return 2
    except click.ClickException as error:
        tell(_one_line(error.format_message()))
        return 2
    except Unable as error:
        tell(_one_line(str(error)))
        return error.status
    except (click.Abort, KeyboardInterrupt):
        tell("Stopped.")
        return 130
    except BrokenPipeError:
        # The reader of our output has gone; nothing is left to say, and the interpreter must not try to.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # noqa: BLE001 - the last place that can still speak in one sentence
        from transferase.cli import sentences  # noqa: PLC0415 - slow

        tell(sentences.explained(error))
        return 2
    return result if isinstance(result, int) else 0


def _one_line(text: str) -> str:
    return " ".join(text.split())


if __name__ == "__main__":
    sys.exit(run())
