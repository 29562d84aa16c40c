"""How well the confidence of translations predicts their quality.

    python benchmarks/confidence.py MODEL --src test.en --ref test.fr [--foreign other.de ...]

Prints Spearman's correlation of the confidence with the sentence chrF; the share of translations with a chrF under 30,
of all lines and of the 70 % with the highest confidence; and for each file of foreign lines, the area under the ROC
curve for telling them from the lines of the test set.
"""

import argparse
from pathlib import Path

import numpy as np
from scipy.stats import rankdata, spearmanr

from seq2seq import Translator
from seq2seq.evaluation.metrics import score_corpus
from seq2seq.inference.confidence import UNRELIABLE
from seq2seq.io.lines import read_lines

COVERAGE = 0.7


def main() -> None:
    """Translate, score, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("model", type=Path)
    parser.add_argument("--src", type=Path, required=True)
    parser.add_argument("--ref", type=Path, required=True)
    parser.add_argument("--foreign", type=Path, nargs="*", default=[])
    arguments = parser.parse_args()
    translator = Translator.load(arguments.model)
    translations = list(translator.stream(read_lines(arguments.src)))
    confidence = np.array([translation.confidence for translation in translations], float)
    pairs = zip(translations, read_lines(arguments.ref), strict=True)
    chrf = np.array(
        [score_corpus([pair[0].hypotheses[0].text], [[pair[1]]], ["chrF"])[0].score for pair in pairs], float
    )
    kept = np.argsort(-confidence)[: round(COVERAGE * len(confidence))]
    print(f"Spearman's correlation with sentence chrF   {spearmanr(confidence, chrf).statistic:.3f}")
    print(f"chrF under {UNRELIABLE:g}: all lines                   {np.mean(chrf < UNRELIABLE):.1%}")
    print(f"               the surest {COVERAGE:.0%} of them        {np.mean(chrf[kept] < UNRELIABLE):.1%}")
    print(f"mean confidence {confidence.mean():.1f}, mean chrF {chrf.mean():.1f}")
    for path in arguments.foreign:
        foreign = [translation.confidence for translation in translator.stream(read_lines(path))]
        print(f"area under the ROC curve, {path.name:<20} {area(confidence, np.array(foreign, float)):.3f}")


def area(positive: np.ndarray, negative: np.ndarray) -> float:
    """The probability that a positive value is above a negative one; ties count half."""
    negative = negative[~np.isnan(negative)]
    ranks = rankdata(np.concatenate([positive, negative]))[: len(positive)]
    return float((ranks.sum() - len(positive) * (len(positive) + 1) / 2) / len(positive) / len(negative))


if __name__ == "__main__":
    main()
