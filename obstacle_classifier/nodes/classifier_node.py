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

import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from lifecycle_msgs.srv import ChangeState
from rcl_interfaces.msg import SetParametersResult
from rclpy.clock import Clock, ClockType
from rclpy.context import Context
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.parameter import Parameter
from rclpy.signals import SignalHandlerOptions
from rclpy.utilities import get_default_context

from obstacle_classifier.errors import ConfigError, ObstacleClassifierError
from obstacle_classifier.model import Model
from obstacle_classifier.nodes.classifier.diagnostics import ChangeLog, unconfigured_report
from obstacle_classifier.nodes.classifier.health import ClockMonitor
from obstacle_classifier.nodes.classifier.outputs import create_output
from obstacle_classifier.nodes.classifier.session import Session
from obstacle_classifier.nodes.classifier.settings import Settings
from obstacle_classifier.nodes.classifier.subscriptions import SensorSubscriptions
from obstacle_classifier.nodes.executor import LEAVE_DEADLINE, StopSignal, choose_executor, leave, spin

__all__ = ["ClassifierNode", "main"]

_NO_MODEL_PATH = "found no value, expected the path of a model file"
_DIAGNOSTICS_PERIOD = 10**9  # ns

Transition = Callable[["ClassifierNode", LifecycleState], TransitionCallbackReturn]


def _transition(callback: Transition) -> Transition:
    """Log why a transition fails: rclpy swallows exceptions of its callbacks."""

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

    configure loads the model and subscribes: windows fill, and the health of the sensors is known; activate publishes;
    deactivate stops publishing; cleanup releases everything. The diagnostics go on in every state but finalized.

    Attributes:
        failure: Why the newest transition failed; None if it succeeded.

    Raises:
        ConfigError: A parameter given at start-up is not allowed.
    """

    def __init__(self, context: Context | None = None, parameter_overrides: Sequence[Parameter] = ()) -> None:
        super().__init__("obstacle_classifier", context=context, parameter_overrides=list(parameter_overrides))
        self.failure: str | None = None
        self._session: Session | None = None  # from configure to cleanup
        self._settings = Settings(self)
        self._checked_model: Model | None = None  # from the check of a new model_path to its use
        self._sensor_subscriptions = SensorSubscriptions(self, self._on_message)
        self._clock_monitor = ClockMonitor()
        self._change_log = ChangeLog()
        self._diagnostics = create_output(self, DiagnosticArray, "/diagnostics", lifecycle=False)
        self._diagnostics_wait = False
        self._diagnostics_timer = self.create_timer(
            _DIAGNOSTICS_PERIOD * 1e-9, self._on_diagnostics_timer, clock=Clock(clock_type=ClockType.STEADY_TIME)
        )
        self.add_on_set_parameters_callback(self._check_parameters)
        self.add_post_set_parameters_callback(self._apply_parameters)
        # rclpy lets a transition that is invalid in the present state end the process.
        change_state = self._service_change_state
        change_state.callback = functools.partial(self._change_state, change_state.callback)

    @property
    def session(self) -> Session:
        """Everything that exists from configure to cleanup.

        Raises:
            RuntimeError: The node is not configured.
        """
        if self._session is None:
            raise RuntimeError("the node is not configured")
        return self._session

    # Lifecycle

    @_transition
    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Load the model, subscribe, offer the services."""
        path = str(self._settings.value("model_path"))
        if not path:
            raise ConfigError(f"parameter 'model_path': {_NO_MODEL_PATH}")
        self._session = Session(self, self._settings, self._sensor_subscriptions, Model.load(path), path)
        return super().on_configure(state)

    @_transition
    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Publish from the next interval on."""
        self.session.active = True
        return super().on_activate(state)

    @_transition
    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop publishing."""
        self.session.active = False
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
        """Release everything; the node is unconfigured then."""
        del state
        self._release()
        return TransitionCallbackReturn.SUCCESS

    def _release(self) -> None:
        session, self._session, self._checked_model = self._session, None, None
        if session is not None:
            session.close()

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

    def _on_message(self, sensor: str, data: bytes) -> None:
        if self._session is not None:
            self._session.push(sensor, data)

    # Parameters

    def _check_parameters(self, parameters: Sequence[Parameter]) -> SetParametersResult:
        if self._settings.declaring:
            return SetParametersResult(successful=True)
        result = self._settings.check(parameters)
        for parameter in parameters if result.successful and self._session is not None else ():
            if parameter.name == "model_path":
                try:
                    self._checked_model = self._load(parameter.value)
                except ObstacleClassifierError as error:
                    reason = f"parameter 'model_path': {error}"
                    self.get_logger().error(f"refused, still serving the previous model: {reason}")
                    return SetParametersResult(successful=False, reason=reason)
        return result

    def _load(self, path: str) -> Model:
        if not path:
            raise ConfigError(_NO_MODEL_PATH)
        model = Model.load(path)
        self._settings.declare_for(model)
        return model

    def _apply_parameters(self, parameters: Sequence[Parameter]) -> None:
        session = self._session
        if self._settings.declaring or session is None:
            return
        self._settings.note(parameters, session.model)
        # An exception here would end the process.
        try:
            model, self._checked_model = self._checked_model, None
            if model is not None and any(parameter.name == "model_path" for parameter in parameters):
                session.replace_model(model, str(self._settings.value("model_path")))
            else:
                session.apply_settings()
        except ObstacleClassifierError as error:
            session.refuse_reload(error)

    # Health

    def _on_diagnostics_timer(self) -> None:
        """Publish the diagnostics now, or once after an interval that is about to end: they take milliseconds."""
        wait = 0 if self._session is None or self._diagnostics_wait else self._session.until_quiet()
        self._diagnostics_wait = wait > 0
        if not wait:
            self._publish_diagnostics()
        self._diagnostics_timer.timer_period_ns = wait or _DIAGNOSTICS_PERIOD
        self._diagnostics_timer.reset()

    def _publish_diagnostics(self) -> None:
        session, steady = self._session, time.monotonic_ns()
        if session is None:
            now, digest, jumps_back = self.get_clock().now().nanoseconds, "", 0
            reports = [unconfigured_report(self.failure)]
        else:
            now, digest = session.advance(), session.digest
            reports, jumps_back = session.reports(now, steady), session.pipeline.jumps_back
        sim_time = bool(self.get_parameter("use_sim_time").value)
        reports.append(self._clock_monitor.report(now, steady, sim_time=sim_time, jumps_back=jumps_back))
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

    0 after a signal; 1 if a parameter is not allowed or, with `autostart`, the model cannot be served: the reason is on
    stderr. A node that has not left `LEAVE_DEADLINE` after a signal writes its stacks to stderr and ends with 1.
    """
    stop = StopSignal(deadline=LEAVE_DEADLINE)
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
    # The objects made during start-up stay: exempt them from garbage collection, which is quick then.
    gc.collect()
    gc.freeze()
    if status == 0:
        spin(executor, stop, context)
    with contextlib.suppress(rclpy_implementation.RCLError):  # it may be shut down already
        node.trigger_shutdown()
    executor.remove_node(node)
    executor.shutdown()
    leave(node)
    return status


if __name__ == "__main__":
    sys.exit(main())
