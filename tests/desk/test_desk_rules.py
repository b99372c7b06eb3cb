"""Whatever people do at the desk in whatever order: a plain model of it says the same."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from rrm_tree.asking import Batch, Question, Said
from rrm_tree.desk import QUESTION_SECONDS, Desk

KEY, PEOPLE = "leaf@0123", ("ann", "bob", "eve")
people = st.sampled_from(PEOPLE)


class DeskRules(RuleBasedStateMachine):
    """A model that holds who answered what, and what was used."""

    def __init__(self):
        super().__init__()
        self.now = 1e9
        self.desk = Desk("sqlite://", clock=lambda: self.now)
        self.wanted = {item: 1 + item % 2 for item in range(6)}
        asked = [Question(item, 5 - item, wanted) for item, wanted in self.wanted.items()]
        self.desk.put(Batch(KEY, 0, "run", "leaf", "preference", 2, quota=4), asked)
        self.held: dict[str, dict[str, tuple[int, float]]] = {name: {} for name in PEOPLE}
        self.given: dict[tuple[str, str], tuple[int, float, float]] = {}
        self.used = None

    def tick(self):
        self.now += 1.0

    @rule(person=people, count=st.integers(1, 4))
    def take(self, person, count):
        self.tick()
        for one in self.desk.take(person, [KEY], count):
            assert (person, one.id) not in self.given
            others = {who for who, question in self.given if question == one.id and who != person}
            live = {
                who for who in PEOPLE if who != person and self.held[who].get(one.id, (0, 0.0))[1] > self.now
            }
            if self.held[person].get(one.id, (0, 0.0))[1] <= self.now:
                assert len(others | live) < self.wanted[one.item]
            self.held[person][one.id] = one.item, self.now + QUESTION_SECONDS
        alive = [until for _, until in self.held[person].values() if until > self.now]
        assert len(alive) + sum(who == person for who, _ in self.given) <= 4 + len(PEOPLE)

    @rule(person=people, value=st.sampled_from([0.0, 0.5, 1.0]), which=st.integers(0, 9))
    def answer(self, person, value, which):
        self.tick()
        known = sorted({*self.held[person], *(q for who, q in self.given if who == person)})
        if not known:
            return
        question = known[which % len(known)]
        before = self.given.get((person, question))
        said = self.desk.answer(person, question, Said(value))
        if self.used is not None:
            assert said == ("given" if before is not None and before[1] == value else "amended")
            return
        assert said == "given"
        if before is None or before[1] != value:
            item = before[0] if before else self.held[person][question][0]
            self.given[person, question] = item, value, self.now
        self.held[person].pop(question, None)

    @rule(person=people)
    def undo(self, person):
        self.tick()
        mine = {q: at for (who, q), (_, _, at) in self.given.items() if who == person}
        one = self.desk.undo(person, [KEY])
        if self.used is not None or not mine:
            assert one is None
            return
        assert one.id == max(mine, key=mine.get)
        item = self.given.pop((person, one.id))[0]
        self.held[person][one.id] = item, self.now + QUESTION_SECONDS

    @rule(seconds=st.sampled_from([30.0, 130.0]))
    def wait(self, seconds):
        self.now += seconds

    @rule()
    def use(self):
        counts = {item: 0 for item in self.wanted}
        for item, _, _ in self.given.values():
            counts[item] += 1
        found = self.desk.use(KEY, 0)
        if self.used is not None:
            assert found == self.used or [one.value for one in found] == [one.value for one in self.used]
        elif all(counts[item] >= wanted for item, wanted in self.wanted.items()):
            assert [one.item for one in found] == [i for i, n in self.wanted.items() for _ in range(n)]
            self.used = found
        else:
            assert found is None

    @invariant()
    def nothing_is_lost_or_doubled(self):
        kept = self.desk.answers_for(KEY, 0)
        assert {(one.person, one.question): one.value for one in kept} == {
            who: value for who, (_, value, _) in self.given.items()
        }
        assert len(kept) == len(self.given)

    def teardown(self):
        self.desk.close()


TestDeskRules = DeskRules.TestCase
TestDeskRules.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
