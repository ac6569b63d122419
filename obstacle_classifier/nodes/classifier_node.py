# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The lifecycle node that serves a model: sensor topics in, probabilities and obstacles out."""

from __future__ import annotations

import contextlib
import functools
import gc
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack

import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from lifecycle_msgs.srv import ChangeState
from rcl_interfaces.msg import SetParametersResult
from rclpy.clock import Clock, ClockType, JumpThreshold
from rclpy.context import Context
from rclpy.duration import Duration
from rclpy.event_handler import PublisherEventCallbacks
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.parameter import Parameter
from rclpy.signals import SignalHandlerOptions
from rclpy.utilities import get_default_context
from std_srvs.srv import Trigger

from obstacle_classifier.errors import ConfigError, ObstacleClassifierError
from obstacle_classifier.model import Model
from obstacle_classifier.nodes.classifier.diagnostics import ChangeLog, Report, model_report, unconfigured_report
from obstacle_classifier.nodes.classifier.health import HealthMonitor
from obstacle_classifier.nodes.classifier.outputs import Outputs
from obstacle_classifier.nodes.classifier.settings import Settings
from obstacle_classifier.nodes.classifier.subscriptions import SensorSubscriptions
from obstacle_classifier.nodes.executor import StopSignal, choose_executor, leave, spin
from obstacle_classifier.pipeline import Pipeline, Prediction

__all__ = ["ClassifierNode", "main"]

_MIN_WAIT = 10**6  # ns: the timer never fires more often

Transition = Callable[["ClassifierNode", LifecycleState], TransitionCallbackReturn]


def _transition(callback: Transition) -> Transition:
    """Log what makes a transition fail: rclpy swallows exceptions of its callbacks."""

    @functools.wraps(callback)
    def guarded(self: ClassifierNode, state: LifecycleState) -> TransitionCallbackReturn:
        try:
            result = callback(self, state)
        except ObstacleClassifierError as error:
            self.failure = str(error)
            self.get_logger().error(str(error))
            return TransitionCallbackReturn.FAILURE
        except Exception as error:
            self.failure = f"{callback.__name__}: {type(error).__name__}: {error}"
            self.get_logger().error(self.failure)
            raise
        self.failure = None
        return result

    return guarded


class ClassifierNode(LifecycleNode):
    """Serves one model.

    configure loads the model and subscribes, so that windows fill and sensor health is known; activate publishes;
    deactivate stops publishing; cleanup releases everything. Diagnostics come in every state but finalized.

    Attributes:
        failure: Why the newest transition failed, if it did.

    Raises:
        ConfigError: A parameter given at start-up is not allowed.
    """

    def __init__(self, context: Context | None = None, parameter_overrides: Sequence[Parameter] = ()) -> None:
        super().__init__("obstacle_classifier", context=context, parameter_overrides=list(parameter_overrides))
        self.failure: str | None = None
        self._settings = Settings(self)
        self._active = False
        self._model: Model | None = None
        self._model_path = ""
        self._checked_model: Model | None = None
        self._reload_failure: str | None = None
        self._pipeline: Pipeline | None = None
        self._outputs: Outputs | None = None
        self._sensor_subscriptions = SensorSubscriptions(self, self._on_message)
        self._health = HealthMonitor()
        self._change_log = ChangeLog()
        self._held = ExitStack()  # what cleanup releases
        self._steady_clock = Clock(clock_type=ClockType.STEADY_TIME)
        self._diagnostics = self.create_publisher(
            DiagnosticArray, "/diagnostics", 10, event_callbacks=PublisherEventCallbacks(use_default_callbacks=False)
        )
        self._diagnostics_timer = self.create_timer(1.0, self._publish_diagnostics, clock=self._steady_clock)
        self.add_on_set_parameters_callback(self._check_parameters)
        self.add_post_set_parameters_callback(self._apply_parameters)
        # rclpy lets a transition that is invalid in the present state end the process.
        change_state = self._service_change_state
        change_state.callback = functools.partial(self._change_state, change_state.callback)

    # Lifecycle

    @_transition
    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Load the model, subscribe, offer the services."""
        path = self._settings.text("model_path")
        if not path:
            raise ConfigError("parameter 'model_path': found no value, expected the path of a model file")
        model = Model.load(path)
        try:
            self._hold(model, path)
        except BaseException:
            self._release()
            raise
        return super().on_configure(state)

    @_transition
    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Publish from the next interval on."""
        self._active = True
        return super().on_activate(state)

    @_transition
    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop publishing."""
        self._active = False
        return super().on_deactivate(state)

    @_transition
    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Release model, topics and services."""
        result = super().on_cleanup(state)
        self._release()
        return result

    @_transition
    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Release everything, from any state."""
        result = super().on_shutdown(state)
        self._release()
        self.destroy_timer(self._diagnostics_timer)
        return result

    @_transition
    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Back to unconfigured, with nothing held."""
        del state
        self._release()
        return TransitionCallbackReturn.SUCCESS

    def _change_state(
        self,
        callback: Callable[[ChangeState.Request, ChangeState.Response], ChangeState.Response],
        request: ChangeState.Request,
        response: ChangeState.Response,
    ) -> ChangeState.Response:
        try:
            return callback(request, response)
        except rclpy_implementation.RCLError as error:
            self.get_logger().error(f"transition {request.transition.label or request.transition.id} refused: {error}")
            response.success = False
            return response

    def _hold(self, model: Model, path: str) -> None:
        """Make all that cleanup releases."""
        self._health = HealthMonitor()
        self._outputs = Outputs(self)
        self._held.callback(self._outputs.destroy)
        self._held.callback(self._sensor_subscriptions.clear)
        self._serve(model, path)
        reload_service = self.create_service(Trigger, "~/reload_model", self._on_reload)
        self._held.callback(self.destroy_service, reload_service)
        self._tick_timer = self.create_timer(model.sensors.interval * 1e-9, self._on_tick, clock=self._steady_clock)
        self._held.callback(self.destroy_timer, self._tick_timer)
        # Under simulated time every step of /clock evaluates what is due: a timer would only poll.
        every_step = JumpThreshold(
            min_forward=Duration(nanoseconds=1), min_backward=Duration(nanoseconds=-1), on_clock_change=True
        )
        steps = self.get_clock().create_jump_callback(every_step, post_callback=lambda _: self._tick())
        self._held.callback(steps.unregister)

    def _release(self) -> None:
        self._active = False
        self._held.close()
        self._outputs = self._pipeline = self._model = self._checked_model = self._reload_failure = None

    # Messages and intervals

    @property
    def pipeline(self) -> Pipeline:
        """The pipeline that serves; only while configured."""
        assert self._pipeline is not None
        return self._pipeline

    def _on_message(self, sensor: str, data: bytes) -> None:
        now = self.get_clock().now().nanoseconds
        if now and self._pipeline is not None:
            intervals = self._pipeline.push(sensor, now, data)
            if intervals:
                self._publish(intervals)

    def _on_tick(self) -> None:
        now = self._tick()
        interval = self.pipeline.sensors.interval
        due = self.pipeline.next_end
        wait = interval if due is None else min(max(due - now, _MIN_WAIT), interval)
        self._tick_timer.timer_period_ns = wait
        self._tick_timer.reset()

    def _tick(self) -> int:
        """Evaluate what is due; returns the time in ns, 0 while there is none."""
        now: int = self.get_clock().now().nanoseconds
        if self._pipeline is None:
            return now
        if now:
            self._publish(self._pipeline.advance(now))
        elif self._pipeline.next_end is not None:  # use_sim_time was just set: what came before is of another clock
            self._pipeline.restart()
        return now

    def _publish(self, intervals: Sequence[Prediction]) -> None:
        for interval in intervals:
            self._health.evaluated(interval)
            if self._active and self._outputs is not None:
                self._outputs.publish(interval)
                self._health.published(self.get_clock().now().nanoseconds - interval.end)

    # Model

    def _serve(self, model: Model, path: str) -> None:
        """Serve `model` from the next interval on.

        Raises:
            ConfigError: It cannot be served with these parameters and topics; the one before is served on.
        """
        assert self._outputs is not None
        self._settings.declare_for(model)
        successor = Pipeline(model) if self._pipeline is None else self._pipeline.with_model(model)
        self._sensor_subscriptions.update(self._settings.topics(model))
        self._pipeline, self._model, self._model_path = successor, model, path
        self._health.settle(time.monotonic_ns())
        self._outputs.serve(model)
        self._reload_failure = None
        self._apply_settings(model)
        self.get_logger().info(f"serving {path}: model {model.digest[:12]}, labels {', '.join(model.labels)}")
        for line in self._settings.forget_others(model):
            self.get_logger().warning(line)

    def _on_reload(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        del request
        try:
            self._serve(Model.load(self._model_path), self._model_path)
        except ObstacleClassifierError as error:
            self._refuse_model(error)
            response.success, response.message = False, str(error)
            return response
        assert self._model is not None
        response.success, response.message = True, f"serving {self._model_path}: model {self._model.digest[:12]}"
        return response

    def _refuse_model(self, error: ObstacleClassifierError) -> None:
        self._reload_failure = str(error)
        self.get_logger().error(f"reload failed, the model before keeps serving: {error}")

    # Parameters

    def _check_parameters(self, parameters: Sequence[Parameter]) -> SetParametersResult:
        if self._settings.declaring:
            return SetParametersResult(successful=True)
        result = self._settings.check(parameters)
        for parameter in parameters if result.successful and self._pipeline is not None else ():
            if parameter.name == "model_path":
                try:
                    model = Model.load(parameter.value)
                    self._settings.declare_for(model)
                except ObstacleClassifierError as error:
                    self._refuse_model(error)
                    return SetParametersResult(successful=False, reason=f"parameter 'model_path': {error}")
                self._checked_model = model
        return result

    def _apply_parameters(self, parameters: Sequence[Parameter]) -> None:
        if self._settings.declaring or self._model is None:
            return
        # An exception here would end the process.
        try:
            model, self._checked_model = self._checked_model, None
            if model is not None and any(parameter.name == "model_path" for parameter in parameters):
                self._serve(model, self._settings.text("model_path"))
            else:
                self._sensor_subscriptions.update(self._settings.topics(self._model))
                self._apply_settings(self._model)
        except ObstacleClassifierError as error:
            self._refuse_model(error)

    def _apply_settings(self, model: Model) -> None:
        assert self._outputs is not None
        self._outputs.options = self._settings.output_options()
        self.pipeline.set_rules(self._settings.rules(model))
        self.pipeline.set_timeouts(self._settings.timeouts(model))

    # Health

    def _publish_diagnostics(self) -> None:
        now, steady = self._tick(), time.monotonic_ns()
        pipeline, model = self._pipeline, self._model
        digest = "" if model is None else model.digest[:12]
        reports: list[Report] = []
        if pipeline is None or model is None:
            reports.append(unconfigured_report(self.failure))
        else:
            topics = self._sensor_subscriptions.states()
            reports += self._health.reports(pipeline, topics, now=now, steady=steady, active=self._active)
            reports.append(model_report(digest, self._model_path, self._reload_failure))
        sim_time = bool(self.get_parameter("use_sim_time").value)
        jumps_back = 0 if pipeline is None else pipeline.jumps_back
        reports.append(self._health.clock(now, sim_time=sim_time, jumps_back=jumps_back))
        for report, line in self._change_log.lines(reports, steady):
            # rclpy wants one level for each place that logs.
            if report.level == DiagnosticStatus.OK:
                self.get_logger().info(line)
            elif report.level == DiagnosticStatus.WARN:
                self.get_logger().warning(line)
            else:
                self.get_logger().error(line)
        name = self.get_fully_qualified_name().lstrip("/")  # several robots may share /diagnostics
        message = DiagnosticArray(status=[report.status(name, digest) for report in reports])
        message.header.stamp = self.get_clock().now().to_msg()
        self._diagnostics.publish(message)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the node until SIGINT or SIGTERM; returns the exit status.

    1 if `autostart` is set and the model cannot be served, or a parameter is wrong: the reason is on stderr.
    """
    stop = StopSignal()
    context = get_default_context()
    try:
        rclpy.init(args=arguments, signal_handler_options=SignalHandlerOptions.NO)
        node = ClassifierNode()
    except (ObstacleClassifierError, RuntimeError) as error:  # rclpy's are RuntimeErrors
        print(f"classifier_node: {' '.join(str(error).split())}", file=sys.stderr)
        rclpy.try_shutdown()
        return 1
    executor = choose_executor(str(node.get_parameter("executor").value), node, context)
    status = 0
    if node.get_parameter("autostart").value:
        success = TransitionCallbackReturn.SUCCESS
        if node.trigger_configure() != success or node.trigger_activate() != success:
            print(f"classifier_node: {node.failure}", file=sys.stderr)
            status = 1
    # What start-up has built stays: a full collection then has little left to look at.
    gc.collect()
    gc.freeze()
    if status == 0:
        spin(executor, stop, context)
    with contextlib.suppress(rclpy_implementation.RCLError):  # somebody may have shut it down already
        node.trigger_shutdown()
    executor.remove_node(node)
    executor.shutdown()
    leave(node)
    return status


if __name__ == "__main__":
    sys.exit(main())
