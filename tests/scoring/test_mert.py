"""Weights of n-best lists: the line search against brute force, BLEU against sacreBLEU."""

import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sacrebleu.metrics.bleu import BLEU

from seq2seq.errors import InputError
from seq2seq.scoring.mert import Development, Weights, bleu_of, compare, learn_weights, line_search
from seq2seq.scoring.moses import read_candidates

WORDS = ["the", "a", "cat", "dog", "sat", "ran", "on", "under", "mat", "tree"]
FEATURES = 3


def make_list(folder: Path, seed: int, sentences: int = 6, most: int = 5) -> tuple[Path, list[str]]:
    """An n-best list of random candidates, some of them close to the reference, and the references."""
    draw = random.Random(seed)
    references, lines = [], []
    for sentence in range(sentences):
        words = draw.choices(WORDS, k=draw.randint(4, 8))
        references.append(" ".join(words))
        for _ in range(draw.randint(1, most)):
            text = " ".join(draw.choice(WORDS) if draw.random() < 0.4 else word for word in words)
            first, *others = (draw.choice([-2.0, -1.5, -1.0, 0.0, 0.25]) + draw.choice([0, 0, 0.125]) for _ in "abc")
            lines.append(f"{sentence} ||| {text} ||| LM0= {first} TM0= {others[0]} {others[1]} ||| {first}\n")
    (folder / "list").write_text("".join(lines))
    return folder / "list", references


def sacrebleu_of(path: Path, references: list[str], weights: np.ndarray) -> float:
    """BLEU of the top-ranked candidates, by plain loops and sacreBLEU."""
    best = [""] * len(references)
    for group in read_candidates(path):
        scores = [
            sum(w * v for w, v in zip(weights, (*candidate.features["LM0"], *candidate.features["TM0"]), strict=True))
            for candidate in group
        ]
        best[group[0].sentence] = group[scores.index(max(scores))].text
    return float(BLEU().corpus_score(best, [references]).score)


COUNTS = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 12), *(st.integers(0, 3) for _ in range(4))), min_size=1, max_size=5
)


@given(COUNTS)
def test_bleu_matches_sacrebleu(sentences: list[tuple[int, ...]]) -> None:
    rows = []
    for length, reference, *matches in sentences:
        totals = [max(0, length - order) for order in range(4)]
        rows.append([length, reference, *map(min, matches, totals), *totals])
    counts = np.array(rows)
    metric = BLEU()
    expected = [metric._compute_score_from_stats(row).score for row in rows]
    assert bleu_of(counts) == pytest.approx(expected, abs=1e-9)
    total = counts.sum(axis=0)
    assert float(bleu_of(total)) == pytest.approx(metric._compute_score_from_stats(total.tolist()).score, abs=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_bleu_of_weights_matches_a_plain_ranking(seed: int, tmp_path: Path) -> None:
    path, references = make_list(tmp_path, seed)
    development = Development(path, [references])
    for weights in np.random.default_rng(seed).normal(size=(10, FEATURES)):
        assert development.bleu(weights) == pytest.approx(sacrebleu_of(path, references, weights), abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), directions=st.integers(0, 10**6))
def test_no_point_on_a_line_is_better(seed: int, directions: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The envelope is exact: the BLEU of the search is reached, and no point of a fine grid exceeds it."""
    path, references = make_list(tmp_path_factory.mktemp("list"), seed)
    development = Development(path, [references])
    draw = np.random.default_rng(directions)
    weights, direction = draw.normal(size=(2, FEATURES))
    step = line_search(development, weights, direction)
    assert development.bleu(weights + step.distance * direction) == pytest.approx(step.bleu, abs=1e-9)
    grid = np.tan(np.linspace(-1.57, 1.57, 1000))  # from -1,255 to 1,255, closest around 0
    assert step.bleu >= max(development.bleu(weights + point * direction) for point in grid) - 1e-9


@pytest.mark.parametrize("direction", [(0.0, 0.0, 0.0), (1.0, 0.0, 0.0), (0.0, -1.0, 0.0)])
def test_a_line_with_many_ties(direction: tuple[float, ...], tmp_path: Path) -> None:
    path, references = make_list(tmp_path, 7)
    development = Development(path, [references])
    weights = np.array([0.0, 1.0, 1.0])
    step = line_search(development, weights, np.array(direction))
    assert step.bleu >= max(development.bleu(weights + point * np.array(direction)) for point in (-50, 0.1, 50)) - 1e-9


@pytest.mark.parametrize("seed", range(4))
def test_learning_is_no_worse_than_a_grid_over_all_weights(seed: int, tmp_path: Path) -> None:
    path, references = make_list(tmp_path, seed, sentences=4, most=4)
    development = Development(path, [references])
    learnt = learn_weights(development, restarts=8, seed=1)
    flat = np.array([value for values in learnt.values.values() for value in values])
    assert np.abs(flat).sum() == pytest.approx(1)
    axis = np.linspace(-1, 1, 17)
    best = max(development.bleu(np.array([x, y, z])) for x in axis for y in axis for z in axis)
    assert development.bleu(flat) >= best - 1e-9
    assert learn_weights(development, restarts=8, seed=1) == learnt


def test_learning_starts_from_the_weights_of_the_totals(tmp_path: Path) -> None:
    """Without random restarts it is no worse than the ranking of the list."""
    path, references = make_list(tmp_path, 3, sentences=12)
    true = np.array([0.5, -1.25, 0.75])
    lines = []
    for group in read_candidates(path):
        for candidate in group:
            values = (*candidate.features["LM0"], *candidate.features["TM0"])
            lines.append(candidate.with_total(float(np.dot(true, values)) + 10 * candidate.sentence))
    path.write_bytes(b"".join(lines))
    development = Development(path, [references])
    learnt = learn_weights(development, restarts=0, seed=1)
    flat = np.array([value for values in learnt.values.values() for value in values])
    assert development.bleu(flat) >= development.bleu(true)


def test_sentences_that_are_not_in_the_list_count_as_blank(tmp_path: Path) -> None:
    path, references = make_list(tmp_path, 5, sentences=3)
    longer = [*references, "a sentence that was not translated", "nor was this"]
    weights = np.array([1.0, 0.5, 0.25])
    assert Development(path, [longer]).bleu(weights) == pytest.approx(sacrebleu_of(path, longer, weights), abs=1e-9)
    assert Development(path, [longer]).bleu(weights) < Development(path, [references]).bleu(weights)


def test_several_references(tmp_path: Path) -> None:
    path, references = make_list(tmp_path, 5)
    others = [" ".join(reversed(line.split())) for line in references]
    weights = np.array([1.0, 0.5, 0.25])
    best = [""] * len(references)
    for group in read_candidates(path):
        best[group[0].sentence] = Weights({"LM0": (1.0,), "TM0": (0.5, 0.25)}).rank(group, path)[0][1].text
    expected = BLEU().corpus_score(best, [references, others]).score
    assert Development(path, [references, others]).bleu(weights) == pytest.approx(expected, abs=1e-9)


def test_a_candidate_without_a_feature_comes_last(tmp_path: Path) -> None:
    path = tmp_path / "list"
    path.write_text("0 ||| b ||| LM0= -9 ||| 1\n0 ||| a ||| LM0= -3 New= -1 ||| 2\n0 ||| c ||| LM0= -1 New= -2 ||| 3\n")
    (group,) = read_candidates(path)
    ranked = Weights({"New": (1.0,), "LM0": (0.1,)}).rank(group, path)
    assert [(candidate.text, score) for score, candidate in ranked] == [
        ("a", pytest.approx(-1.3)),
        ("c", pytest.approx(-2.1)),
        ("b", -np.inf),
    ]
    development = Development(path, [["a"]])
    assert development.incomplete == [1]
    assert len(development.features) == 2


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("0 ||| a ||| LM0= -1 -2 New= 1 ||| 1\n", "line 2: 2 values of feature 'LM0', expected 1"),
        ("0 ||| a ||| LM0= -1 Other= 1 ||| 1\n", "line 2: 1 values of feature 'Other', expected 0"),
        ("0 ||| a ||| LM0= inf New= 1 ||| 1\n", "line 2: a feature is over 1e\\+100 or not a number"),
        ("1 ||| a ||| LM0= 1 New= 1 ||| 1\n", r"line 2: sentence 1 \(counted from 0\), but there are 1 references"),
    ],
)
def test_a_mismatched_list_is_an_error(line: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "list"
    path.write_text("0 ||| b ||| LM0= -9 New= 2 ||| 1\n" + line)
    with pytest.raises(InputError, match=message):
        Development(path, [["a"]])


def test_a_list_without_features_has_nothing_to_learn(tmp_path: Path) -> None:
    (tmp_path / "list").write_text("0 ||| b ||| ||| 1\n0 ||| a ||| ||| 2\n")
    with pytest.raises(InputError, match="list: its candidates have no features to weight"):
        Development(tmp_path / "list", [["a"]])


@pytest.mark.parametrize("total", ["", "-inf", "nan"])
def test_totals_without_information_are_ignored(total: str, tmp_path: Path) -> None:
    path, references = make_list(tmp_path, 3)
    path.write_text("".join(f"{line.rpartition('|||')[0]}||| {total}\n" for line in path.read_text().splitlines()))
    development = Development(path, [references])
    best = max(learn_weights(development, restarts=8, seed=1).values["LM0"])
    assert np.isfinite(best)


def test_weights_survive_saving_and_loading(tmp_path: Path) -> None:
    weights = Weights({"LM0": (0.1,), "TM0": (-0.30000000000000004, 0.6)})
    (tmp_path / "weights.json").write_bytes(weights.to_json({"bleu": {"after": 3.0}}))
    assert Weights.load(tmp_path / "weights.json") == weights


@pytest.mark.parametrize("content", ["[]", "{}", '{"weights": {"a": 1}}', '{"weights": {"a": ["x"]}}', "{"])
def test_damaged_weights(content: str, tmp_path: Path) -> None:
    (tmp_path / "weights.json").write_text(content)
    with pytest.raises(InputError, match=r"weights\.json"):
        Weights.load(tmp_path / "weights.json")


def test_comparison_matches_the_sacrebleu_command() -> None:
    references = [" ".join(random.Random(n).choices(WORDS, k=8)) for n in range(30)]
    draw = random.Random(0)

    def corrupted(share: float) -> list[str]:
        return [
            " ".join(draw.choice(WORDS) if draw.random() < share else word for word in line.split())
            for line in references
        ]

    before, after = corrupted(0.5), corrupted(0.2)
    comparison = compare(before, after, [references])
    assert comparison.before == pytest.approx(BLEU().corpus_score(before, [references]).score)
    assert comparison.after == pytest.approx(BLEU().corpus_score(after, [references]).score)
    assert comparison.p_value < 0.05
    assert comparison.signature.startswith("nrefs:1|bs:1000|seed:12345|")
    # sacreBLEU calls the difference between two equal systems significant.
    assert compare(before, before, [references]).p_value == 1
