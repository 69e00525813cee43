"""Checking a list, importing history after a dry run, downloading the outcome, undoing it."""

import csv
import io
import re

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from contact_registry.actor import SYSTEM
from contact_registry.schemas_people import EraseIn
from tests.pages.world import PageText, World, token_on

FILES = "/contacts/files"
ASKED = {"team": "research", "purpose": "interview", "channel": "email"}
LIST = "email;note\njana@bakery.example;first\nnew@mill.example;\nnobody@;\nJANA@bakery.example;again\n"
HISTORY = "email,date,status,external_id\njana@bakery.example,2026-04-01,held,a1\nnew@mill.example,2026-13-01,,a2\n"


def send(client: TestClient, path: str, content: str = "", **form: str) -> Response:
    data = {"csrf_token": token_on(client, FILES), **ASKED, **form}
    answer: Response = client.post(f"{FILES}/{path}", data=data, files={"file": ("list.csv", content.encode())})
    return answer


def hidden_fields(html: str, action: str) -> dict[str, str]:
    """Return the hidden fields of the first form that posts to `action`."""
    form = re.search(rf'<form[^>]*action="{action}"[^>]*>.*?</form>', html, flags=re.DOTALL)
    assert form is not None
    fields = [attrs for tag, attrs in PageText(form[0]).elements if tag == "input" and attrs.get("type") == "hidden"]
    return {str(attrs["name"]): attrs["value"] or "" for attrs in fields}


def preview(client: TestClient, content: str) -> dict[str, str]:
    return hidden_fields(send(client, "import", content).text, f"{FILES}/import")


def test_a_list_is_answered_row_by_row_and_counted_by_badge(member: TestClient, shared_world: World) -> None:
    page = PageText(send(member, "check", LIST).text)
    assert "4 rows checked" in page.text
    assert "Cooling down 1" in page.text
    assert "Twice in the list 1" in page.text
    assert "Not checked 1" in page.text
    assert "The same person as in row 1." in page.text
    assert ("a", {"href": f"/contacts/{shared_world.contact_id}"}) in page.elements
    assert "1 Jun 2026" in page.text


def test_a_pasted_list_is_checked_like_a_file(member: TestClient) -> None:
    form = {"csrf_token": token_on(member, FILES), **ASKED, "text": LIST}
    assert "4 rows checked" in PageText(member.post(f"{FILES}/check", data=form).text).text


def test_the_checked_list_is_downloaded_with_the_answers_behind_its_columns(member: TestClient) -> None:
    fields = hidden_fields(send(member, "check", LIST).text, f"{FILES}/check")
    answer = member.post(f"{FILES}/check", data={**fields, "download": "yes"})
    assert answer.headers["content-type"].startswith("text/csv")
    assert "attachment" in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["note"] for row in rows] == ["first", "", "", "again"]
    assert rows[0]["eligibility"] == "ineligible"
    assert rows[3]["duplicate_of_row"] == "1"


def test_a_long_list_shows_its_first_rows_and_downloads_all(member: TestClient) -> None:
    many = "email\n" + "".join(f"p{number}@mill.example\n" for number in range(250))
    html = send(member, "check", many).text
    assert "250 rows checked" in PageText(html).text
    assert html.count("<tr>") == 201
    fields = hidden_fields(html, f"{FILES}/check")
    assert len(member.post(f"{FILES}/check", data={**fields, "download": "yes"}).text.splitlines()) == 251


def test_a_list_in_another_encoding_keeps_its_letters_in_the_download(member: TestClient) -> None:
    data = {"csrf_token": token_on(member, FILES), **ASKED}
    content = "email,name\nnew@mill.example,Žofie Řehořová\n".encode("cp1250")
    html = member.post(f"{FILES}/check", data=data, files={"file": ("list.csv", content)}).text
    fields = hidden_fields(html, f"{FILES}/check")
    assert fields["text"].endswith("ová\n")


def test_the_column_of_addresses_is_named_when_it_is_called_otherwise(member: TestClient) -> None:
    refused = send(member, "check", "who,note\nnew@mill.example,x\n")
    assert refused.status_code == 422
    assert "The columns are: who, note." in PageText(refused.text).text
    assert send(member, "check", "who,note\nnew@mill.example,x\n", email_column="who").status_code == 200


@pytest.mark.parametrize("path", ["check", "import"])
@pytest.mark.parametrize("content", ["", "\n \n", "name\nJana\n", "email\0\n"])
def test_a_file_that_cannot_be_read_is_refused_in_words(member: TestClient, path: str, content: str) -> None:
    answer = send(member, path, content)
    assert answer.status_code == 422
    assert any(attrs.get("role") == "alert" for _, attrs in PageText(answer.text).elements)


def test_a_dry_run_says_what_would_become_of_every_row_and_stores_nothing(world: World) -> None:
    before = world.services.registry.conflicts.stats()
    page = PageText(send(world.member(), "import", HISTORY).text)
    assert "What importing 2 rows would do" in page.text
    assert "Created 1" in page.text
    assert "Error 1" in page.text
    assert world.services.registry.conflicts.stats() == before


def test_history_is_imported_once_however_often_the_button_is_pressed(world: World) -> None:
    client = world.member()
    before = world.services.registry.conflicts.stats().touchpoints
    fields = preview(client, "email,date\njana@bakery.example,2026-04-01\n")
    first = client.post(f"{FILES}/import", data=fields)
    assert first.status_code == 303
    assert client.post(f"{FILES}/import", data=fields).headers["location"] == first.headers["location"]
    assert world.services.registry.conflicts.stats().touchpoints == before + 1
    page = PageText(client.get(first.headers["location"]).text)
    assert "Import of list.csv" in page.text
    assert "Created 1" in page.text
    assert ("a", {"href": f"/contacts/{world.contact_id}"}) in page.elements


def test_an_import_is_downloaded_and_undone_once(world: World) -> None:
    client = world.member()
    where = client.post(f"{FILES}/import", data=preview(client, HISTORY)).headers["location"]
    rows = list(csv.DictReader(io.StringIO(client.get(f"{where}/result.csv").text)))
    assert [row["outcome"] for row in rows] == ["created", "error"]
    token = token_on(client, where)
    assert client.post(f"{where}/undo", data={"csrf_token": token}).status_code == 303
    assert "This import was undone" in PageText(client.get(where).text).text
    assert client.post(f"{where}/undo", data={"csrf_token": token}).status_code == 409


def test_rows_of_an_erased_person_are_counted_and_never_named(world: World) -> None:
    world.services.registry.erasure.erase(world.contact_id, EraseIn(), SYSTEM)
    client = world.member()
    where = client.post(f"{FILES}/import", data=preview(client, HISTORY)).headers["location"]
    html = client.get(where).text
    assert "Not stored 1" in PageText(html).text
    assert "jana@" not in html + client.get(f"{where}/result.csv").text


def test_dates_are_read_in_the_order_that_is_chosen(member: TestClient) -> None:
    row = "email,date\njana@bakery.example,03/04/2026\n"
    assert "Error 1" in PageText(send(member, "import", row).text).text
    assert "Created 1" in PageText(send(member, "import", row, order="dmy").text).text


def test_the_template_can_be_imported_as_it_is(member: TestClient) -> None:
    template = member.get(f"{FILES}/template.csv")
    assert template.headers["content-type"].startswith("text/csv")
    assert "Created 1" in PageText(send(member, "import", template.text).text).text


def test_an_import_that_is_not_there_has_a_page_that_says_so(member: TestClient) -> None:
    assert member.get(f"{FILES}/imports/imp_none").status_code == 404


def test_markup_in_a_file_stays_text(member: TestClient) -> None:
    for path in ("check", "import"):
        page = PageText(send(member, path, 'email\n"><script>alert(1)</script>"\n').text)
        assert not [attrs for tag, attrs in page.elements if tag == "script" and "src" not in attrs]


PEOPLE = "email,team\njana@bakery.example,\nnew@mill.example,sales\nalso@mill.example,\nlast@mill.example,\n"


def test_ticked_rows_of_a_checked_list_are_reserved_as_their_rows_say(world: World) -> None:
    client = world.member()
    fields = hidden_fields(send(client, "check", PEOPLE).text, f"{FILES}/reserve")
    answer = client.post(f"{FILES}/reserve", data={**fields, "take": "ticked", "row": ["1", "2", "99"], "ttl": "PT1H"})
    page = PageText(answer.text)
    assert "1 of 2 people reserved" in page.text
    assert "Cooling down" in page.text
    assert [hold.team for hold in world.services.registry.list_reservations()] == ["sales"]


def test_the_first_so_many_who_may_be_contacted_are_reserved_once(world: World) -> None:
    client = world.member()
    fields = hidden_fields(send(client, "check", PEOPLE).text, f"{FILES}/reserve")
    for _ in range(2):
        answer = client.post(f"{FILES}/reserve", data={**fields, "take": "first", "first": "2", "spread": "yes"})
        assert "2 of 2 people reserved" in PageText(answer.text).text
    assert len(world.services.registry.list_reservations()) == 2
    for wrong in ("0", "1001"):
        refused = client.post(f"{FILES}/reserve", data={**fields, "take": "first", "first": wrong})
        assert refused.status_code == 422
        assert "1 to 1000" in refused.text


def test_columns_are_told_where_their_names_do_not_say(world: World) -> None:
    client = world.member()
    content = "email,happened,when\njana@bakery.example,phone,2026-04-01\n"
    fields = preview(client, content)
    first = client.post(f"{FILES}/import", data={**fields, "step": "preview"})
    assert "Person only" in PageText(first.text).text
    told = {**fields, "columns": ["date=when", "channel=happened", "email=email"]}
    again = client.post(f"{FILES}/import", data={**told, "step": "preview"})
    assert "Created" in PageText(again.text).text
    assert 'value="date=when" selected' in again.text
    assert client.post(f"{FILES}/import", data={**told, "step": "import"}).status_code == 303
    (channel,) = [one.channel for one in world.services.registry.timeline(world.contact_id) if one.date is not None]
    assert channel == "phone"


def test_local_times_are_those_of_the_zone_that_was_named(world: World) -> None:
    client = world.member()
    content = "email,at,external_id\njana@bakery.example,2026-04-01 10:00,z-1\n"
    fields = hidden_fields(send(client, "import", content, tz="America/New_York").text, f"{FILES}/import")
    client.post(f"{FILES}/import", data=fields)
    times = [one.at.isoformat() for one in world.services.registry.timeline(world.contact_id)]
    assert "2026-04-01T14:00:00+00:00" in times
    assert send(client, "import", content, tz="Nowhere/City").status_code == 422


def test_the_wrong_rows_come_back_as_they_were_with_the_reason(member: TestClient) -> None:
    fields = preview(member, HISTORY)
    answer = member.post(f"{FILES}/import", data={**fields, "step": "errors"})
    heading, *rows = list(csv.reader(io.StringIO(answer.text)))
    assert heading == ["email", "date", "status", "external_id", "reason"]
    assert [row[:4] for row in rows] == [["new@mill.example", "2026-13-01", "", "a2"]]
    assert rows[0][4]


def test_past_imports_are_listed_and_undone_from_the_list(world: World) -> None:
    client = world.member()
    assert "Nothing was imported yet" in client.get(FILES).text
    client.post(f"{FILES}/import", data=preview(client, HISTORY))
    html = client.get(FILES).text
    assert "created 1" in PageText(html).text
    action = re.findall(rf'action="({FILES}/imports/[^"]+/undo)"', html)[0]
    assert client.post(action, data={"csrf_token": token_on(client, FILES)}).status_code == 303
    assert "was undone" in client.get(FILES).text


def test_rows_that_may_be_one_person_are_pointed_out(member: TestClient) -> None:
    content = "email\njana+news@bakery.example\nnew@mill.example\nnew+work@mill.example\n"
    page = PageText(send(member, "check", content).text)
    assert "2 suspected duplicates" in page.text
    assert "Perhaps Jana Malá, who is on file with a similar address." in page.text
    assert "Perhaps the same person as in row 2." in page.text
