"""The error tree."""

import pytest

from harness import errors
from harness.errors import (
    AnswerError,
    ContractError,
    Failure,
    HarnessError,
    Layer,
    TransportError,
    TransportKind,
    UsageError,
)


def test_every_error_of_the_package_has_one_root() -> None:
    defined = [
        item
        for item in vars(errors).values()
        if isinstance(item, type) and issubclass(item, Exception)
    ]

    assert all(issubclass(item, HarnessError) for item in defined)
    assert {item.__name__ for item in defined} == {
        "AnswerError",
        "ContractError",
        "HarnessError",
        "TransportError",
        "UsageError",
    }


def test_a_broken_contract_is_an_assertion_and_no_other_error_is() -> None:
    assert issubclass(ContractError, AssertionError)
    assert not any(
        issubclass(item, AssertionError) for item in (UsageError, TransportError, AnswerError)
    )


@pytest.mark.parametrize("kind", list(TransportKind))
def test_an_answer_that_broke_off_is_the_edges_and_a_bound_of_ours_the_clients(
    kind: TransportKind,
) -> None:
    error = TransportError(kind, "what happened")

    broke_off = kind in (TransportKind.CUT, TransportKind.RESET, TransportKind.PROTOCOL)
    others = Layer.CLIENT if kind is TransportKind.CLIENT_LIMIT else Layer.NETWORK
    assert error.layer is (Layer.EDGE if broke_off else others)
    assert str(error) == "what happened"


def test_an_error_answer_says_who_answered_what() -> None:
    failure = Failure(Layer.GATEWAY, "envelope", 401, "2009", "Unauthorized", retryable=False)

    error = AnswerError(failure)

    assert str(error) == "gateway answered 401: Unauthorized"
    assert error.failure is failure
