"""A real vLLM server with the shipped model says what transformers says here; skipped where vLLM is not installed.

`scripts/vllm_environment.sh` makes the environment; TEXTHAWK_VLLM names its folder where it is not in ~/.cache.
"""

import base64
import io
import os
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.request import urlopen

import pytest
import torch
from openai import OpenAI
from PIL import Image
from transformers import AutoModelForImageTextToText, AutoProcessor

from texthawk.decode.reader import model_folder
from texthawk.model.processing import PROMPTS
from texthawk.model.register import register

ENVIRONMENT = Path(os.environ.get("TEXTHAWK_VLLM") or Path.home() / ".cache" / "texthawk-vllm")
PYTHON = ENVIRONMENT / "bin" / "python"
ROOT = Path(__file__).parents[2]
STARTING = 600  # seconds that a busy machine may need
TOKENS = 24
CROPS = [(150, 140, 598, 364), (150, 430, 374, 654), (150, 430, 822, 878), (100, 100, 900, 300)]
"""Parts of the example page of 2, 1, 10 (with thumbnail) and 4 tiles."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PYTHON.exists(), reason="no vLLM environment; scripts/vllm_environment.sh makes one"),
]


def answering(process, address, log):
    end = time.monotonic() + STARTING
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode}:\n{log.read_text()[-4000:]}")
        try:
            with urlopen(f"{address}/health", timeout=5):
                return
        except OSError:
            time.sleep(1)
    raise RuntimeError(f"the server was not ready after {STARTING} s:\n{log.read_text()[-4000:]}")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("vllm") / "log.txt"
    # The CPU build has no `vllm` command; this is what the command runs.
    command = [
        *(str(PYTHON), "-m", "vllm.entrypoints.openai.api_server", "--model", str(model_folder("nano"))),
        *("--served-model-name", "nano", "--host", "127.0.0.1", "--port", str(port), "--dtype", "float32"),
        *("--max-model-len", "2048", "--max-num-batched-tokens", "2048", "--max-num-seqs", "8", "--enforce-eager"),
        *("--limit-mm-per-prompt", '{"image": 2}', "--trust-request-mm-kwargs"),
        *("--logits-processors", "texthawk.serve.vllm:TextHawkLoopGuard"),
    ]
    settings = {"VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_CPU_OMP_THREADS_BIND": "nobind", "VLLM_NO_USAGE_STATS": "1"}
    address = f"http://127.0.0.1:{port}"
    with log.open("w") as written:
        process = subprocess.Popen(
            command,
            env=os.environ | settings | {"HF_HUB_OFFLINE": "1"},
            cwd=log.parent,
            stdout=written,
            stderr=subprocess.STDOUT,
        )
        try:
            answering(process, address, log)
            yield OpenAI(base_url=f"{address}/v1", api_key="none", timeout=300, max_retries=0)
        finally:
            process.terminate()
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()


@pytest.fixture(scope="module")
def crops():
    page = Image.open(ROOT / "examples" / "page.png").convert("RGB")
    return [page.crop(box) for box in CROPS]


@pytest.fixture(scope="module")
def ours():
    register()
    folder = model_folder("nano")
    model = AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.float32, local_files_only=True).eval()
    processor = AutoProcessor.from_pretrained(folder, local_files_only=True)

    @torch.inference_mode()
    def answer(images, **tiling):
        """Prompt length, token ids and their log-probabilities."""
        content = [*[{"type": "image"}] * len(images), {"type": "text", "text": PROMPTS["text"]}]
        text = processor.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True)
        inputs = processor(images=images, text=[text], return_tensors="pt", **tiling)
        out = model.generate(
            **inputs, max_new_tokens=TOKENS, do_sample=False, output_logits=True, return_dict_in_generate=True
        )
        start = inputs["input_ids"].shape[1]
        tokens = out.sequences[0, start:]
        values = torch.cat(out.logits).float().log_softmax(-1).gather(1, tokens[:, None])[:, 0]
        return start, tokens.tolist(), values.tolist()

    return answer


def request(images, *, max_tokens=TOKENS, logit_bias=None, **more):
    parts = []
    for image in images:
        stored = io.BytesIO()
        image.save(stored, "PNG")
        url = "data:image/png;base64," + base64.b64encode(stored.getvalue()).decode()
        parts.append({"type": "image_url", "image_url": {"url": url}})
    content = [*parts, {"type": "text", "text": PROMPTS["text"]}]
    return {
        "model": "nano",
        "messages": [{"role": "user", "content": content}],
        "temperature": 0,
        "max_tokens": max_tokens,
        "logprobs": True,
        "logit_bias": logit_bias or {},
        "extra_body": {"return_token_ids": True} | more,
    }


def ask(server, images, **settings):
    return server.chat.completions.create(**request(images, **settings))


def agree(reply, expected):
    length, tokens, values = expected
    (choice,) = reply.choices
    assert reply.usage.prompt_tokens == length
    assert choice.model_extra["token_ids"] == tokens
    said = [entry.logprob for entry in choice.logprobs.content]
    torch.testing.assert_close(torch.tensor(said), torch.tensor(values), atol=2e-3, rtol=1e-3)


def test_pages_of_several_sizes_asked_together_get_the_tokens_and_probabilities_of_transformers(server, crops, ours):
    asked = [[crop] for crop in crops] + [[crops[1], crops[0]]]
    with ThreadPoolExecutor(len(asked)) as together:
        replies = list(together.map(lambda images: ask(server, images), asked))
    assert len({reply.usage.prompt_tokens for reply in replies}) > 3, "the sizes should cost different numbers"
    for images, reply in zip(asked, replies, strict=True):
        agree(reply, ours(images))


def test_a_request_may_bound_what_its_page_costs(server, crops, ours):
    free, bound = (ask(server, [crops[2]], mm_processor_kwargs=kwargs) for kwargs in ({}, {"max_tiles": 2}))
    assert bound.usage.prompt_tokens < free.usage.prompt_tokens
    agree(bound, ours([crops[2]], max_tiles=2))


def test_a_streamed_answer_is_the_whole_answer_in_pieces(server, crops):
    whole = ask(server, [crops[0]]).choices[0].message.content
    chunks = server.chat.completions.create(**request([crops[0]]), stream=True)
    pieces = [choice.delta.content or "" for chunk in chunks for choice in chunk.choices]
    assert "".join(pieces) == whole and sum(map(bool, pieces)) > 3


def test_an_answer_that_loops_is_ended_by_the_guard(server, crops):
    letter = "e"
    token = AutoProcessor.from_pretrained(model_folder("nano"), local_files_only=True).tokenizer(letter)["input_ids"]
    (choice,) = ask(server, [crops[0]], logit_bias={str(token[-1]): 100}, max_tokens=200).choices
    assert choice.finish_reason == "stop"
    assert set(choice.message.content) == {letter} and len(choice.message.content) < 60
