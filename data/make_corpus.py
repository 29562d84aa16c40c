"""Write the corpus: `python data/make_corpus.py` rewrites the files in this folder, byte for byte."""

import argparse
import json
from collections import Counter
from pathlib import Path

from grammar.corpus import CORE, Sentence, build, words


def write(splits: dict[str, list[tuple[str, Sentence]]], folder: Path) -> None:
    """Write the text files, and the kinds of the validation and test pairs."""
    for split, entries in splits.items():
        columns = {"en": [s.en for _, s in entries], "fr": [s.fr for _, s in entries]}
        if split != "train":
            columns["kind"] = [kind for kind, _ in entries]
        for name, lines in columns.items():
            (folder / f"{split}.{name}").write_text("".join(line + "\n" for line in lines), encoding="utf-8")


def write_features(splits: dict[str, list[tuple[str, Sentence]]], file: Path) -> None:
    """Write the features of each pair, one JSON object per line: clauses, word pairs, construction."""
    with file.open("w", encoding="utf-8") as out:
        for split, entries in splits.items():
            for kind, sentence in entries:
                row = {
                    "split": split,
                    "kind": kind,
                    "en": sentence.en,
                    "fr": sentence.fr,
                    "construction": sentence.construction,
                    "clauses": [sorted(clause) for clause in sentence.phrase.clauses],
                    "pairs": sorted(sentence.phrase.pairs),
                }
                out.write(json.dumps(row, ensure_ascii=False) + "\n")


def print_counts(splits: dict[str, list[tuple[str, Sentence]]]) -> None:
    """Print how often each construction and each word occurs in training, and the kinds of the pairs in each split."""
    train = [sentence for _, sentence in splits["train"]]
    tables = {
        "constructions": Counter(sentence.construction for sentence in train),
        "properties of a clause": Counter(name for s in train for clause in s.phrase.clauses for name in clause),
        "English words": Counter(word for sentence in train for word in words(sentence.en)),
        "French words": Counter(word for sentence in train for word in words(sentence.fr)),
    }
    for split, entries in splits.items():
        tables[f"{split}: {len(entries):,} pairs, of them"] = Counter(kind for kind, _ in entries)
    for title, counts in tables.items():
        print(f"\n{title} ({len(counts)})")
        print("  ".join(f"{name} {count}" for name, count in counts.most_common()))
    print(f"\nhand-written pairs: {len(CORE):,}")


def main() -> None:
    """Write the corpus, or print counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="folder to write to")
    parser.add_argument(
        "--features", type=Path, help="also write the features of each pair to this file, as JSON lines"
    )
    parser.add_argument("--counts", action="store_true", help="print counts instead of writing")
    options = parser.parse_args()
    splits = build()
    if options.counts:
        print_counts(splits)
        return
    write(splits, options.out)
    if options.features:
        write_features(splits, options.features)


if __name__ == "__main__":
    main()
