"""The administrators' page of prices."""

from tests.flows.serving import Serving, Visitor, session


def test_models_without_a_price_are_listed_and_told_from_free_ones(box: Serving) -> None:
    box.add("bob").send(session(modelName="nobody-knows-1", sessionId="one"))
    box.add("carol").send(session(modelName="claude-sonnet-4-5", sessionId="two"))
    with Visitor(box) as admin:
        admin.join(box.first_link(), "alice")
        page = admin.get("/admin/prices").text
    assert "One model has no price." in page
    assert "nobody-knows-1" in page
    assert "claude-sonnet-4-5" not in page
    assert "LiteLLM" in page
