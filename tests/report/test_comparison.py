import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from harness.report import frame
from harness.report.comparison import Comparison, PairedDifference, compare
from harness.report.plan import Prices
from harness.report.sentences import result
from tests.report.folders import Cells, answered, blocks, cells, failed, mixed, table
from tests.sample import Sample


def compared(rows: Sequence[Sample], *, margin: float = 0.05) -> Comparison:
    return compare(frame.frame(table(rows)), margin=margin)


def of(comparison: Comparison, metric: str) -> PairedDifference:
    return next(pair for pair in comparison.pairs if pair.metric == metric)


def test_a_route_that_takes_longer_is_slower() -> None:
    found = compared(blocks(100, ratio=1.2))

    pair = of(found, "ttft_ms")
    assert (pair.a, pair.b, pair.verdict, pair.significant) == ("native", "compat", "slower", True)
    assert pair.effect is not None
    assert pair.effect.low < 1.2 < pair.effect.high
    assert pair.effect.difference_low_ms < 20 < pair.effect.difference_high_ms
    assert found.conclusive


def test_a_route_that_takes_less_is_faster() -> None:
    assert of(compared(blocks(100, ratio=0.8)), "ttft_ms").verdict == "faster"


def test_routes_that_differ_by_less_than_the_margin_are_equivalent() -> None:
    assert of(compared(blocks(100, ratio=1.005, noise=0.02)), "ttft_ms").verdict == "equivalent"


def test_a_small_difference_is_equivalent_even_when_it_is_significant() -> None:
    pair = of(compared(blocks(400, ratio=1.02, noise=0.02)), "ttft_ms")

    assert pair.significant
    assert pair.verdict == "equivalent"


def test_noise_that_hides_a_difference_is_inconclusive() -> None:
    found = compared(blocks(30, noise=0.6))

    pair = of(found, "ttft_ms")
    assert pair.verdict == "inconclusive"
    assert pair.reason is not None
    assert pair.reason.startswith("neither a difference nor equality within 5% is shown; ")
    assert f"{pair.pairs_needed:,} pairs (" in pair.reason
    assert pair.reason.endswith(" would probably decide")
    assert pair.pairs_needed is not None
    assert pair.pairs_needed > 30
    assert not found.conclusive


def test_a_wider_margin_makes_equivalence_easier() -> None:
    rows = blocks(100, ratio=1.0, noise=0.2)

    assert of(compared(rows), "ttft_ms").verdict == "inconclusive"
    assert of(compared(rows, margin=0.3), "ttft_ms").verdict == "equivalent"


def test_few_pairs_are_never_conclusive() -> None:
    pair = of(compared(blocks(19, ratio=3.0, noise=0.01)), "ttft_ms")

    assert pair.verdict == "inconclusive"
    assert pair.reason == "19 pairs: 20 are needed"


def test_drift_of_the_service_hits_both_sides_of_a_pair() -> None:
    pair = of(compared(blocks(100, ratio=1.0, noise=0.03, drift=0.5)), "ttft_ms")

    assert pair.effect is not None
    assert pair.effect.ratio == pytest.approx(1.0, abs=0.02)
    assert pair.verdict == "equivalent"


def test_identical_routes_are_seldom_called_different() -> None:
    wrong = 0
    for seed in range(40):
        rows = blocks(40, noise=0.3, drift=0.1, seed=seed)
        wrong += any(pair.significant for pair in compared(rows).pairs)

    assert wrong <= 6


def failing(rows: list[Sample], route: str, blocks: int) -> list[Sample]:
    """The same rows, of which the first so many of a route failed."""
    chosen = [n for n, sample in enumerate(rows) if sample.route == route][:blocks]
    for n in chosen:
        rows[n] = failed(rows[n].seq, route=route, scenario="compare", worker="compare-0")
    return rows


def test_a_failed_side_counts_as_longer_than_everything_measured() -> None:
    without, found = (
        compared(blocks(100, noise=0.1)),
        compared(failing(blocks(100, noise=0.1), "compat", 5)),
    )

    before, after = of(without, "ttft_ms"), of(found, "ttft_ms")
    assert after.n == before.n == 100
    assert before.effect is not None
    assert after.effect is not None
    assert after.effect.ratio > before.effect.ratio


def test_a_route_that_certainly_fails_more_often_is_not_conclusive() -> None:
    found = compared(failing(blocks(100, noise=0.02), "compat", 12))

    (failures,) = found.failures
    assert (failures.only_a, failures.only_b, failures.differ) == (0, 12, True)
    assert not found.conclusive
    assert found.still_open == (
        "compat fails more often than native: compat failed alone in 12 blocks, native in 0"
    )


def test_failures_of_both_sides_alike_are_no_difference() -> None:
    rows = failing(failing(blocks(100, noise=0.02), "compat", 4), "native", 4)

    found = compared(rows)

    assert [(each.only_a, each.only_b) for each in found.failures] == [(0, 0)]
    assert found.conclusive


def test_an_estimate_that_failures_reach_is_not_given() -> None:
    found = compared(failing(blocks(40), "compat", 25))

    pair = of(found, "ttft_ms")
    assert pair.effect is None
    assert pair.reason == "40 pairs, of which 25 had one failed side, carry no interval"
    assert not found.conclusive


def test_ttfb_and_ttft_are_one_hypothesis_where_they_are_one_number() -> None:
    found = compared([_at_once(sample) for sample in blocks(100, ratio=1.02, noise=0.1)])

    corrected = {pair.effect.p: pair.p_corrected for pair in found.pairs if pair.effect}
    least = min(corrected)
    assert of(found, "ttfb_ms").effect == of(found, "ttft_ms").effect
    assert corrected[least] == pytest.approx(least * (len(found.pairs) - 1))


def _at_once(sample: Sample) -> Sample:
    """The same answer, whose first bytes are its first output."""
    timeline = replace(sample.timeline, first_byte_ns=sample.timeline.first_output_ns)
    return answered(
        sample.seq, route=sample.route, scenario="compare", worker="compare-0", timeline=timeline
    )


def test_requests_are_paired_by_block_and_not_by_order() -> None:
    rows = blocks(60, ratio=1.2)
    shuffled = list(rows)
    random.Random(1).shuffle(shuffled)  # noqa: S311 - no secret

    assert compared(shuffled).document() == compared(rows).document()


def test_workers_that_count_their_own_blocks_are_kept_apart() -> None:
    rows = [*blocks(30), *blocks(30, seed=9)]
    rows[60:] = [_of_worker(sample, "load-1") for sample in rows[60:]]

    assert of(compared(rows), "ttft_ms").n == 60


def _of_worker(sample: Sample, worker: str) -> Sample:
    return answered(
        sample.seq,
        route=sample.route,
        scenario="compare",
        worker=worker,
        timeline=sample.timeline,
    )


def test_a_load_of_several_routes_is_no_comparison() -> None:
    found = compared(mixed(300))

    assert found.pairs == ()
    assert found.reason is not None
    assert found.reason.startswith("the routes were not sent by compare")


def test_the_comparison_of_a_run_leaves_its_load_out() -> None:
    found = compared([*mixed(300), *blocks(30)])

    assert (found.scenario, found.blocks) == ("compare", 30)


def test_one_route_is_no_comparison() -> None:
    assert compared([answered()]).reason == "fewer than two routes were measured"
    assert compared([]).pairs == ()


def test_plain_answers_are_judged_by_end_to_end_latency() -> None:
    rows = [_plain(sample) for sample in blocks(40, ratio=1.5)]

    found = compared(rows)

    assert {pair.metric for pair in found.main} == {"e2e_ms"}
    assert found.conclusive


def _plain(sample: Sample) -> Sample:
    old = sample.timeline
    timeline = type(old)(sent_ns=old.sent_ns, first_byte_ns=old.first_byte_ns, done_ns=old.done_ns)
    return answered(sample.seq, route=sample.route, scenario="compare", timeline=timeline)


def test_the_document_has_the_names_that_are_promised() -> None:
    document = compared(blocks(40)).document()

    assert document["schema_version"] == 2
    promised = {
        *("a", "b", "metric", "ratio", "low", "high", "verdict", "significant"),
        *("difference_ms", "difference_low_ms", "difference_high_ms"),
    }
    assert all(promised <= set(pair) for pair in document["pairs"])


def test_the_same_rows_give_the_same_comparison() -> None:
    rows = blocks(50, ratio=1.03)

    assert compared(rows).document() == compared(rows).document()


def test_the_result_is_a_sentence_with_the_cost_and_its_interval() -> None:
    slower = result(compared(blocks(100, ratio=1.2, noise=0.02)))
    equal = result(compared(blocks(100, ratio=1.0, noise=0.02)))

    assert slower.startswith("compat costs 20.")
    assert " ms of TTFT more than native (+19." in slower
    assert equal == "compat is equal to native in TTFT within 5%"


def test_the_model_route_is_said_to_be_another_upstream() -> None:
    rows = [_renamed(sample, "model") for sample in blocks(100, noise=0.02)]

    assert result(compared(rows)) == (
        "model (another upstream) is equal to native in TTFT within 5%"
    )


def _renamed(sample: Sample, route: str) -> Sample:
    return replace(sample, route=route) if sample.route == "compat" else sample


def test_a_result_begins_with_the_route_that_fails_more_often() -> None:
    found = result(compared(failing(blocks(100, noise=0.02), "compat", 12)))

    assert found.startswith("compat fails more often than native: ")


def cells_of(rows: Sequence[Sample], **by_route: Mapping[str, object]) -> list[Cells]:
    return [cells(row, **by_route.get(row.route, {})) for row in rows]


def test_blocks_whose_sides_had_unlike_connections_are_no_pairs() -> None:
    rows = cells_of(blocks(60), native={"reused": True}, compat={"reused": False})

    found = compare(frame.frame(table(rows)))

    assert not found.conclusive
    assert "in 60 blocks one of the two opened a connection" in found.still_open
    assert [(arm.route, arm.opened, arm.reused) for arm in found.arms] == [
        ("native", 0, 60),
        ("compat", 60, 0),
    ]


def test_cold_connections_count_what_it_took_to_open_them() -> None:
    opened = {"reused": False, "dns_ns": 1_000_000, "connect_ns": 4_000_000, "tls_ns": 15_000_000}
    rows = cells_of(blocks(60, noise=0.01), compat=opened, native={"reused": False})

    cold, warm = (compare(frame.frame(table(rows)), cold=cold) for cold in (True, False))

    effects = [of(found, "ttft_ms").effect for found in (cold, warm)]
    assert effects[0] is not None
    assert effects[1] is not None
    assert effects[0].difference_ms == pytest.approx(effects[1].difference_ms + 20, abs=0.5)


def test_an_arm_tells_where_its_time_went() -> None:
    rows = cells_of(blocks(30, noise=0.001), native={"reused": True, "rtt_ns": 7_000_000})

    native = compare(frame.frame(table(rows))).arms[0]

    assert (native.dns_ms, native.connect_ms, native.tls_ms) == (None, None, None)
    assert native.rtt_ms == 7
    assert native.first_byte_ms is not None
    assert native.far_side_ms == pytest.approx(native.first_byte_ms - 7)


def test_what_would_decide_is_told_in_time_tokens_and_dollars() -> None:
    rows = table(blocks(30, noise=0.6))

    told = of(compare(frame.frame(rows), prices=Prices(1e-6, 1e-6)), "ttft_ms")

    assert told.reason is not None
    assert re.search(r"[\d,]+ pairs \([\d.]+ (s|min|h), [\d,]+ tokens, \$\d+\.\d\d\)", told.reason)


def test_whole_answers_have_a_result_in_the_metric_that_is_shown() -> None:
    """Their TTFT is the same number as E2E, which then stands for both."""
    rows = [_whole(sample) for sample in blocks(60, ratio=1.3)]
    found = compared(rows)

    assert {pair.metric for pair in found.main} == {"e2e_ms"}
    assert "compat costs" in result(found)
    assert "of E2E more" in result(found)
    assert found.conclusive == (not found.still_open)


def _whole(sample: Sample) -> Sample:
    """All of the answer at once, as a plain one has it, and its end with it."""
    at_once = _at_once(sample)
    first = at_once.timeline.first_output_ns
    timeline = replace(at_once.timeline, outputs_ns=(first or 0,), done_ns=first)
    return replace(at_once, timeline=timeline)
