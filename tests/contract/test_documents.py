"""What a run writes: complete, reproducible, and without a secret."""

import json
import shlex
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as Xml

from harness.contract import documents
from harness.contract.budget import Budget
from harness.contract.clauses.catalogue import BY_ID
from harness.contract.ledger import Ledger
from harness.contract.reproduction import curl, example, transcript
from harness.contract.verdict import conclude
from harness.settings import Secrets
from harness.wire import Chunk
from tests.contract.answers import asked, good_chunks, plain, seen, sse, streamed

KEY = "secret-key-123"
REDACT = Secrets((("BASETEN_API_KEY", KEY),)).redact


def written(folder: Path) -> tuple[Ledger, dict[str, str]]:
    """A run with a stream that is broken and that says the key everywhere; its files."""
    ledger = Ledger([BY_ID["stream-done"], BY_ID["no-secret-back"]], ("native",))
    chunks = good_chunks()
    chunks[1]["choices"][0]["delta"]["content"] = f"your key is {KEY} \x00\ud83d"
    body = "".join(f"data: {json.dumps(c)}\n\n" for c in chunks).encode()
    ledger.see(seen(streamed(), body, headers=[("x-echo", f"Bearer {KEY}")]))
    verdict = conclude(ledger)
    document = documents.conformance(
        ledger, verdict, budget=Budget(), about={"mode": "pr"}, redact=REDACT
    )
    documents.write(folder, ledger, document, redact=REDACT, junit_at=folder / "junit.xml")
    files = [path for path in folder.rglob("*") if path.is_file()]
    return ledger, {str(p.relative_to(folder)): p.read_text("utf-8") for p in files}


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
        "curl.sh",
        "test_example.py",
        "01-request.txt",
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


def test_the_example_is_a_python_module(tmp_path: Path) -> None:
    text = example(BY_ID["usage-sum"], [seen(asked(), plain())], REDACT)
    path = tmp_path / "test_example.py"
    path.write_text(text)

    done = subprocess.run([sys.executable, "-m", "py_compile", str(path)], check=False)

    assert done.returncode == 0
    assert KEY not in text
    assert "os.environ" in text


def test_a_transcript_tells_when_each_chunk_came() -> None:
    body = sse(good_chunks())

    lines = transcript([Chunk(body[:10], 1_500_000), Chunk(body[10:], 2_000_000)], REDACT)

    assert [json.loads(line)["ms"] for line in lines.splitlines()] == [1.5, 2.0]
