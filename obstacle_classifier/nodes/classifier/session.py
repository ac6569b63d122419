# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Everything that `classifier_node` holds from configure to cleanup."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack

from rclpy.clock import Clock, ClockType, JumpThreshold, ROSClock
from rclpy.duration import Duration
from rclpy.lifecycle import LifecycleNode
from std_srvs.srv import Trigger

from obstacle_classifier.errors import ObstacleClassifierError
from obstacle_classifier.model import Model
from obstacle_classifier.nodes.classifier.diagnostics import Report, model_report
from obstacle_classifier.nodes.classifier.health import HealthMonitor, until_quiet
from obstacle_classifier.nodes.classifier.outputs import Outputs
from obstacle_classifier.nodes.classifier.recorder import CaptureSwitch
from obstacle_classifier.nodes.classifier.settings import Settings
from obstacle_classifier.nodes.classifier.subscriptions import SensorSubscriptions
from obstacle_classifier.pipeline import Pipeline, Prediction

__all__ = ["Session"]

_MIN_WAIT = 10**6  # ns: the timer never fires more often


class Session:
    """The model that is served with its pipeline, subscriptions, publishers, timer and reload service.

    An executor may run a callback that it had queued after the timer, subscription or service was destroyed. Such a
    callback meets a closed session and does nothing, so no attribute of a session is ever None.

    Attributes:
        active: Whether intervals are published.
        model: The model that is served.
        path: Its file.
        pipeline: The pipeline of the model.

    Raises:
        ConfigError: The model cannot be served with these parameters and topics; nothing is left on the graph.
    """

    def __init__(
        self, node: LifecycleNode, settings: Settings, subscriptions: SensorSubscriptions, model: Model, path: str
    ) -> None:
        self.active = False
        self._node, self._settings, self._subscriptions = node, settings, subscriptions
        self._clock: ROSClock = node.get_clock()
        self._closed = False
        self._reload_failure: str | None = None
        self._health = HealthMonitor()
        self._resources = ExitStack()
        try:
            self._outputs = Outputs(node)
            self._resources.callback(self._outputs.destroy)
            self._resources.callback(subscriptions.clear)
            self._capture = CaptureSwitch(node)
            self._resources.callback(self._capture.close)
            self._serve(model, path, Pipeline(model))
            reload_service = node.create_service(Trigger, "~/reload_model", self._on_reload)
            self._resources.callback(node.destroy_service, reload_service)
            self._timer = node.create_timer(
                model.sensors.interval * 1e-9, self._on_timer, clock=Clock(clock_type=ClockType.STEADY_TIME)
            )
            self._resources.callback(node.destroy_timer, self._timer)
            # Under simulated time every step of /clock evaluates the intervals that are due: a timer would only poll.
            every_step = JumpThreshold(
                min_forward=Duration(nanoseconds=1), min_backward=Duration(nanoseconds=-1), on_clock_change=True
            )
            steps = node.get_clock().create_jump_callback(every_step, post_callback=lambda _: self.advance())
            self._resources.callback(steps.unregister)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Take everything off the graph."""
        self.active = False
        self._closed = True
        self._resources.close()

    # Messages and intervals

    def push(self, sensor: str, data: bytes) -> None:
        """Take one message of a sensor, as CDR bytes; it is dropped while there is no time."""
        now = self._now()
        if now and not self._closed:
            intervals = self.pipeline.push(sensor, now, data)
            if intervals:
                self._publish(intervals)

    def advance(self) -> int:
        """Evaluate the intervals that are due; returns the time in ns, 0 while there is no time."""
        now = self._now()
        if self._closed:
            return now
        if now:
            self._publish(self.pipeline.advance(now))
        elif self.pipeline.next_end is not None:  # use_sim_time was just set: earlier messages are of another clock
            self.pipeline.restart()
        return now

    def until_quiet(self) -> int:
        """How long to wait, in ns, until an interval that is about to end has been published; 0 if none is."""
        return until_quiet(self._now(), self.pipeline.next_end, self.pipeline.sensors.interval)

    def _now(self) -> int:
        """The time of the node's clock in ns. Without simulated time it is the system's, which is quicker to ask."""
        clock = self._clock
        return int(clock.now().nanoseconds) if clock.ros_time_is_active else time.time_ns()

    def _on_timer(self) -> None:
        if self._closed:
            return
        self.advance()
        interval = self.pipeline.sensors.interval
        due = self.pipeline.next_end
        left = interval if due is None else due - self._now()  # counted from here, not from before the evaluation
        self._timer.timer_period_ns = min(max(left, _MIN_WAIT), interval)
        self._timer.reset()

    def _publish(self, intervals: Sequence[Prediction]) -> None:
        for interval in intervals:
            self._health.evaluated(interval)
            self._capture.update(interval, self.pipeline.jumps_back, active=self.active)
            if self.active:
                self._outputs.publish(interval)
                self._health.published(self._now() - interval.end)

    # Model and parameters

    def replace_model(self, model: Model, path: str) -> None:
        """Serve another model from the next interval on.

        Raises:
            ConfigError: It cannot be served with these parameters and topics; the previous one is still served.
        """
        try:
            self._serve(model, path, self.pipeline.with_model(model))
        except ObstacleClassifierError:
            self._settings.adopt(self.model)
            raise

    def apply_settings(self) -> None:
        """Apply the values of the parameters from the next interval on.

        Raises:
            ConfigError: A topic cannot be subscribed to; the subscriptions are as they were before.
        """
        self._subscriptions.update(self._settings.topics(self.model))
        self._outputs.options = self._settings.output_options()
        rules = self._settings.rules(self.model)
        self.pipeline.set_rules(rules)
        self.pipeline.set_timeouts(self._settings.timeouts(self.model))
        self._capture.apply(
            bool(self._settings.value("capture.enabled")),
            str(self._settings.value("capture.recorder")),
            self.model,
            rules,
            self._settings.capture_options(),
        )

    def refuse_reload(self, error: ObstacleClassifierError) -> None:
        """Report that the model which the node was told to serve is not served, until a model takes over."""
        self._reload_failure = str(error)
        self._node.get_logger().error(f"reload failed, still serving the previous model: {error}")

    def _serve(self, model: Model, path: str, pipeline: Pipeline) -> None:
        self._settings.declare_for(model)
        self._subscriptions.update(self._settings.topics(model))
        self.pipeline, self.model, self.path = pipeline, model, path
        self._health.settle(time.monotonic_ns())
        self._health.serve()
        self._outputs.serve(model)
        self._reload_failure = None
        ignored = self._settings.adopt(model)
        self.apply_settings()
        self._node.get_logger().info(f"serving {path}: model {self.digest}, labels {', '.join(model.labels)}")
        for line in ignored:
            self._node.get_logger().warning(line)

    def _on_reload(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        del request
        if self._closed:
            response.success, response.message = False, "the node is not configured"
            return response
        try:
            self.replace_model(Model.load(self.path), self.path)
        except ObstacleClassifierError as error:
            self.refuse_reload(error)
            response.success, response.message = False, str(error)
            return response
        response.success, response.message = True, f"serving {self.path}: model {self.digest}"
        return response

    # Health

    @property
    def digest(self) -> str:
        """The first 12 digits of the model's digest."""
        return self.model.digest[:12]

    def reports(self, now: int, steady: int) -> list[Report]:
        """Sensors, output, model and capture at `now` on the node's clock and `steady` on a steady one, in ns."""
        topics = self._subscriptions.states()
        reports = self._health.reports(self.pipeline, topics, now=now, steady=steady, active=self.active)
        model = model_report(self.digest, self.path, self._reload_failure)
        return [*reports, model, *self._capture.reports(steady)]
