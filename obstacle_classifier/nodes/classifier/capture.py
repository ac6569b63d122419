# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Which stretches of a drive are worth keeping, from the predictions alone: no ROS, no clock of its own."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

from obstacle_classifier.model import Model
from obstacle_classifier.model.decision import DecisionRule
from obstacle_classifier.model.novelty import Novelty
from obstacle_classifier.pipeline import Prediction

__all__ = ["REASONS", "Capture", "CaptureOptions", "CapturePolicy", "Step", "Trigger"]

REASONS = ("disagreement", "uncertain", "unlike", "event", "request")
HOUR = 3600 * 10**9  # ns


@dataclass(frozen=True)
class CaptureOptions:
    """What counts as worth keeping, and how often.

    Attributes:
        delay: ns from a trigger to the request of a recording, which then also holds what followed.
        hold: ns that a condition must last until it triggers, and be absent until it can trigger again.
        spread: Spread of the members' probabilities of a label from which they disagree; 0: never.
        band: Share of the way from a label's threshold down to 0 and up to 1 in which its probability is uncertain; 0:
            never.
        unlike: Share of the columns that must be unlike the training data; 0: never.
        events: Whether a label that begins or ends triggers.
        per_hour: Most recordings in an hour.
        per_reason: Most recordings in an hour for one reason.
    """

    delay: int = 5 * 10**9
    hold: int = 10**9
    spread: float = 0.2
    band: float = 0.2
    unlike: float = 0.25
    events: bool = True
    per_hour: int = 12
    per_reason: int = 6


@dataclass(frozen=True)
class Trigger:
    """Something worth keeping.

    Attributes:
        reason: One of `REASONS`.
        time: End of the interval that triggered, in ns.
        detail: The reason in words, with its numbers.
    """

    reason: str
    time: int
    detail: str


@dataclass(frozen=True)
class Capture:
    """A recording to ask for.

    Attributes:
        triggers: The first trigger, and those that came until the recording was asked for.
        due: Time in ns at or after which it is asked for.
    """

    triggers: tuple[Trigger, ...]
    due: int

    @property
    def reasons(self) -> tuple[str, ...]:
        """The reasons, each once, in the order of `REASONS`."""
        own = {trigger.reason for trigger in self.triggers}
        return tuple(reason for reason in REASONS if reason in own)


@dataclass(frozen=True)
class Step:
    """What one interval leads to.

    Attributes:
        due: The recording to ask for now.
        capped: Triggers that a cap leaves without a recording.
        dropped: A recording that will not be asked for, because the clock was set back or the node stopped.
    """

    due: Capture | None = None
    capped: tuple[Trigger, ...] = ()
    dropped: Capture | None = None


class CapturePolicy:
    """Finds triggers in a sequence of predictions and turns them into few recordings.

    All times are ends of intervals, so equal predictions give equal recordings. A trigger asks for one recording
    `delay` later; further triggers until then join it. A condition triggers once, when it begins. An unknown interval,
    or a gap between intervals, neither begins nor ends one. After a gap, labels trigger only once every label had the
    time to be decided. A clock that was set back drops the recording in preparation and forgets all conditions; the
    recordings of the last hour still count.

    Attributes:
        asked: Recordings asked for so far, by reason. One with two reasons counts for both.
        capped: Triggers without a recording because of a cap so far, by reason.
        pending: The recording in preparation.
    """

    def __init__(self, model: Model, rules: Sequence[DecisionRule], options: CaptureOptions) -> None:
        self.asked: Counter[str] = Counter()
        self.capped: Counter[str] = Counter()
        self.pending: Capture | None = None
        self._history: deque[tuple[int, Capture]] = deque()
        self._now: int | None = None
        self._jumps_back = 0
        self._has_spread = True
        self._model: Model | None = None
        self._options = options
        self.serve(model, rules, options)

    def serve(self, model: Model, rules: Sequence[DecisionRule], options: CaptureOptions) -> None:
        """Judge predictions of this model from now on; other rules alone keep the present conditions."""
        self._rules = tuple(rules)
        self._settle = max(rule.enter for rule in rules)
        if model is self._model and options == self._options:
            return
        self._model, self._options = model, options
        self._novelty = None if model.reference is None else Novelty(model.reference, model.sensors.layout)
        self._hold = max(1, -(-options.hold // model.sensors.interval))
        self._forget()

    @property
    def unavailable(self) -> tuple[str, ...]:
        """The reasons that are switched on but that this model cannot give."""
        lacks_members = bool(self._options.spread) and not self._has_spread
        lacks_statistics = bool(self._options.unlike) and self._novelty is None
        return ("disagreement",) * lacks_members + ("unlike",) * lacks_statistics

    @property
    def wait(self) -> int | None:
        """Time in ns until the recording in preparation is asked for; None if there is none."""
        return None if self.pending is None or self._now is None else self.pending.due - self._now

    def update(self, interval: Prediction, jumps_back: int = 0) -> Step:
        """Judge the next interval; `jumps_back` counts how often the clock was set back so far."""
        dropped = None
        if jumps_back != self._jumps_back:
            self._jumps_back = jumps_back
            dropped = self.reset()
            self._history = deque((min(time, interval.end), capture) for time, capture in self._history)
        elif self._now is not None and interval.end != self._now + self._interval:
            self._pause()
        self._now = interval.end
        capped = [trigger for trigger in self._triggers(interval) if not self._accept(trigger)]
        due = None
        if self.pending is not None and interval.end >= self.pending.due:
            due, self.pending = self.pending, None
            self._history.append((interval.end, due))
            self.asked.update(due.reasons)
        return Step(due, tuple(capped), dropped)

    def request(self) -> str | None:
        """Take a request from outside; returns why it is refused, None if a recording will be asked for."""
        if self._now is None:
            return "no interval was evaluated yet"
        if self._accept(Trigger("request", self._now, "asked for")):
            return None
        return self._cap("request")

    def failed(self, capture: Capture) -> None:
        """Take note that the recorder did not record: the recording does not count."""
        self._history = deque(entry for entry in self._history if entry[1] is not capture)
        self.asked.subtract(capture.reasons)

    def reset(self) -> Capture | None:
        """Forget all conditions, and drop the recording in preparation, which is returned."""
        dropped, self.pending = self.pending, None
        self._forget()
        return dropped

    @property
    def _interval(self) -> int:
        assert self._model is not None
        return self._model.sensors.interval

    def _accept(self, trigger: Trigger) -> bool:
        """Whether a recording will hold the trigger: the one in preparation, or else a new one that no cap forbids."""
        if self.pending is not None:
            self.pending = replace(self.pending, triggers=(*self.pending.triggers, trigger))
        elif self._cap(trigger.reason) is not None:
            self.capped[trigger.reason] += 1
            return False
        else:
            self.pending = Capture((trigger,), trigger.time + self._options.delay)
        return True

    def _cap(self, reason: str) -> str | None:
        """The cap that forbids one more recording now, in words."""
        assert self._now is not None
        while self._history and self._history[0][0] <= self._now - HOUR:
            self._history.popleft()
        if len(self._history) >= self._options.per_hour:
            return f"{len(self._history)} recordings in the last hour, at most {self._options.per_hour} are allowed"
        own = sum(reason in capture.reasons for _, capture in self._history)
        if own >= self._options.per_reason:
            return f"{own} recordings for '{reason}' in the last hour, at most {self._options.per_reason} are allowed"
        return None

    # Conditions

    def _forget(self) -> None:
        assert self._model is not None
        labels = len(self._model.labels)
        self._disagreement = [_Condition(self._hold) for _ in range(labels)]
        self._uncertain = [_Condition(self._hold) for _ in range(labels)]
        self._unlike = _Condition(self._hold)
        self._present: frozenset[str] = frozenset()
        self._known = 0  # intervals in a row

    def _pause(self) -> None:
        """Let the next interval follow nothing."""
        for condition in (*self._disagreement, *self._uncertain, self._unlike):
            condition.pause()
        self._known = 0

    def _triggers(self, interval: Prediction) -> list[Trigger]:
        if interval.obstacles is None:
            self._pause()
            return []
        assert self._model is not None
        self._known += 1
        self._has_spread = interval.spread is not None
        options, labels = self._options, self._model.labels
        triggers: list[Trigger] = []

        def add(reason: str, *details: str) -> None:
            triggers.append(Trigger(reason, interval.end, ", ".join(details)))

        spreads = [0.0] * len(labels) if interval.spread is None else interval.spread.tolist()
        new = [
            f"{label}: spread {spread:.3f}"
            for label, spread, condition in zip(labels, spreads, self._disagreement, strict=True)
            if condition.begins(bool(options.spread) and spread >= options.spread)
        ]
        if new:
            add("disagreement", *new)
        new = [
            f"{label}: probability {p:.3f}, threshold {rule.threshold:g}"
            for label, p, rule, condition in zip(labels, interval.p.tolist(), self._rules, self._uncertain, strict=True)
            if condition.begins(bool(options.band) and _is_near(p, rule.threshold, options.band))
        ]
        if new:
            add("uncertain", *new)
        if self._novelty is not None and options.unlike:
            share, sensor = self._novelty.unlike(interval.x)
            if self._unlike.begins(share >= options.unlike):
                add("unlike", f"{share:.0%} of the columns, most of {sensor}")
        present, before = frozenset(interval.obstacles), self._present
        self._present = present
        if options.events and self._known > self._settle and present != before:
            began = [f"{label} began" for label in labels if label in present - before]
            add("event", *began, *(f"{label} ended" for label in labels if label in before - present))
        return triggers


class _Condition:
    """Begins once it has held in `count` consecutive intervals, and ends once it has not in as many."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._active = False
        self._against = 0

    def begins(self, holds: bool) -> bool:
        """Whether the condition begins with the next interval, in which it holds or not."""
        if holds == self._active:
            self._against = 0
            return False
        self._against += 1
        if self._against < self._count:
            return False
        self._active, self._against = holds, 0
        return holds

    def pause(self) -> None:
        """Count anew."""
        self._against = 0


def _is_near(p: float, threshold: float, band: float) -> bool:
    """Whether p is within the share `band` of the way from the threshold down to 0 and up to 1."""
    return threshold * (1.0 - band) <= p <= threshold + band * (1.0 - threshold)
