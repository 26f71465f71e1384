from calibench.things.sample_words import changed_answers, differing_words


def test_scores_and_answers_are_counted_apart() -> None:
    assert differing_words(7, 300, 100 * 280 / 300) == (
        "The score of 7 of 300 samples differs between FP32 and INT8; 20 answers changed"
    )


def test_what_is_not_known_is_not_said() -> None:
    assert differing_words(7, 300, None) == "The score of 7 of 300 samples differs between FP32 and INT8"
    assert differing_words(1, None, 99.0) == "The score of 1 sample differs between FP32 and INT8"
    assert (changed_answers(None, 99.0), changed_answers(300, None)) == (None, None)


def test_equal_scores_may_hide_other_answers() -> None:
    assert differing_words(0, 500, 100.0) == "FP32 and INT8 have the same score on all of 500 samples"
    assert differing_words(0, 500, 99.0) == (
        "FP32 and INT8 have the same score on all of 500 samples; 5 answers changed"
    )


def test_one_is_one_and_thousands_have_a_comma() -> None:
    assert differing_words(1200, 5000, 99.98) == (
        "The score of 1,200 of 5,000 samples differs between FP32 and INT8; 1 answer changed"
    )
