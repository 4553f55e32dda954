"""Tests that `docs/claims.md` lists every sentence of the guides with the tests that check it."""

from collections import Counter

import pytest

from tests.claims import DOCUMENTS, NO_CLAIM, ROOT, claims, names_in, sentences_of

CLAIMS = list(claims())


@pytest.mark.parametrize("document", DOCUMENTS)
def test_the_list_has_each_sentence_of_the_document_and_no_other(document: str) -> None:
    listed = Counter(sentence for of, sentence, _ in CLAIMS if of == document)
    written = Counter(sentences_of(document))
    assert sorted(written - listed) == [], "in the document, and not in docs/claims.md"
    assert sorted(listed - written) == [], "in docs/claims.md, and not in the document (any more)"


def test_every_test_named_exists() -> None:
    missing = []
    for document, sentence, tests in CLAIMS:
        assert tests, (document, sentence)
        for test in tests:
            if test == NO_CLAIM:
                continue
            file, _, name = test.partition("::")
            if not (ROOT / file).is_file() or name not in names_in(file):
                missing.append(f"{document}: {test}")
    assert missing == []


def test_most_sentences_have_a_test() -> None:
    """A sentence without a test asks people to do something or gives a reason. These are few."""
    untried = sum(tests == [NO_CLAIM] for _, _, tests in CLAIMS)
    assert untried < len(CLAIMS) / 3
