"""Exact words win when they should: what people type when they know what was said, on a corpus of our own."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from search.values import Mode, SearchFilters, SearchRequest
from tests.search.factories import Workshop

_FILLER = (
    "We went through the usual list in the morning and nobody had anything to add to it for quite a while. "
    "Later the room was too warm so somebody opened a window and we carried on with the rest of the day. "
)

# The moments; each stands alone in the middle of an interview of talk about nothing.
MOMENTS = {
    "sso": ("Ann Lee", "Without single sign on our security team will not even look at the trial."),
    "sign": ("Bob Moss", "Please sign the single page on top, the contract is on the table."),
    "wrench": ("Ann Lee", "The Zimmermann people asked twice whether the torque wrench report is in yet."),
    "zimmer": ("Bob Moss", "There is a room, in German a Zimmer, that we book for guests."),
    "ab1234": ("Cid Ray", "It said AB-1234 on the screen and then the export stopped."),
    "ab1243": ("Cid Ray", "Another day it said AB-1243 and the import stopped."),
    "qx77": ("Dora Ek", "We are still on the QX77 because the newer model does not fit the rack."),
    "version": ("Dora Ek", "Since release 4.2.1 the dashboard loads in a second."),
    "older": ("Cid Ray", "On release 4.1.2 the dashboard took a minute."),
    "integrate": ("Ann Lee", "Integrating it with our warehouse took two weekends."),
    "integration": ("Bob Moss", "The integrations page lists forty partners and none of them is ours."),
    "integrity": ("Dora Ek", "What matters to auditors is the integrity of the numbers."),
    "intern": ("Eva Fox", "Our intern does the monthly figures by hand."),
    "invoice": ("Ann Lee", "The invoice showed the wrong currency three months in a row."),
    "invoices": ("Eva Fox", "Invoices are paid on the tenth, drafts of an invoice never."),
    "refund": ("Bob Moss", "A refund took nine weeks and four calls."),
    "cancel": ("Dora Ek", "I cancelled because nobody answered, not because of the price."),
    "price": ("Eva Fox", "The price is fine; the price per seat is what hurts small teams."),
    "discount": ("Cid Ray", "A discount for schools would settle the matter."),
    "mail": ("Ann Lee", "Four e-mails in one week is three too many."),
    "email": ("Bob Moss", "The email address on file was that of my predecessor."),
    "offline": ("Dora Ek", "On the train there is no network, offline mode would save my Tuesday."),
    "cafe": ("Zoë Xu", "We met at the Café Größenwahn and drew the flow on a napkin."),
    "japanese": ("Zoë Xu", "The label says 請求書 and nobody here can read it."),
    "kubernetes": ("Cid Ray", "Our cluster runs on Kubernetes and the agent does not."),
    "gdpr": ("Eva Fox", "Under the GDPR we had to delete the lot within thirty days."),
    "okr": ("Eva Fox", "Every quarter the OKRs are rewritten and nobody reads them."),
    "churn": ("Bob Moss", "Churn went up when the trial was shortened to seven days."),
    "onboarding": ("Dora Ek", "The onboarding checklist has eleven steps, seven would do."),
    "password": ("Ann Lee", "The password reset link expires before the mail arrives."),
    "ostrava": ("Zoë Xu", "The warehouse in Ostrava counts the pallets by hand."),
    "nightingale": ("Cid Ray", "Project Nightingale is what they call the move to the new ledger."),
}


@dataclass(frozen=True)
class Case:
    """`first` leads; `without` are not found at all; `only` is everything that is found."""

    query: str
    first: str | None = None
    without: tuple[str, ...] = ()
    only: tuple[str, ...] | None = None
    mode: Mode = "hybrid"
    filters: SearchFilters = field(default_factory=SearchFilters)


CASES = [
    # a rare name
    Case("Zimmermann", "wrench"),
    Case("zimmermann torque", "wrench"),
    Case("What did the Zimmermann people want?", "wrench"),
    Case("Zimmer", "zimmer"),
    Case("Ostrava", "ostrava"),
    Case("pallets in Ostrava", "ostrava"),
    Case("Nightingale", "nightingale"),
    Case("project Nightingale", "nightingale"),
    Case("Größenwahn", "cafe"),
    Case("grossenwahn cafe", "cafe"),
    Case("Kubernetes", "kubernetes", mode="keyword", only=("kubernetes",)),
    Case("What did Zoë say about the warehouse?", "ostrava"),
    # a product code
    Case("AB-1234", "ab1234"),
    Case("ab 1234", "ab1234"),
    Case("AB-1243", "ab1243"),
    Case("error AB-1243", "ab1243"),
    Case('"AB-1234"', "ab1234", only=("ab1234",)),
    Case("QX77", "qx77"),
    Case("QX77 rack", "qx77", mode="keyword"),
    Case("4.2.1", "version"),
    Case("release 4.1.2", "older"),
    Case("GDPR", "gdpr"),
    Case("okrs", "okr"),
    Case("請求書", "japanese"),
    # a quoted phrase
    Case('"single sign on"', only=("sso",)),
    Case('"Single Sign On" trial', only=("sso",)),
    Case('"sign the single page"', only=("sign",)),
    Case('"sign single on"', only=()),
    Case('"wrong currency"', only=("invoice",), mode="keyword"),
    Case('"wrong currency"', only=("invoice",), mode="semantic"),
    Case('"price per seat"', only=("price",)),
    Case('"offline mode" "no network"', only=("offline",)),
    Case('"offline mode" "wrong currency"', only=()),
    Case("“password reset”", only=("password",)),
    # the beginning of a word
    Case("integrat*", mode="keyword", only=("integrate", "integration", "integrity")),  # all three have one stem
    Case("integr*", mode="keyword", only=("integrate", "integration", "integrity")),
    Case("Kuber*", "kubernetes", mode="keyword", only=("kubernetes",)),
    Case("nightin*", "nightingale"),
    Case("zimmerm* torque", "wrench"),
    Case("discou* schools", "discount"),
    Case("zzzz*", mode="keyword", only=()),
    Case("grösse*", "cafe", mode="keyword", only=("cafe",)),
    # a typo, in words that nobody said
    Case("Zimmerman", "wrench", mode="keyword", only=("wrench",)),
    Case("Zimermann", "wrench"),
    Case("Kubernets", "kubernetes", mode="keyword", only=("kubernetes",)),
    Case("kuberentes", "kubernetes"),
    Case("Nigthingale", "nightingale"),
    Case("onbording checklist", "onboarding"),
    Case("Ostarva", "ostrava"),
    Case("pasword reset", "password", mode="keyword"),
    Case("discuont", "discount"),
    Case("AB-1299", mode="keyword", only=("ab1234", "ab1243")),  # a number is not mended: this is for "AB"
    Case("QX78", mode="keyword", only=()),
    Case("zzxqy", mode="keyword", only=()),
    Case("invoice", without=("integrate",), mode="keyword", only=("invoice", "invoices")),
    # an exclusion
    Case("invoice -draft", mode="keyword", only=("invoice",)),
    Case("invoice -currency", mode="keyword", only=("invoices",)),
    Case('sign -"single sign on"', mode="keyword", only=("sign",)),
    Case("price -seat -answered", mode="keyword", only=()),
    Case("dashboard -minute", "version", mode="keyword", only=("version",)),
    Case("release -4.2.1", mode="keyword", only=("older",)),
    Case("wrong invoice -inv*", without=("invoice", "invoices")),
    Case("trial -churn", "sso", without=("churn",)),
    # who speaks
    Case("invoice speaker:ann", "invoice", mode="keyword", only=("invoice",)),
    Case('invoice speaker:"Eva Fox"', mode="keyword", only=("invoices",)),
    Case("dashboard speaker:dora", mode="keyword", only=("version",)),
    Case("dashboard", mode="keyword", only=("older",), filters=SearchFilters(speaker="cid ray")),
    Case("dashboard speaker:nobody", mode="keyword", only=()),
]


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workshop, dict[str, str]]:
    workshop = Workshop(Path(tmp_path_factory.mktemp("office")))
    names: dict[str, str] = {}
    for name, (speaker, said) in MOMENTS.items():
        interview = workshop.add(*[_FILLER] * 9, said, *[_FILLER] * 9, speakers=["Host"] * 9 + [speaker] + ["Host"] * 9)
        names[interview] = name
    return workshop, names


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.mode} {case.query}")
def test_exact_words_win(office: tuple[Workshop, dict[str, str]], case: Case) -> None:
    workshop, names = office
    answer = workshop.service.search(SearchRequest(case.query, case.mode, 50, case.filters))
    found = [names[result.interview.id] for result in answer.results]
    if case.first is not None:
        assert found[0] == case.first
        assert MOMENTS[case.first][1] in answer.results[0].text
    if case.only is not None:
        assert sorted(found) == sorted(case.only)
    said = " ".join(result.text for result in answer.results)
    for name in case.without:
        assert MOMENTS[name][1] not in said


@pytest.mark.parametrize("query", ["single sign-on", "invoices by hand", "discount schools"])
@pytest.mark.parametrize("place", range(1, 12, 2))
def test_the_sentence_that_somebody_remembers_is_in_the_first_moment(tmp_path: Path, query: str, place: int) -> None:
    said = {
        "single sign-on": "They keep passwords on yellow notes. Single sign on would save the help desk two hours.",
        "invoices by hand": "At the end of the month I copy the invoices by hand.",
        "discount schools": "A discount for schools would settle the matter.",
    }
    workshop = Workshop(tmp_path)
    talk = [f"{_FILLER} Then came point {number} of the agenda." for number in range(12)]
    for other in range(3):
        workshop.add(*talk, f"Somebody asked for a hand with the school sign number {other}.", *talk)
    workshop.add(*talk[:place], said[query], *talk[place:])
    (first, *_) = workshop.service.search(SearchRequest(query, "hybrid", 10)).results
    assert said[query] in first.text


def test_there_are_sixty_cases() -> None:
    assert len(CASES) >= 60
