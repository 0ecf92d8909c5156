"""The tree of errors: one root, documented, picklable, drawn as it is."""

from __future__ import annotations

import pickle
import re
from collections.abc import Iterator

import pytest

from tagtide import errors
from tagtide.errors import (
    Charge,
    ConfigError,
    DeliveryError,
    RateLimited,
    Reason,
    SourceError,
    TagtideError,
    UnexpectedResponse,
)


def tree(cls: type[TagtideError], depth: int = 0) -> Iterator[tuple[int, type[TagtideError]]]:
    yield depth, cls
    for child in cls.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from tree(child, depth + 1)


ALL = [cls for _, cls in tree(TagtideError)]


def test_every_exception_of_the_module_has_the_one_root() -> None:
    found = {
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, BaseException)
    }
    assert found == set(ALL)


def test_the_docstring_draws_the_tree_as_it_is() -> None:
    drawn = re.findall(r"^    ([│├└─ ]*)([A-Z]\w+)", errors.__doc__ or "", re.MULTILINE)
    assert {(len(branch) // 4, name) for branch, name in drawn} == {
        (depth, cls.__name__) for depth, cls in tree(TagtideError)
    }


@pytest.mark.parametrize("cls", ALL)
def test_every_error_says_something_by_itself(cls: type[TagtideError]) -> None:
    error = cls("") if cls is ConfigError else cls()
    assert (cls.__doc__ or "").strip().endswith(".")
    assert isinstance(error.hint, str)
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", error.code)
    if cls is not ConfigError:
        assert str(error) == (cls.__doc__ or "").partition("\n")[0]


@pytest.mark.parametrize("cls", ALL)
def test_every_error_survives_pickling(cls: type[TagtideError]) -> None:
    error = cls("It did not work.", hint="Try again.")
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is cls
    assert (str(copy), copy.hint, copy.args) == (str(error), error.hint, error.args)
    assert vars(copy) == vars(error)


def test_facts_survive_pickling() -> None:
    limited = RateLimited(retry_after=3.5, endpoint="hashtag", status=429, credits_remaining=7)
    copy = pickle.loads(pickle.dumps(limited))
    assert (copy.retry_after, copy.endpoint, copy.status) == (3.5, "hashtag", 429)
    assert (copy.reason, copy.charge) == (Reason.RATE_LIMITED, Charge.NOT_CHARGED)
    refused = pickle.loads(pickle.dumps(DeliveryError(permanent=True, retry_after=9)))
    assert (refused.permanent, refused.retry_after) == (True, 9)


def test_an_instance_may_know_better_than_its_class() -> None:
    error = UnexpectedResponse(reason=Reason.OVERSIZE, charge=Charge.UNKNOWN)
    assert (error.reason, error.charge) == (Reason.OVERSIZE, Charge.UNKNOWN)
    assert UnexpectedResponse.reason is Reason.UNDECODABLE


def test_problems_of_a_configuration_are_listed_one_by_one() -> None:
    error = ConfigError(["first", "second"])
    assert (str(error), error.problems) == ("first; second", ["first", "second"])


def test_only_source_errors_say_what_they_cost() -> None:
    assert all(isinstance(cls.charge, Charge) for cls in ALL if issubclass(cls, SourceError))
