"""Ratings: the file says what is wrong with it, and every strict preference becomes a pair."""

from itertools import combinations

import numpy as np
import pytest

from lib.datasets import ratings
from lib.datasets.ratings import ABSENT, COLUMNS, Ratings

HEAD = ",".join(COLUMNS)
ROWS = ["ann,0,0,T2I,5,", "ann,0,1,T2I,3,", "bob,1,4,M2I,,2", "bob,2,8,TM2I,0,4"]


def text(*rows: str, head: str = HEAD) -> str:
    return "\n".join([head, *rows]) + "\n"


def some(n_readers: int = 3, sets: int = 6) -> Ratings:
    """Random scores of all sets by all readers, kinds in turn."""
    rng = np.random.default_rng(0)
    n = sets * ratings.EACH
    image = np.tile(np.arange(n), n_readers)
    kind = (image // ratings.EACH % 3).astype(np.uint8)
    there = np.array(list(ratings.CONDITIONS.values()))[kind]
    scores = np.where(there, rng.integers(0, 6, (len(image), 2)), ABSENT).astype(np.int8)
    reader = np.repeat([f"reader, {k}" for k in range(n_readers)], n)
    return Ratings(reader, image // ratings.EACH, image, kind, scores)


def equal(a: Ratings, b: Ratings) -> bool:
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in vars(a))


def test_a_file_comes_back_as_it_was_written(tmp_path):
    before = some()
    ratings.write(before, tmp_path / "a.csv")
    assert equal(ratings.read(tmp_path / "a.csv"), before), "a comma in a name is kept too"
    again = ratings.from_result(ratings.as_result(before))
    assert equal(again, before)
    assert equal(ratings.from_result(ratings.rated_by_form(ratings.written(before))), before)


def test_a_file_of_a_spreadsheet_is_read(tmp_path):
    (tmp_path / "a.csv").write_text("\ufeff" + text(*ROWS).replace("\n", "\r\n"), encoding="utf-8")
    found = ratings.read(tmp_path / "a.csv")
    assert found.scores.tolist() == [[5, -1], [3, -1], [-1, 2], [0, 4]]
    assert [ratings.NAMES[k] for k in found.condition] == ["T2I", "T2I", "M2I", "TM2I"]
    assert found.image.tolist() == [0, 1, 4, 8] and found.reader.tolist()[2:] == ["bob", "bob"]


def test_the_largest_number_is_read_and_leading_zeros_do_not_count():
    rows = f"ann,{'9' * 18},0,T2I,5,", f"ann,{'9' * 18},{'0' * 30}1,T2I,3,"
    found = ratings.parsed(text(*rows))
    assert found.set.tolist() == [10**18 - 1] * 2 and found.image.tolist() == [0, 1]
    with pytest.raises(ValueError, match="line 2: set has 5000 digits"):
        ratings.parsed(text(f"ann,{'9' * 5000},2,T2I,1,"))


def test_a_file_that_cannot_be_read_is_named_with_what_to_do(tmp_path):
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "excel.csv").write_bytes(text(*ROWS).encode("utf-16"))
    (tmp_path / "latin.csv").write_bytes(text("Jos\u00e9,0,0,T2I,5,").encode("latin-1"))
    wrong = {
        "none.csv": "does not exist; give the path of a ratings file.",
        "excel.csv/a.csv": "cannot be read (Not a directory); give a file that can.",
        "folder.csv": "is a folder; give the path of the ratings file in it.",
        "excel.csv": "is not UTF-8 text (byte 1); save it as CSV in UTF-8.",
        "latin.csv": f"is not UTF-8 text (byte {len(HEAD) + 5}); save it as CSV in UTF-8.",
    }
    for name, said in wrong.items():
        with pytest.raises(ValueError) as error:
            ratings.read(tmp_path / name)
        assert str(error.value) == f"{tmp_path / name} {said}"


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("ann,0,2,T2I,6,", "line 6: text_score '6' is no score; write a whole number from 0 to 5"),
        ("ann,0,2,T2I,2.5,", "line 6: text_score '2.5' is no score"),
        ("ann,0,2,T2I,,", "line 6: text_score is missing; write"),
        ("ann,2,9,TM2I,1,", "line 6: mask_score is missing"),
        ("ann,0,2,T2I,1,1", "line 6: mask_score is '1', but the image has no such condition"),
        ("ann,0,2,text,1,", "line 6: condition 'text' is unknown; write one of T2I, M2I, TM2I"),
        ("ann,0,1,T2I,1,", "line 6: reader ann has scored image 1 in a.csv, line 3 too"),
        ("eve,7,1,T2I,1,", "line 6: image 1 of set 7 has another set or condition above"),
        ("eve,0,3,M2I,,1", "line 6: image 3 of set 0 has another set or condition above"),
        (",0,2,T2I,1,", "line 6: reader is empty"),
        ("ann,x,2,T2I,1,", "line 6: set 'x' is no whole number"),
        ("ann,0,-2,T2I,1,", "line 6: image '-2' is no whole number"),
        (f"ann,0,{10**22},T2I,1,", "line 6: image has 23 digits; write at most 18, count from 0"),
        (f"ann,{10**18},2,T2I,1,", "line 6: set has 19 digits"),
        ("ann,0,2,T2I,1", "line 6 has more or fewer cells than the header"),
        ("ann,0,2,T2I,1,,", "line 6 has more or fewer cells than the header"),
    ],
)
def test_a_wrong_row_is_named(row, said):
    with pytest.raises(ValueError) as error:
        ratings.parsed(text(*ROWS, row), "a.csv")
    assert said in str(error.value) and str(error.value).startswith("a.csv, line 6")


def test_a_wrong_header_or_an_empty_file_is_named():
    with pytest.raises(ValueError, match=r"a.csv, line 1 has no column 'mask_score'; add it"):
        ratings.parsed(text(head=HEAD.replace(",mask_score", "")), "a.csv")
    with pytest.raises(ValueError, match="column 'mood' that is unknown"):
        ratings.parsed(text(head=HEAD + ",mood"), "a.csv")
    with pytest.raises(ValueError, match="no row below its header"):
        ratings.parsed(text(), "a.csv")
    with pytest.raises(ValueError, match="line 1 has no column 'reader'"):
        ratings.parsed("", "a.csv")


def test_files_merge_unless_a_reader_scored_twice():
    whole = some()
    first = whole.reader == whole.reader[0]
    parts = [Ratings(*(getattr(whole, name)[at] for name in vars(whole))) for at in (first, ~first)]
    assert equal(ratings.merge(*parts), whole)
    with pytest.raises(ValueError, match="row 1 of ratings 2: reader reader, 0 has scored image 0"):
        ratings.merge(parts[0], parts[0])


def test_every_strict_preference_is_a_pair_and_ties_are_counted():
    given = some()
    found, seen, ties = ratings.pairs(ratings.as_result(given)), [], 0
    rows = zip(given.reader, given.set, given.image, given.scores.tolist(), strict=True)
    for (r, s, i, a), (q, z, j, b) in combinations(rows, 2):
        if (r, s) != (q, z):
            continue
        for k in range(2):
            if a[k] > b[k] >= 0:
                seen.append((i, j, k, a[k], b[k], r))
            elif b[k] > a[k] >= 0:
                seen.append((j, i, k, b[k], a[k], r))
            ties += a[k] == b[k] >= 0
    a, names = found.arrays, np.unique(given.reader)
    columns = a["winner"], a["loser"], a["criterion"], *a["scores"].T, names[a["reader"]]
    assert sorted(zip(*columns, strict=True)) == sorted(seen)
    assert sum(found.scores["ties"].values()) == ties > 0
    assert sum(found.scores["pairs"].values()) == len(seen)
    assert sum(found.scores["ties"].values()) + len(seen) == 3 * 6 * (2 + 2 + 2 * 2)


def test_both_losses_of_a_set_with_both_conditions_count_half():
    found = ratings.pairs(ratings.as_result(some())).arrays
    both = found["winner"] // ratings.EACH % 3 == ratings.NAMES.index("TM2I")
    assert set(found["weight"][both]) == {0.5} and set(found["weight"][~both]) == {1.0}
    assert both.any() and set(found["criterion"][both]) == {0, 1}


def test_nothing_but_ties_is_refused():
    flat = ratings.parsed(text(*(f"ann,0,{i},T2I,3," for i in range(4))))
    with pytest.raises(ValueError, match="nothing but ties"):
        ratings.pairs(ratings.as_result(flat))


def test_a_coin_turns_pairs_and_leaves_readers_as_agreed_as_they_were():
    before = ratings.pairs(ratings.as_result(some(4, 60)))
    after = ratings.by_coin(before, [0])
    a, b = before.arrays, after.arrays
    swap = a["winner"] == b["loser"]
    assert swap.mean() == pytest.approx(0.5, abs=0.1) == after.scores["swapped"]
    for name in ("criterion", "reader", "weight"):
        np.testing.assert_array_equal(a[name], b[name])
    for one, other in (("winner", "loser"), ("loser", "winner")):
        np.testing.assert_array_equal(b[one], np.where(swap, a[other], a[one]))
    np.testing.assert_array_equal(b["scores"], np.where(swap[:, None], a["scores"][:, ::-1],
                                                        a["scores"]))  # fmt: skip
    coins: dict[tuple, set] = {}
    for won, lost, turned in zip(a["winner"], a["loser"], swap, strict=True):
        coins.setdefault((min(won, lost), max(won, lost)), set()).add(bool(turned))
    assert all(len(found) == 1 for found in coins.values()), "one coin for any two images"
    again, other = ratings.by_coin(before, [0]), ratings.by_coin(before, [1])
    assert np.array_equal(b["winner"], again.arrays["winner"])
    assert not np.array_equal(b["winner"], other.arrays["winner"])
