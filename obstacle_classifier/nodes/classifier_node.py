"""The lifecycle node that serves a model: sensor topics in, probabilities and obstacles out."""

from __future__ import annotations

import contextlib
import functools
import gc
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence

import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.srv import ChangeState
from rcl_interfaces.msg import SetParametersResult
from rclpy.clock import Clock, ClockType, JumpThreshold
from rclpy.context import Context
from rclpy.duration import Duration
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.parameter import Parameter
from rclpy.signals import SignalHandlerOptions
from rclpy.utilities import get_default_context
from std_srvs.srv import Trigger

from obstacle_classifier.decision import DecisionRule
from obstacle_classifier.errors import ConfigError, ObstacleClassifierError
from obstacle_classifier.model import Model
from obstacle_classifier.nodes.diagnostics import RateMeter, clock_status, model_status, output_status, sensor_status
from obstacle_classifier.nodes.executor import StopSignal, choose_executor, spin
from obstacle_classifier.nodes.outputs import OutputOptions, Outputs
from obstacle_classifier.nodes.parameters import (
    LABEL_PARAMETERS,
    NODE_PARAMETERS,
    SENSOR_PARAMETERS,
    ParameterSpec,
    declare,
)
from obstacle_classifier.nodes.subscriptions import SensorSubscriptions, TopicQoS
from obstacle_classifier.pipeline import Interval, Pipeline

__all__ = ["ClassifierNode", "main"]

_MIN_WAIT = 10**6  # ns: the timer never fires more often
_LOG_PERIOD = 5.0  # s between two repetitions of a log line

Transition = Callable[["ClassifierNode", LifecycleState], TransitionCallbackReturn]


def _transition(callback: Transition) -> Transition:
    """Log what makes a transition fail: rclpy swallows exceptions of its callbacks."""

    @functools.wraps(callback)
    def guarded(self: ClassifierNode, state: LifecycleState) -> TransitionCallbackReturn:
        try:
            return callback(self, state)
        except ObstacleClassifierError as error:
            self.failure = str(error)
            self.get_logger().error(str(error))
            return TransitionCallbackReturn.FAILURE
        except Exception as error:
            self.failure = f"{callback.__name__}: {type(error).__name__}: {error}"
            self.get_logger().error(self.failure)
            raise

    return guarded


class ClassifierNode(LifecycleNode):
    """Serves one model.

    configure loads the model and subscribes, so that windows fill and sensor health is known; activate publishes;
    deactivate stops publishing; cleanup releases everything.

    Attributes:
        failure: Why the newest transition failed, if one did.
    """

    def __init__(self, context: Context | None = None, parameter_overrides: Sequence[Parameter] = ()) -> None:
        super().__init__("obstacle_classifier", context=context, parameter_overrides=list(parameter_overrides))
        self.failure: str | None = None
        self._specs: dict[str, ParameterSpec] = {}
        for spec in NODE_PARAMETERS:
            self._declare(spec)
        self._model: Model | None = None
        self._model_path = ""
        self._checked_model: Model | None = None
        self._pipeline: Pipeline | None = None
        self._outputs: Outputs | None = None
        self._active = False
        self._reload_failure: str | None = None
        self._unknown_reason: str | None = None
        self._latencies: deque[int] = deque(maxlen=1000)
        self._rates = RateMeter()
        self._undecodable: dict[str, int] = {}
        self._sensor_subscriptions = SensorSubscriptions(self, self._on_message)
        self._mismatches: set[str] = set()
        self.add_on_set_parameters_callback(self._check_parameters)
        self.add_post_set_parameters_callback(self._apply_parameters)
        # rclpy lets a transition that is invalid in the present state end the process.
        change_state = self._service_change_state
        change_state.callback = functools.partial(self._change_state, change_state.callback)

    # Lifecycle

    @_transition
    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Load the model, subscribe, offer the services."""
        path = str(self.get_parameter("model_path").value)
        if not path:
            raise ConfigError("parameter 'model_path': found no value, expected the path of a model file")
        model = Model.load(path)
        self._outputs = Outputs(self)
        self._diagnostics = self.create_publisher(DiagnosticArray, "/diagnostics", 10)
        self._reload_service = self.create_service(Trigger, "~/reload_model", self._on_reload)
        self._serve(model, path)
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._tick_timer = self.create_timer(model.sensors.interval * 1e-9, self._on_tick, clock=steady)
        self._diagnostics_timer = self.create_timer(1.0, self._publish_diagnostics, clock=steady)
        # Under simulated time every step of /clock evaluates what is due: a timer would only poll.
        every_step = JumpThreshold(
            min_forward=Duration(nanoseconds=1), min_backward=Duration(nanoseconds=-1), on_clock_change=True
        )
        self._clock_steps = self.get_clock().create_jump_callback(every_step, post_callback=lambda _: self._tick())
        return super().on_configure(state)

    @_transition
    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Publish from the next interval on."""
        self._active = True
        # What start-up has built stays: a full collection then has little left to look at.
        gc.collect()
        gc.freeze()
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

    def _release(self) -> None:
        self._active = False
        self._sensor_subscriptions.clear()
        if self._outputs is None:
            return
        self._clock_steps.unregister()
        self.destroy_timer(self._tick_timer)
        self.destroy_timer(self._diagnostics_timer)
        self.destroy_service(self._reload_service)
        self.destroy_publisher(self._diagnostics)
        self._outputs.destroy()
        self._outputs = self._pipeline = self._model = None

    # Messages and intervals

    @property
    def pipeline(self) -> Pipeline:
        """The pipeline that serves; only while configured."""
        assert self._pipeline is not None
        return self._pipeline

    def _on_message(self, sensor: str, data: bytes) -> None:
        now = self.get_clock().now().nanoseconds
        if now and self._pipeline is not None:
            self._publish(self._pipeline.push(sensor, now, data))

    def _on_tick(self) -> None:
        now = self._tick()
        interval = self.pipeline.sensors.interval
        due = self.pipeline.next_end
        wait = interval if due is None else min(max(due - now, _MIN_WAIT), interval)
        self._tick_timer.timer_period_ns = wait
        self._tick_timer.reset()

    def _tick(self) -> int:
        now: int = self.get_clock().now().nanoseconds
        if now and self._pipeline is not None:
            self._publish(self._pipeline.advance(now))
        elif not now:
            self.get_logger().warning("waiting for /clock: use_sim_time is set", throttle_duration_sec=_LOG_PERIOD)
        return now

    def _publish(self, intervals: Sequence[Interval]) -> None:
        for interval in intervals:
            self._unknown_reason = self._stale_sensors() if interval.unknown else None
            if self._active and self._outputs is not None:
                self._outputs.publish(interval)
                self._latencies.append(self.get_clock().now().nanoseconds - interval.end)

    def _stale_sensors(self) -> str:
        health = self.pipeline.health(self.get_clock().now().nanoseconds)
        stale = [name for name, sensor in health.items() if sensor.stale and (sensor.required or len(health) == 1)]
        return f"stale: {', '.join(stale or health)}"

    # Model

    def _serve(self, model: Model, path: str) -> None:
        """Serve `model` from the next interval on."""
        self._declare_for(model)
        if self._pipeline is None:
            self._pipeline = Pipeline(model.sensors, model)
        else:
            self._pipeline = self._pipeline.with_model(model)
        assert self._outputs is not None
        self._outputs.serve(model)
        self._model, self._model_path = model, path
        self._reload_failure = None
        self._apply_overrides()
        self.get_logger().info(f"serving {path}: model {model.digest[:12]}, labels {', '.join(model.labels)}")

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

    def _declare(self, spec: ParameterSpec, key: str = "") -> None:
        name = spec.name.format(key)
        self._specs[name] = spec
        declare(self, spec, key)
        reason = None if self._value(name) is None else spec.refuse(self._value(name))
        if reason is not None:
            raise ConfigError(f"parameter '{name}': {reason}")

    def _declare_for(self, model: Model) -> None:
        """Declare the parameters of the model's labels and sensors, and drop those of labels and sensors gone."""
        wanted = {spec.name.format(label): (spec, label) for label in model.labels for spec in LABEL_PARAMETERS}
        for sensor in model.sensors.sensors:
            wanted |= {spec.name.format(sensor.name): (spec, sensor.name) for spec in SENSOR_PARAMETERS}
        for name, (spec, key) in wanted.items():
            if name not in self._specs:
                self._declare(spec, key)
        own = {spec.name for spec in NODE_PARAMETERS}
        for name in [name for name in self._specs if name not in wanted and name not in own]:
            self.undeclare_parameter(name)
            del self._specs[name]
        for name in self._parameter_overrides:
            if name.startswith(("labels.", "sensors.")) and name not in wanted:
                self.get_logger().warning(
                    f"parameter '{name}' is ignored: expected a label of {', '.join(model.labels)} or a sensor of "
                    f"{', '.join(sensor.name for sensor in model.sensors.sensors)}"
                )

    def _value(self, name: str) -> bool | int | float | str | None:
        """Value of a declared parameter, None if unset."""
        parameter = self.get_parameter_or(name, Parameter(name))
        value: bool | int | float | str | None = parameter.value
        return value

    def _check_parameters(self, parameters: Sequence[Parameter]) -> SetParametersResult:
        for parameter in parameters:
            spec = self._specs.get(parameter.name)
            if spec is None or parameter.type_ == Parameter.Type.NOT_SET:
                continue
            reason = spec.refuse(parameter.value)
            if parameter.name == "model_path" and self._pipeline is not None:
                try:
                    self._checked_model = Model.load(parameter.value)
                except ObstacleClassifierError as error:
                    reason = str(error)
                    self._reload_failure = reason
            if reason is not None:
                return SetParametersResult(successful=False, reason=f"parameter '{parameter.name}': {reason}")
        return SetParametersResult(successful=True)

    def _apply_parameters(self, parameters: Sequence[Parameter]) -> None:
        # An exception here would end the process.
        try:
            if self._checked_model is not None and any(parameter.name == "model_path" for parameter in parameters):
                model, self._checked_model = self._checked_model, None
                self._serve(model, str(self._value("model_path")))
            elif self._model is not None:
                self._apply_overrides()
        except ObstacleClassifierError as error:
            self._refuse_model(error)

    def _apply_overrides(self) -> None:
        model = self._model
        assert model is not None
        assert self._outputs is not None
        self._outputs.options = OutputOptions(
            features=bool(self._value("publish_features")),
            markers=bool(self._value("publish_markers")),
            frame_id=str(self._value("frame_id")),
        )
        rules, timeouts, sensors = [], {}, {}
        for label, rule in zip(model.labels, model.rules, strict=True):
            values = {field: self._value(f"labels.{label}.{field}") for field in ("threshold", "enter", "exit")}
            known = {field: value for field, value in values.items() if value is not None}
            rules.append(DecisionRule(**{**vars(rule), **known}))
        for spec in model.sensors.sensors:
            timeout = self._value(f"sensors.{spec.name}.timeout")
            timeouts[spec.name] = spec.timeout if timeout is None else round(float(timeout) * 1e9)
            reliability = str(self._value(f"sensors.{spec.name}.reliability"))
            depth = self._value(f"sensors.{spec.name}.depth")
            sensors[spec.name] = (spec, TopicQoS(reliability, int(depth or 1)))
        self.pipeline.set_rules(rules)
        self.pipeline.set_timeouts(timeouts)
        self._sensor_subscriptions.update(sensors)

    # Health

    def _publish_diagnostics(self) -> None:
        now = self.get_clock().now().nanoseconds
        pipeline, model = self.pipeline, self._model
        assert model is not None
        health = pipeline.health(now)
        rates = self._rates.read({name: pipeline.received(name) for name in health}, time.monotonic_ns())
        mismatches = self._sensor_subscriptions.mismatches()
        lines = {line for of_sensor in mismatches.values() for line in of_sensor}
        for line in sorted(lines - self._mismatches):
            self.get_logger().error(line)
        self._mismatches = lines
        reports = []
        for spec in model.sensors.sensors:
            counters = health[spec.name].counters
            undecodable = counters.undecodable - self._undecodable.get(spec.name, 0)
            self._undecodable[spec.name] = counters.undecodable
            reports.append(
                sensor_status(
                    spec.name, spec.topic, health[spec.name], rates[spec.name], undecodable, mismatches[spec.name]
                )
            )
        digest = model.digest[:12]
        reports.append(model_status(digest, self._model_path, self._reload_failure))
        reports.append(output_status(self._active, self._unknown_reason, pipeline.missed, self._latencies))
        sim_time = bool(self.get_parameter("use_sim_time").value)
        reports.append(clock_status(now, sim_time, pipeline.jumps_back))
        message = DiagnosticArray(status=[report.status(self.get_name(), digest) for report in reports])
        message.header.stamp = self.get_clock().now().to_msg()
        self._diagnostics.publish(message)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the node until SIGINT or SIGTERM; returns the exit status.

    1 if `autostart` is set and the model cannot be served, or a parameter is wrong: the reason is on stderr.
    """
    rclpy.init(args=arguments, signal_handler_options=SignalHandlerOptions.NO)
    context = get_default_context()
    stop = StopSignal()
    try:
        node = ClassifierNode()
    except ObstacleClassifierError as error:
        print(f"classifier_node: {error}", file=sys.stderr)
        rclpy.try_shutdown()
        return 1
    executor = choose_executor(str(node.get_parameter("executor").value), node, context)
    status = 0
    if node.get_parameter("autostart").value:
        success = TransitionCallbackReturn.SUCCESS
        if node.trigger_configure() != success or node.trigger_activate() != success:
            print(f"classifier_node: {node.failure}", file=sys.stderr)
            status = 1
    if status == 0:
        spin(executor, stop, context)
    with contextlib.suppress(rclpy_implementation.RCLError):  # somebody may have shut it down already
        node.trigger_shutdown()
    executor.remove_node(node)
    executor.shutdown()
    node.destroy_node()
    rclpy.try_shutdown()
    return status


if __name__ == "__main__":
    sys.exit(main())
