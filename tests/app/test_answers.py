"""GET /api/v1/answers: people and accounts counted, nothing that the caller may not see, and nothing made up."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.access.keys import NewKey
from app.answers import AnswerService
from app.chat_completions_writer import ChatCompletionsWriter
from app.main import create_app
from contact_registry.actor import SYSTEM
from contact_registry.schemas_people import AccountIn, ContactChange, ContactIn
from core.settings import Settings
from core.tables import Interview
from core.visibility import ALL_SEEING
from search.phrasing import Writer
from tests.pages.world import World, example_interview

QUESTION = "weekly mail useful"


def tell(world: World, *said: tuple[str, str, str | None], title: str = "Talk") -> str:
    """Add an interview of (speaker, what they say, their address)."""
    people = [
        {"name": name, "speaker": name} | ({"email": email} if email else {})
        for name, email in dict.fromkeys((name, email) for name, _, email in said)
    ]
    segments = [
        {"speaker": name, "start_ms": 1000 * number, "end_ms": 1000 * number + 900, "text": text}
        for number, (name, text, _) in enumerate(said)
    ]
    interview = example_interview(title, project=None, participants=people, segments=segments)
    return world.services.ingest.add_interview(interview, "sample", "test", ALL_SEEING).id


def caller(world: World, *scopes: str, writer: Writer | None = None, **fields: Any) -> TestClient:
    services = world.services
    if writer is not None:
        answers = AnswerService(services.search, services.participation, services.registry, writer)
        services = replace(services, answers=answers)
    _, secret = services.access.keys.create(NewKey("asking", list(scopes), **fields), actor="test")
    return TestClient(create_app(services), headers={"authorization": f"Bearer {secret}"})


def ask(api: TestClient, query: str = QUESTION, **asked: str) -> Any:
    answer = api.get("/api/v1/answers", params={"q": query, **asked})
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture
def told(world: World) -> World:
    """Jana of the bakery says it in two interviews, Bob of the forge too, an unlisted speaker contradicts."""
    registry = world.services.registry
    account = registry.add_account(AccountIn(name="Bakery"), SYSTEM)
    registry.change_contact(world.contact_id, ContactChange(account=account.id), SYSTEM)
    forge = registry.add_account(AccountIn(name="Forge"), SYSTEM)
    registry.add_contact(ContactIn(name="Bob", emails=["bob@forge.example"], account=forge.id), SYSTEM)
    tell(world, ("Jana", "The weekly mail is useful.", "jana@bakery.example"))
    tell(world, ("Jana M.", "Every weekly mail is useful.", "Jana@Bakery.example"))
    tell(world, ("Bob", "The weekly mail is useful.", "bob@forge.example"))
    tell(world, ("Speaker 1", "The weekly mail is not useful.", None))
    return world


def test_a_contact_in_two_interviews_is_one_person_and_accounts_are_counted(told: World) -> None:
    answer = ask(caller(told, "read", "contacts:read"))
    (point,) = answer["points"]
    assert answer["status"] == "answered"
    assert point["sentence"] == "2 people in 2 accounts say this, 1 says otherwise"
    assert {quote["account_name"] for quote in point["say_so"]["quotes"]} == {"Bakery", "Forge"}
    assert (answer["people"], answer["accounts"]) == (3, 2)
    assert len(point["say_so"]["quotes"]) == point["say_so"]["people"]


def test_each_quote_leads_to_where_it_is_said(told: World) -> None:
    (point,) = ask(caller(told, "read"))["points"]
    (quote,) = point["otherwise"]["quotes"]
    assert (quote["speaker"], quote["segment"], quote["start_ms"], quote["end_ms"]) == ("Speaker 1", 0, 0, 900)
    assert quote["link"] == f"/interviews/{quote['interview']['id']}?t=0#segment-0"


@pytest.mark.parametrize(("scopes", "hides"), [(("read",), False), (("read", "contacts:read"), True)])
def test_from_whom_contacts_are_hidden_no_contact_and_no_account_is_told(
    told: World, scopes: tuple[str, ...], hides: bool
) -> None:
    answer = ask(caller(told, *scopes, hides_contacts=hides))
    (point,) = answer["points"]
    assert point["sentence"] == "2 people say this, 1 says otherwise", "an address still tells who is the same"
    assert answer["accounts"] is None
    quotes = point["say_so"]["quotes"] + point["otherwise"]["quotes"]
    assert all(quote["contact"] is quote["account"] is quote["account_name"] is None for quote in quotes)
    assert told.contact_id not in json.dumps(answer)


def test_a_label_that_two_participants_share_is_a_speaker_of_that_interview_alone(world: World) -> None:
    people = [
        {"name": "Jana", "speaker": "Room", "email": "jana@bakery.example"},
        {"name": "Bob", "speaker": "Room", "email": "bob@forge.example"},
    ]
    segments = [{"speaker": "Room", "text": "The weekly mail is useful."}]
    sent = example_interview("Room", project=None, participants=people, segments=segments)
    world.services.ingest.add_interview(sent, "sample", "test", ALL_SEEING)
    (point,) = ask(caller(world, "admin"))["points"]
    (quote,) = point["say_so"]["quotes"]
    assert quote["contact"] is None


def test_what_nobody_speaks_about_is_answered_with_not_enough_evidence_and_why(told: World) -> None:
    answer = ask(caller(told, "read"), "penguin exhibit opening hours")
    assert (answer["status"], answer["points"], answer["people"]) == ("not_enough_evidence", [], 0)
    assert answer["reason"]["code"] == "not_spoken_about"
    assert "0.40 is needed" in answer["reason"]["message"]


def test_an_empty_filter_result_says_that_nothing_was_found(told: World) -> None:
    assert ask(caller(told, "read"), tag="nowhere")["reason"]["code"] == "nothing_found"


def test_what_may_not_be_seen_or_quoted_is_not_counted(told: World) -> None:
    hidden = tell(told, ("Zoe", "The weekly mail is useful.", None), title="Hidden")
    assert ask(caller(told, "read"))["people"] == 4
    with told.services.database.write() as session:
        session.get_one(Interview, hidden).is_quotable = False
    assert ask(caller(told, "admin"))["people"] == 3


def test_filters_are_those_of_the_search(told: World) -> None:
    api = caller(told, "read", "contacts:read")
    (point,) = ask(api, contact=told.contact_id)["points"]
    assert {quote["contact"] for quote in point["say_so"]["quotes"]} == {told.contact_id}
    assert api.get("/api/v1/answers", params={"q": QUESTION, "limit": "3"}).status_code == 422
    assert api.get("/api/v1/answers", params={"q": " "}).json()["code"] == "empty_query"


# --- a language model, on this machine ---


class QuietServer(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        return  # a caller that no longer waits


class Endpoint:
    """An OpenAI-compatible endpoint that says `content`; `asked` are the requests that reached it."""

    def __init__(self) -> None:
        self.content: Any = ""
        self.status = 200
        self.asked: list[tuple[str, dict[str, str], Any]] = []
        self.goes_on = threading.Event()  # without it the endpoint keeps its caller waiting
        self.goes_on.set()
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                endpoint.asked.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
                answer = json.dumps({"choices": [{"message": {"content": endpoint.content}}]}).encode()
                endpoint.goes_on.wait()
                self.send_response(endpoint.status)
                if endpoint.status == 302:
                    self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_request(self, *args: Any) -> None:
                return

        self._server = QuietServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}/v1"

    @contextmanager
    def running(self) -> Iterator[None]:
        thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        thread.start()
        yield
        self._server.shutdown()
        thread.join()
        self._server.server_close()


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    made = Endpoint()
    with made.running():
        yield made


def phrased(world: World, endpoint: Endpoint, **settings: Any) -> Any:
    writer = ChatCompletionsWriter(endpoint.address, "small", "sec-ret", **settings)
    return ask(caller(world, "read", writer=writer))


def test_supported_sentences_of_the_model_stay_with_their_citations(told: World, endpoint: Endpoint) -> None:
    endpoint.content = "The weekly mail is useful [1]. Dashboards are loved by all [1]. The mail is weekly."
    answer = phrased(told, endpoint)
    assert answer["phrasing"]["status"] == "phrased"
    assert answer["phrasing"]["sentences"] == [{"text": "The weekly mail is useful.", "citations": [1]}]
    assert answer["points"], "the quotes stand beside it"


def test_sent_are_the_question_and_the_words_alone(told: World, endpoint: Endpoint) -> None:
    phrased(told, endpoint)
    ((path, headers, body),) = endpoint.asked
    assert path == "/v1/chat/completions"
    assert headers["authorization"] == "Bearer sec-ret"
    sent = json.loads(body["messages"][1]["content"])
    assert sent["question"] == QUESTION
    assert all(quote.keys() == {"number", "quote"} for quote in sent["quotes"])
    for secret in ("Jana", "Bob", "Talk", "bakery.example", "int_", told.contact_id):
        assert secret not in json.dumps(body)


def test_what_may_not_be_shared_outside_is_not_sent(told: World, endpoint: Endpoint) -> None:
    with told.services.database.write() as session:
        session.connection().exec_driver_sql("UPDATE interview SET is_shareable = 0")
    answer = phrased(told, endpoint)
    assert endpoint.asked == []
    assert answer["phrasing"]["status"] == "failed"
    assert answer["points"]


def test_a_citation_names_the_quote_in_the_answer_although_another_was_not_sent(
    told: World, endpoint: Endpoint
) -> None:
    first = ask(caller(told, "read"))["points"][0]["say_so"]["quotes"][0]["interview"]["id"]
    with told.services.database.write() as session:
        session.get_one(Interview, first).is_shareable = False
    endpoint.content = "The weekly mail is useful [1]."
    assert phrased(told, endpoint)["phrasing"]["sentences"][0]["citations"] == [2]


@pytest.mark.parametrize(("content", "status"), [(None, 200), ("fine [1].", 500), ("fine [1].", 302), ([], 200)])
def test_when_the_endpoint_fails_the_quotes_stand_and_the_answer_says_so(
    told: World, endpoint: Endpoint, content: Any, status: int
) -> None:
    endpoint.content, endpoint.status = content, status
    answer = phrased(told, endpoint)
    assert answer["phrasing"]["status"] == "failed"
    assert "no usable answer" in answer["phrasing"]["message"]
    assert answer["points"]
    assert len(endpoint.asked) == 1, "no redirect is followed"


def test_nobody_waits_longer_than_the_timeout(told: World, endpoint: Endpoint) -> None:
    endpoint.goes_on.clear()
    answer = phrased(told, endpoint, timeout_s=0.2)
    endpoint.goes_on.set()
    assert (answer["status"], answer["phrasing"]["status"]) == ("answered", "failed")


def test_nothing_supported_is_said_to_be_so(told: World, endpoint: Endpoint) -> None:
    endpoint.content = "Everything is wonderful."
    assert phrased(told, endpoint)["phrasing"]["status"] == "unsupported"


def test_an_endpoint_that_is_not_there_costs_nothing_but_the_phrasing(told: World) -> None:
    gone = Endpoint()
    gone._server.server_close()
    assert phrased(told, gone)["phrasing"]["status"] == "failed"


def test_without_evidence_nothing_is_sent(told: World, endpoint: Endpoint) -> None:
    api = caller(told, "read", writer=ChatCompletionsWriter(endpoint.address, "small", ""))
    assert ask(api, "penguin exhibit opening hours")["phrasing"]["status"] == "off"
    assert endpoint.asked == []


def test_an_endpoint_needs_a_model_and_a_real_address() -> None:
    wrong: tuple[dict[str, Any], ...] = (
        {"answer_url": "http://127.0.0.1/v1"},
        {"answer_url": "ftp://127.0.0.1", "answer_model": "m"},
    )
    for settings in wrong:
        with pytest.raises(ValueError, match="EARSHOT_ANSWER"):
            Settings(**settings)
