"""What a load asked is told as it was asked."""

import pytest

from harness.report.plan import Plan, workload

ROUTES = ("native", "model")
CHAT = "Prompts of about 64 tokens, answers of up to 16 tokens, all streamed"


@pytest.mark.parametrize(
    ("routes", "inputs", "told"),
    [
        (ROUTES, 0, f"{CHAT}."),
        (("native",), 2, f"{CHAT}."),
        (ROUTES, 1, f"{CHAT}; on model the deployment's own input."),
        (("model",), 1, "On model the deployment's own input."),
        (("model",), 3, "On model the deployment's own inputs, 3 in turn."),
    ],
)
def test_an_own_input_of_a_model_is_no_prompt_of_so_many_tokens(
    routes: tuple[str, ...], inputs: int, told: str
) -> None:
    plan = Plan(routes=routes, prompt_tokens=64, max_output_tokens=16, model_input=inputs)

    assert workload(plan) == told
