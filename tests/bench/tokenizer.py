"""A tokenizer in a folder, for tools that will not start without one: each byte is a token."""

import json
from pathlib import Path
from typing import Any

_END = "<|end|>"
_BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True}


def write(folder: Path) -> None:
    """Write what `AutoTokenizer.from_pretrained(folder)` reads, without a network."""
    folder.mkdir()
    document = json.dumps(_document(), ensure_ascii=False)
    (folder / "tokenizer.json").write_text(document, encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(
        json.dumps(
            {
                "tokenizer_class": "PreTrainedTokenizerFast",
                "eos_token": _END,
                "bos_token": _END,
                "model_max_length": 32_768,
            }
        ),
        encoding="utf-8",
    )


def _document() -> dict[str, Any]:
    vocabulary = {sign: number for number, sign in enumerate([*_signs(), _END])}
    end = {"id": vocabulary[_END], "content": _END, "special": True}
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [{**end, **flags}],
        "normalizer": None,
        "pre_tokenizer": {**_BYTE_LEVEL, "use_regex": True},
        "post_processor": None,
        "decoder": {**_BYTE_LEVEL, "use_regex": True},
        "model": {"type": "BPE", "vocab": vocabulary, "merges": []},
    }


def _signs() -> list[str]:
    """The visible sign that stands for each byte, as byte-level tokenizers have it since GPT-2."""
    visible = [*range(33, 127), *range(161, 173), *range(174, 256)]
    signs, spare = [], 256
    for byte in range(256):
        if byte in visible:
            signs.append(chr(byte))
        else:
            signs.append(chr(spare))
            spare += 1
    return signs
