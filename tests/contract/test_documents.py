"""What a run writes: complete, reproducible, and without a secret."""

import ast
import json
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import pytest

from harness.contract.output import files
from harness.contract.output.curl import curl, example, transcript
from harness.contract.output.failure_folder import case_of
from harness.contract.output.redaction import veil
from harness.contract.output.rows import judged
from harness.contract.output.written import Output
from harness.contract.run.budget import Budget
from harness.contract.run.results import Results
from harness.contract.run.verdict import conclude
from harness.contract.topics.catalogue import BY_ID
from harness.settings import Secrets
from harness.wire import Chunk
from tests.contract.answers import asked, chunk, good_chunks, plain, seen, sse, streamed

KEY = "secret-key-123"
REDACT = Secrets((("BASETEN_API_KEY", KEY),)).redact


def written(folder: Path) -> tuple[Results, dict[str, str]]:
    """A run with a stream that is broken and that says the key everywhere; its files."""
    ledger = Results([BY_ID["stream-done"], BY_ID["no-secret-back"]], ("native",))
    chunks = good_chunks()
    chunks[1]["choices"][0]["delta"]["content"] = f"your key is {KEY} \x00\ud83d"
    body = "".join(f"data: {json.dumps(c)}\n\n" for c in chunks).encode()
    ledger.see(seen(streamed(), body, headers=[("x-echo", f"Bearer {KEY}")]))
    verdict = conclude(ledger)
    document = files.conformance(
        judged(ledger, REDACT), verdict, budget=Budget(), about={"mode": "pr"}
    )
    files.write(Output(), folder, ledger, document, redact=REDACT)
    written = [path for path in folder.rglob("*") if path.is_file()]
    return ledger, {str(p.relative_to(folder)): p.read_text("utf-8") for p in written}


def test_no_file_holds_the_key(tmp_path: Path) -> None:
    _, files = written(tmp_path)

    assert len(files) > 8
    assert [name for name, text in files.items() if KEY in text] == []


def test_a_failure_has_its_capsule(tmp_path: Path) -> None:
    _, files = written(tmp_path)

    row = next(
        r for r in json.loads(files["conformance.json"])["clauses"] if r["id"] == "stream-done"
    )
    assert row["result"] == "fail"
    assert row["capsule"] == "failures/stream-done-native"
    names = {name for name in files if name.startswith(row["capsule"])}
    assert {name.rsplit("/", 1)[1] for name in names} == {
        "README.txt",
        "capsule.json",
        "curl.sh",
        "test_example.py",
        "01-request.body",
        "01-request.txt",
        "01-response.body",
        "01-response.txt",
        "01-transcript.jsonl",
    }


def test_junit_is_xml_with_a_case_per_clause_and_route(tmp_path: Path) -> None:
    _, files = written(tmp_path)

    (suite,) = Xml.fromstring(files["junit.xml"])  # noqa: S314 - our own file
    assert suite.get("tests") == "2"
    assert suite.get("failures") == "2"
    assert [case.get("name") for case in suite] == ["stream-done", "no-secret-back"]


def test_the_curl_command_is_the_request_with_variables_for_secrets() -> None:
    request = seen(asked(user="it's"), plain()).exchange.request

    words = shlex.split(curl(request, REDACT))

    assert words[words.index("-H") + 1] == "Authorization: Bearer $BASETEN_API_KEY"
    assert words[words.index("--data-binary") + 1].encode() == request.body


def test_the_example_is_a_python_module_with_the_request_in_it(tmp_path: Path) -> None:
    seen_one = seen(asked(user='"""it\'s\\'), plain())
    text = example(BY_ID["usage-sum"], "native", [seen_one], REDACT, target="mock")
    path = tmp_path / "test_example.py"
    path.write_text(text)

    done = subprocess.run([sys.executable, "-m", "py_compile", str(path)], check=False)

    assert done.returncode == 0
    assert KEY not in text
    assert "harness.cli" not in text
    literal = text.partition("CASES = ")[2].partition("\n\n\n")[0]
    assert case_of(ast.literal_eval(literal)[0]) == seen_one.case


def test_a_failure_is_found_again_by_its_own_test_and_gone_without_the_defect(
    tmp_path: Path,
) -> None:
    _, files = written(tmp_path)
    text = files["failures/stream-done-native/test_example.py"]
    broken, fixed = tmp_path / "test_broken.py", tmp_path / "test_fixed.py"
    broken.write_text(text.replace("DEFECT = None", "DEFECT = 'missing-done'"))
    fixed.write_text(text)

    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            *map(str, (broken, fixed)),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert "1 failed, 1 passed" in done.stdout
    assert "AssertionError: expected `data: [DONE]`" in done.stdout


def test_a_secret_over_several_chunks_is_one_redacted_line() -> None:
    body = f"data: a\n\ndata: {KEY}\n\ndata: b\n\n".encode()
    chunks = [Chunk(body[at : at + 1], at) for at in range(len(body))]

    rows = [json.loads(line) for line in transcript(chunks, REDACT).splitlines()]

    assert "$BASETEN_API_KEY" in "".join(row["data"] for row in rows)
    assert len(rows) == len(body) - len(KEY) + 1


def test_a_secret_spelt_by_several_events_is_withheld(tmp_path: Path) -> None:
    ledger = Results([BY_ID["stream-done"]], ("native",))
    pieces = [chunk({"content": KEY[:6]}), chunk({"content": KEY[6:]}), chunk(finish="stop")]
    body = "".join(f"data: {json.dumps(c)}\n\n" for c in pieces).encode()
    ledger.see(seen(streamed(), body))
    document = files.conformance(
        judged(ledger, REDACT), conclude(ledger), budget=Budget(), about={}
    )

    files.write(Output(), tmp_path, ledger, document, redact=REDACT)

    texts = [p.read_text("utf-8") for p in tmp_path.rglob("*") if p.is_file()]
    assert not [text for text in texts if KEY[6:] in text]


@pytest.mark.parametrize(
    "say",
    [lambda c: {"text": [{"index": 0, "t": c}]}, lambda c: c],
    ids=["in objects", "in strings"],
)
def test_a_secret_spelt_anywhere_in_a_stream_is_no_evidence(say: Callable[[str], Any]) -> None:
    ledger = Results([BY_ID["chunk-object"], BY_ID["sse-json"]], ("native",))
    body = "".join(f"data: {json.dumps(say(piece))}\n\n" for piece in KEY).encode()
    ledger.see(seen(streamed(), body))

    veil(ledger, REDACT)

    faults = [str(fault) for entry in ledger.failing() for fault in entry.faults]
    assert faults
    assert all("withheld" in text and "came 's'" not in text for text in faults)
    assert not [fault for entry in ledger.failing() for fault in entry.faults if fault.data]


def test_a_transcript_tells_when_each_chunk_came() -> None:
    body = sse(good_chunks())

    lines = transcript([Chunk(body[:10], 1_500_000), Chunk(body[10:], 2_000_000)], REDACT)

    assert [json.loads(line)["ms"] for line in lines.splitlines()] == [1.5, 2.0]
