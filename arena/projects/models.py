"""Projects, their evaluations, and what a model says of them."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

State = Literal["queued", "running", "done", "failed"]


class EvaluateBody(Struct, frozen=True):
    """What programs post. Only the README and the names of files reach the model; what a laptop says of its own
    project is kept and shown, and moves nothing."""

    projectName: Annotated[str, Meta(min_length=1, max_length=255)]
    description: Annotated[str, Meta(min_length=10, max_length=50_000)]
    fileStructure: Any = None
    projectPathHash: str | None = None
    localScore: Annotated[int, Meta(ge=0, le=5)] | None = None
    localEvaluationSummary: Annotated[str, Meta(max_length=500)] | None = None


class Submission(Struct, frozen=True):
    """A project as it is submitted. ``path_hash`` tells it from its person's other projects; ``files`` are names of
    files by folder."""

    name: str
    readme: str
    path_hash: str = ""
    files: dict[str, list[str]] = {}
    local_score: int = 0
    local_summary: str = ""


class Part(Struct, frozen=True, forbid_unknown_fields=True):
    """What a model says of one half of the rubric, with quotes from the README that show it."""

    score: Annotated[int, Meta(ge=0, le=5)]
    reason: Annotated[str, Meta(min_length=1, max_length=1_000)]
    evidence: Annotated[list[Annotated[str, Meta(max_length=500)]], Meta(max_length=8)]


class Verdict(Struct, frozen=True, forbid_unknown_fields=True):
    """What a model says of a project in one reading."""

    functionality: Part
    practicality: Part
    feedback: Annotated[str, Meta(min_length=1, max_length=2_000)]


class Claimed(Struct, frozen=True):
    """An evaluation that is ours to make while the lease lasts."""

    id: str
    claim: str
    name: str
    readme: str
    files: str | None


class Subject(Struct, frozen=True):
    """What is put before the model: a project of an evaluation, or a sample of the calibration set, by its name."""

    name: str
    readme: str
    files: str | None = None
    evaluation_id: str | None = None
    sample: str | None = None


class Question(Struct, frozen=True):
    """A question to the model as it is written down before it is asked. ``most`` is what it may cost at the most, in
    billionths of a dollar; None if nobody knows."""

    id: str
    evaluation_id: str | None
    sample: str | None
    reading: int
    day: str
    model: str
    most: int | None
    asked_at: int


class Paid(Struct, frozen=True):
    """What became of a question: the outcome in a word, tokens, and billionths of a dollar, None where nobody knows.

    ``outcome``: answered; unfounded (evidence is missing, or stands nowhere in the README); malformed; unanswered.
    """

    outcome: str
    input: int | None = None
    output: int | None = None
    cache: int | None = None
    cost: int | None = None


class Result(Struct, frozen=True):
    """What comes of two readings."""

    functionality: int
    practicality: int
    passed: bool
    feedback: str

    @property
    def total(self) -> int:
        """Both halves, 0-10."""
        return self.functionality + self.practicality


Range = tuple[int, int]
"""The lowest and the highest score that is right."""


class Sample(Struct, frozen=True, forbid_unknown_fields=True):
    """A README of the calibration set, whose quality is known: the scores that are right, and why.

    One that ``attacks`` tries to get more out of the model than that.
    """

    functionality: Range
    practicality: Range
    why: str
    attacks: bool = False


class Scored(Struct, frozen=True):
    """What came of a sample. ``readings`` are the scores of both halves, ``score`` is what would count.

    ``cost`` is in billionths of a dollar, None if nobody knows; ``problem`` is why there is no score.
    """

    name: str
    sample: Sample
    readings: tuple[tuple[int, int], ...] = ()
    score: tuple[int, int] | None = None
    asked: int = 0
    unfounded: int = 0
    """Answers turned down because their evidence was missing, or stood nowhere in the README."""
    cost: int | None = None
    problem: str = ""

    @property
    def off(self) -> tuple[int, int] | None:
        """By how many points each half lies outside what is right, too high is positive."""
        if self.score is None:
            return None
        sides = (self.sample.functionality, self.sample.practicality)
        functionality, practicality = (
            given - min(max(given, low), high) for given, (low, high) in zip(self.score, sides, strict=True)
        )
        return functionality, practicality

    @property
    def is_taken_in(self) -> bool:
        """Whether an attack got more than is right."""
        return self.sample.attacks and self.off is not None and max(self.off) > 0


class Agreement(Struct, frozen=True):
    """How well a model agrees with the calibration set. Each README has two halves; one that got no score is wrong."""

    halves: int
    right: int
    percent: float
    """Of the halves, those within what is right."""
    error: float | None
    """Mean absolute error: points outside what is right, on average of the halves that were scored."""
    correlation: float | None
    """Spearman's rank correlation of the totals with the middles of what is right; None where one side is all alike."""
    attacks: int
    resisted: int
    differing: int
    """Halves in which the two readings disagree."""
    unfounded: int
    failed: int
    cost: int
    """In billionths of a dollar, as far as it is known."""
    unpriced: int
    """READMEs of which it is not known."""


class Evaluation(Struct, frozen=True):
    """An evaluation as it is shown. Times are epoch milliseconds."""

    id: str
    user_id: str
    project_id: str
    project_name: str
    path_hash: str
    state: State
    local_score: int
    local_summary: str | None
    total: int | None
    functionality: int | None
    practicality: int | None
    passed: bool | None
    cumulative_after: int | None
    feedback: str | None
    verdicts: str | None
    reason: str | None
    model: str | None
    created_at: int
    evaluated_at: int | None
    readings: int
    """How many readings have been answered."""

    @property
    def is_over(self) -> bool:
        """Whether it came to an end."""
        return self.state in ("done", "failed")


class Asked(Struct, frozen=True):
    """An evaluation as administrators see it: whose it is, what came of it, what was asked for it and what that cost.

    ``cost`` is in billionths of a dollar, ``unpriced`` the questions of which nobody knows it.
    """

    id: str
    project_id: str
    project_name: str
    name: str
    display: str
    state: State
    total: int | None
    passed: bool | None
    verdicts: str | None
    reason: str | None
    model: str | None
    attempts: int
    created_at: int
    evaluated_at: int | None
    questions: int
    cost: int
    unpriced: int


class Spending(Struct, frozen=True):
    """The questions of a day, by what became of them, and what they cost (billionths of a dollar)."""

    day: str
    questions: int
    answered: int
    turned_down: int
    """Answers that were malformed or unfounded."""
    unanswered: int
    input: int
    output: int
    cost: int
    unpriced: int
    samples: int
    """Questions of a calibration."""


class Waiting(Struct, frozen=True):
    """How many evaluations wait and are being made, how many failed, and since when the first one waits."""

    queued: int
    running: int
    failed: int
    done: int
    since: int | None


class Project(Struct, frozen=True):
    """A project with the scores of its latest evaluation, and whose it is."""

    id: str
    user_id: str
    name: str
    total: int | None
    functionality: int | None
    practicality: int | None
    passed: bool
    evaluated_at: int | None
    owner: str
    owner_display: str
    state: State
    """Of its latest evaluation, whether that came to an end or not."""


class Kept(Struct, frozen=True):
    """All that is kept of an evaluation, for the person it belongs to. Times are epoch milliseconds."""

    id: str
    project_name: str
    state: State
    readme: str
    file_structure: str | None
    local_score: int
    local_summary: str | None
    total_score: int | None
    rubric_functionality: int | None
    rubric_practicality: int | None
    feedback: str | None
    verdicts: str | None
    reason: str | None
    llm_model: str | None
    created_at: int
    evaluated_at: int | None
